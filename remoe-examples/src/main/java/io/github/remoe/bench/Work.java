package io.github.remoe.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.RobustEvaluator;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.nn.Linear;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.function.Function;
import java.util.function.Supplier;

/** The pieces of work of a {@link Worker}, each done as the library's own programs do it. */
final class Work {

    private static final int EVALUATION_STEPS = 20;
    private static final int READING_THREADS = 2;
    private static final int PRODUCTS = 15;

    private Work() {}

    /**
     * How a piece of work went.
     *
     * @param seconds how long it took; the mean if it was repeated
     * @param result figures by name
     */
    record Timing(double seconds, Map<String, Double> result) {}

    static Timing run(Subject subject, Requests.Run run) throws IOException, TranslateException {
        return switch (run.row()) {
            case "inference" -> inference(subject, run.batch(), run.repeat());
            case "pgd-step" -> attackStep(subject, run.batch(), run.repeat());
            case "sat-step" -> trainingStep(subject, run.batch(), run.regionLosses());
            case "evaluation" ->
                evaluation(
                        subject,
                        run,
                        threat -> Pgd.builder(threat)
                                .optSteps(EVALUATION_STEPS)
                                .optEarlyStop(true)
                                .build());
            case "autoattack" -> evaluation(subject, run, AutoAttack::standard);
            case "data" -> data(subject, Path.of(run.folder()), run.batch());
            case "matmul" -> matrixProduct(subject);
            default ->
                throw new IllegalArgumentException(
                        "Unknown row '" + run.row() + "': known are"
                                + " inference, pgd-step, sat-step, evaluation, autoattack, data and matmul.");
        };
    }

    private static Timing inference(Subject subject, int size, int repeat)
            throws TranslateException {
        try (Batch batch = subject.batch(0, size)) {
            NDArray images = batch.getData().head();
            long start = System.nanoTime();
            for (int i = 0; i < repeat; i++) {
                try (NDList outputs = subject.predict(images)) {
                    outputs.head().toFloatArray();
                }
            }
            return new Timing(seconds(start) / repeat, Map.of());
        }
    }

    private static Timing attackStep(Subject subject, int size, int repeat) {
        Attack step = Pgd.builder(Subject.THREAT)
                .optStepSize(Subject.STEP_SIZE)
                .optSteps(1)
                .optLastPoint(true)
                .build();
        try (Batch batch = subject.batch(0, size)) {
            long start = System.nanoTime();
            for (int i = 0; i < repeat; i++) {
                step.perturb(
                                subject.target(),
                                batch.getData().head(),
                                batch.getLabels().head(),
                                new long[size])
                        .close();
            }
            subject.synchronize();
            return new Timing(seconds(start) / repeat, Map.of());
        }
    }

    private static Timing trainingStep(Subject subject, int size, boolean regionLosses) {
        try (Batch batch = subject.batch(0, size)) {
            long start = System.nanoTime();
            double loss = subject.trainBatch(batch, regionLosses);
            return new Timing(seconds(start), Map.of("loss", loss));
        }
    }

    private static Timing evaluation(
            Subject subject, Requests.Run run, Function<ThreatModel, Attack> attack)
            throws IOException {
        List<Batch> batches = new ArrayList<>();
        for (int from = 0; from < run.images(); from += run.batch()) {
            batches.add(subject.batch(from, Math.min(run.images(), from + run.batch())));
        }
        long start = System.nanoTime();
        Verdicts verdicts = RobustEvaluator.builder(
                        subject.target(), ThreatModel.linf(run.epsilon()))
                .addAttack(run.row(), attack)
                .build()
                .evaluate("bench", "", batches);
        double seconds = seconds(start);
        Map<String, Double> result = new LinkedHashMap<>();
        result.put("cleanAccuracy", verdicts.clean().value());
        result.put("robustAccuracy", verdicts.worstCase(0).value());
        return new Timing(seconds, result);
    }

    /** One epoch of training images; their files are read before the first. */
    private static Timing data(Subject subject, Path folder, int batchSize)
            throws IOException, TranslateException {
        PixelDataset dataset = subject.cifar(folder, batchSize);
        ExecutorService readers = Datasets.readingThreads(READING_THREADS);
        try {
            long images = 0;
            long start = System.nanoTime();
            for (Batch batch : dataset.getData(subject.manager(), readers)) {
                images += batch.getSize();
                batch.close();
            }
            return new Timing(seconds(start), Map.of("images", (double) images));
        } finally {
            readers.shutdownNow();
        }
    }

    /** The rate that bounds all others: of the two ways PyTorch has to multiply matrices, the faster. */
    private static Timing matrixProduct(Subject subject) {
        long side = subject.manager().getDevice().isGpu() ? 4096 : 1024;
        try (NDManager manager = subject.manager().newSubManager()) {
            NDArray left = manager.randomUniform(-1, 1, new Shape(2, side / 2, side));
            NDArray right = manager.randomUniform(-1, 1, new Shape(side, side));
            NDArray bias = manager.zeros(new Shape(side));
            double seconds = Math.min(
                    median(() -> left.matMul(right)),
                    median(() -> Linear.affine(left, right, bias)));
            double flops = 2.0 * side * side * side;
            return new Timing(seconds, Map.of("flopsPerSecond", flops / seconds));
        }
    }

    private static double median(Supplier<NDArray> product) {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < PRODUCTS; i++) {
            long start = System.nanoTime();
            try (NDArray result = product.get();
                    NDArray corner = result.get("0, 0, 0")) {
                corner.getFloat();
            }
            times.add(seconds(start));
        }
        return MedianRange.of(times).median();
    }

    private static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }
}
