package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.listener.EvaluatorTrainingListener;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListener.BatchData;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.Tensors;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.CrossEntropyLoss;
import io.github.remoe.train.DataParallel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

class TrainingMetricsTest {

    @TempDir
    private Path folder;

    private final Model model = Model.newInstance("tiny", Device.cpu());
    private final Told told = new Told();

    private static final class Told implements MetricsListener {

        final List<Long> from = new ArrayList<>();
        final List<Integer> fromEpoch = new ArrayList<>();
        final List<Measurement> steps = new ArrayList<>();
        final List<Measurement> epochs = new ArrayList<>();

        @Override
        public void onMeasuringFrom(long step, int epoch) {
            from.add(step);
            fromEpoch.add(epoch);
        }

        @Override
        public void onStepMeasured(Measurement measurement) {
            steps.add(measurement);
        }

        @Override
        public void onEpochMeasured(Measurement measurement) {
            epochs.add(measurement);
        }
    }

    private Trainer trainer(TrainingListener... listeners) {
        return trainer(TinyNetworks.plainVit(), listeners);
    }

    private Trainer trainer(Block network, TrainingListener... listeners) {
        model.setBlock(network);
        Trainer trainer = model.newTrainer(
                new DefaultTrainingConfig(new CrossEntropyLoss(CrossEntropyLoss.CLEAN))
                        .optDevices(new Device[] {Device.cpu()})
                        .optOptimizer(Optimizer.sgd()
                                .setLearningRateTracker(Tracker.fixed(0.1f))
                                .build())
                        .addEvaluator(new Accuracy())
                        // Listeners are told though they come first.
                        .addTrainingListeners(told)
                        .addTrainingListeners(listeners));
        trainer.setMetrics(new Metrics());
        trainer.initialize(new Shape(1, 3, 8, 8));
        return trainer;
    }

    @AfterEach
    void close() {
        model.close();
    }

    /** A batch of as many images, of which so many are predicted right, clean ones or both. */
    private static BatchData batch(NDManager manager, int images, int... right) {
        NDList predictions = new NDList();
        for (int count : right) {
            double[] logits = new double[2 * images];
            for (int i = 0; i < images; i++) {
                logits[2 * i + (i < count ? 0 : 1)] = 1;
            }
            predictions.add(Tensors.array(manager, new Shape(images, 2), logits));
        }
        NDArray labels = manager.zeros(new Shape(images));
        return new BatchData(
                null, Map.of(Device.cpu(), new NDList(labels)), Map.of(Device.cpu(), predictions));
    }

    @Test
    void stepsAndEpochsAreCountedAndEpochsAreMeansOverImages() {
        TrainingMetrics metrics = new TrainingMetrics(true, true, false);
        try (Trainer trainer = trainer(metrics)) {
            NDManager manager = trainer.getManager();
            metrics.onTrainingBatch(trainer, batch(manager, 4, 3, 1));
            metrics.onTrainingBatch(trainer, batch(manager, 2, 0, 0));
            metrics.onValidationBatch(trainer, batch(manager, 4, 4, 2));
            metrics.onValidationBatch(trainer, batch(manager, 1, 0, 0));
            metrics.onEpoch(trainer);
            metrics.onTrainingBatch(trainer, batch(manager, 4, 4, 4));
            metrics.onEpoch(trainer);
        }

        assertThat(told.from).containsExactly(1L);
        assertThat(told.steps).extracting(Measurement::step).containsExactly(1L, 2L, 3L);
        assertThat(told.steps).extracting(Measurement::epoch).containsExactly(1, 1, 2);
        assertThat(told.steps)
                .extracting(m -> m.get(Measurement.CLEAN_ACCURACY))
                .containsExactly(0.75, 0.0, 1.0);
        Measurement first = told.epochs.get(0);
        assertThat(first.step()).isEqualTo(2);
        assertThat(first.epoch()).isEqualTo(1);
        assertThat(first.get(Measurement.STEPS)).isEqualTo(2);
        assertThat(first.get(Measurement.CLEAN_ACCURACY)).isEqualTo(3 / 6.0);
        assertThat(first.get(Measurement.ROBUST_ACCURACY)).isEqualTo(1 / 6.0);
        assertThat(first.get(Measurement.VALIDATION_CLEAN)).isEqualTo(4 / 5.0);
        assertThat(first.get(Measurement.VALIDATION_ROBUST)).isEqualTo(2 / 5.0);
        Measurement second = told.epochs.get(1);
        assertThat(second.epoch()).isEqualTo(2);
        assertThat(second.get(Measurement.CLEAN_ACCURACY)).isEqualTo(1);
        assertThat(second.get(Measurement.VALIDATION_CLEAN)).isNaN();
    }

    @Test
    void theColumnsAreKnownAndAlwaysTheSame() {
        TrainingMetrics metrics = new TrainingMetrics(true, true, false);
        try (Trainer trainer = trainer(metrics)) {
            metrics.onTrainingBatch(trainer, batch(trainer.getManager(), 4, 3, 1));
            metrics.onEpoch(trainer);
            record(trainer, "loss", 2);
            metrics.onTrainingBatch(trainer, batch(trainer.getManager(), 4, 3, 1));
            metrics.onValidationBatch(trainer, batch(trainer.getManager(), 4, 3, 1));
            metrics.onEpoch(trainer);
        }

        String[] step = {
            "loss/total",
            "loss/cleanCrossEntropy",
            "accuracy/clean",
            "accuracy/robust",
            "gate/angleDegrees",
            "gate/entropy",
            "optimizer/learningRate",
            "optimizer/gradientNorm",
            "optimizer/skippedSteps",
            "speed/imagesPerSecond",
            "memory/residentMiB",
            "memory/heapMiB",
            "memory/gpuMiB"
        };
        assertThat(told.steps)
                .allSatisfy(m -> assertThat(m.values().keySet()).containsExactly(step));
        assertThat(told.epochs)
                .hasSize(2)
                .allSatisfy(m -> assertThat(m.values().keySet())
                        .startsWith("epoch/steps")
                        .containsSubsequence(step)
                        .endsWith("validation/clean", "validation/robust"));
    }

    private static void record(Trainer trainer, String name, double value) {
        trainer.getMetrics().addMetric(name, value);
    }

    @Test
    void whatOnlyTheLoopKnowsComesFromDjlsMetrics() {
        TrainingMetrics metrics = new TrainingMetrics(true, false, false);
        try (Trainer trainer = trainer(metrics)) {
            BatchData batch = batch(trainer.getManager(), 4, 3);
            record(trainer, "stepNumber", 1234);
            record(trainer, "epochNumber", 7);
            record(trainer, "loss", 1.5);
            record(trainer, "learningRate", 0.1);
            record(trainer, "gradientNorm", 3);
            record(trainer, "skippedSteps", 2);
            metrics.onTrainingBatch(trainer, batch);
            record(trainer, "stepNumber", 1235);
            record(trainer, "loss", 0.5);
            record(trainer, "skippedSteps", 4);
            metrics.onTrainingBatch(trainer, batch);
            metrics.onEpoch(trainer);
        }

        assertThat(told.from).containsExactly(1234L);
        assertThat(told.fromEpoch).containsExactly(7);
        assertThat(told.steps).extracting(Measurement::step).containsExactly(1234L, 1235L);
        assertThat(told.steps).extracting(Measurement::epoch).containsExactly(7, 7);
        Measurement first = told.steps.get(0);
        assertThat(first.get(Measurement.LOSS)).isEqualTo(1.5);
        assertThat(first.get(Measurement.LEARNING_RATE)).isEqualTo(0.1);
        assertThat(first.get(Measurement.GRADIENT_NORM)).isEqualTo(3);
        assertThat(first.get(Measurement.SKIPPED_STEPS)).isEqualTo(2);
        Measurement epoch = told.epochs.get(0);
        assertThat(epoch.get(Measurement.LOSS)).isEqualTo(1);
        // A count of the whole run, not a mean.
        assertThat(epoch.get(Measurement.SKIPPED_STEPS)).isEqualTo(4);
    }

    @Test
    void aRunThatGoesBackStartsAnew() {
        TrainingMetrics metrics = new TrainingMetrics(true, false, false);
        try (Trainer trainer = trainer(metrics)) {
            for (int step : new int[] {1, 2, 3, 2, 3}) {
                record(trainer, "stepNumber", step);
                record(trainer, "loss", told.steps.size());
                metrics.onTrainingBatch(trainer, batch(trainer.getManager(), 4, 3));
            }
            metrics.onEpoch(trainer);
        }

        assertThat(told.from).containsExactly(1L, 2L);
        // The mean over the two steps since it went back.
        assertThat(told.epochs.get(0).get(Measurement.STEPS)).isEqualTo(2);
        assertThat(told.epochs.get(0).get(Measurement.LOSS)).isEqualTo(3.5);
    }

    @Test
    void aRunThatGoesOnAtTheEndOfAnEpochValidatesBeforeItsFirstStep() throws Exception {
        // It was killed after the epoch's line and before the epoch's checkpoint.
        Files.writeString(
                folder.resolve("log.csv"),
                "step,epoch,loss/total\n9,1,0.5\n10,1,0.25\n11,2,0.125\n");
        Files.writeString(
                folder.resolve("epochs.csv"),
                "step,epoch,validation/clean,validation/robust\n10,1,0.1,0.1\n20,2,0.2,0.2\n");
        TrainingMetrics metrics = new TrainingMetrics(false, true, true);
        try (Trainer trainer = trainer(metrics, new CsvMetrics(folder))) {
            NDManager manager = trainer.getManager();
            record(trainer, "stepNumber", 10);
            record(trainer, "epochNumber", 1);
            metrics.onValidationBatch(trainer, batch(manager, 4, 4, 1));
            metrics.onValidationBatch(trainer, batch(manager, 4, 2, 1));
            metrics.onEpoch(trainer);
            record(trainer, "stepNumber", 11);
            record(trainer, "epochNumber", 2);
            record(trainer, "loss", 0.75);
            metrics.onTrainingBatch(trainer, batch(manager, 4, 3));
        }

        assertThat(told.from).containsExactly(11L);
        assertThat(told.fromEpoch).containsExactly(1);
        Measurement epoch = told.epochs.get(0);
        assertThat(epoch.step()).isEqualTo(10);
        assertThat(epoch.epoch()).isEqualTo(1);
        assertThat(epoch.get(Measurement.STEPS)).isZero();
        assertThat(epoch.get(Measurement.VALIDATION_CLEAN)).isEqualTo(6 / 8.0);
        assertThat(epoch.get(Measurement.VALIDATION_ROBUST)).isEqualTo(2 / 8.0);
        assertThat(told.steps).extracting(Measurement::step).containsExactly(11L);
        assertThat(Files.readAllLines(folder.resolve("epochs.csv")))
                .containsExactly(
                        "step,epoch,validation/clean,validation/robust,epoch/steps",
                        "10,1,0.75,0.25,0.0");
        assertThat(Files.readAllLines(folder.resolve("log.csv")))
                .extracting(line -> line.split(",")[0] + " " + line.split(",")[2])
                .containsExactly("step loss/total", "9 0.5", "10 0.25", "11 0.75");
    }

    @Test
    void aStepThatWasGivenUpHasTheLoopsValuesAndIsNotInTheMeans() throws Exception {
        TrainingMetrics metrics = new TrainingMetrics(true, true, true);
        try (Trainer trainer = trainer(TinyNetworks.reMoEVit(), metrics, new CsvMetrics(folder))) {
            NDManager manager = trainer.getManager();
            Batch batch = new Batch(manager, new NDList(), new NDList(), 4, null, null, 0, 0);
            BatchData onNoDevice = new BatchData(batch, Map.of(), Map.of());
            step(trainer, metrics, batch(manager, 4), 1, Double.NaN, Double.NaN, 1);
            step(trainer, metrics, withGates(manager), 2, 0.5, 2, 1);
            step(trainer, metrics, withGates(manager), 3, 1.5, Double.POSITIVE_INFINITY, 2);
            step(trainer, metrics, onNoDevice, 4, Double.POSITIVE_INFINITY, Double.NaN, 3);
            new EvaluatorTrainingListener().onTrainingBatch(trainer, onNoDevice);
            metrics.onEpoch(trainer);
        }

        assertThat(told.steps).extracting(Measurement::step).containsExactly(1L, 2L, 3L, 4L);
        assertThat(told.steps.get(0).values())
                .containsEntry(Measurement.LOSS, Double.NaN)
                .containsEntry(Measurement.SKIPPED_STEPS, 1.0)
                .containsEntry(Measurement.CLEAN_ACCURACY, Double.NaN)
                .containsEntry(Measurement.ROBUST_ACCURACY, Double.NaN)
                .containsEntry(Measurement.ANGLE, Double.NaN)
                .containsEntry(Measurement.ENTROPY, Double.NaN)
                .containsEntry(Measurement.expertLoad(1, 4), Double.NaN);
        assertThat(told.steps.get(3).get(Measurement.SPEED)).isGreaterThan(1);
        Measurement epoch = told.epochs.get(0);
        assertThat(epoch.get(Measurement.STEPS)).isEqualTo(4);
        assertThat(epoch.get(Measurement.LOSS)).isEqualTo(1);
        assertThat(epoch.get(Measurement.GRADIENT_NORM)).isEqualTo(2);
        assertThat(epoch.get(Measurement.SKIPPED_STEPS)).isEqualTo(3);
        assertThat(epoch.get(Measurement.CLEAN_ACCURACY)).isEqualTo(0.5);
        List<String> log = Files.readAllLines(folder.resolve("log.csv"));
        assertThat(log).hasSize(1 + 4);
        List<String> columns = List.of(log.get(0).split(","));
        int part = columns.indexOf("loss/cleanCrossEntropy");
        int skipped = columns.indexOf(Measurement.SKIPPED_STEPS);
        assertThat(log.subList(1, 5).stream().map(line -> line.split(",", -1)))
                .allSatisfy(cells -> assertThat(cells).hasSameSizeAs(columns))
                .extracting(cells -> cells[0] + " " + cells[skipped] + " " + !cells[part].isEmpty())
                .containsExactly("1 1.0 false", "2 1.0 true", "3 2.0 true", "4 3.0 false");
    }

    private static void step(
            Trainer trainer,
            TrainingMetrics metrics,
            BatchData batch,
            int number,
            double loss,
            double norm,
            int skipped) {
        record(trainer, "stepNumber", number);
        record(trainer, "loss", loss);
        record(trainer, "gradientNorm", norm);
        record(trainer, "skippedSteps", skipped);
        metrics.onTrainingBatch(trainer, batch);
    }

    /** Four images in both passes, of which two are right. */
    private static BatchData withGates(NDManager manager) {
        NDList logits = batch(manager, 4, 2, 2).getPredictions().get(Device.cpu());
        NDArray weights = manager.ones(new Shape(4, 4));
        return new BatchData(
                null,
                Map.of(Device.cpu(), new NDList(manager.zeros(new Shape(4)))),
                Map.of(Device.cpu(), new NDList(logits.get(0), weights, logits.get(1), weights)));
    }

    @Test
    void speedAndMemoryAreMeasured() {
        TrainingMetrics metrics = new TrainingMetrics(true, false, false);
        try (Trainer trainer = trainer(metrics)) {
            BatchData batch = batch(trainer.getManager(), 4, 3);
            metrics.onTrainingBatch(trainer, batch);
            metrics.onTrainingBatch(trainer, batch);
        }

        assertThat(told.steps.get(0).get(Measurement.SPEED)).isNaN();
        assertThat(told.steps.get(1).get(Measurement.SPEED)).isGreaterThan(1);
        assertThat(told.steps.get(0).get(Measurement.HEAP)).isBetween(1.0, 100_000.0);
        assertThat(told.steps.get(0).get(Measurement.GPU)).isNaN();
        if (Files.exists(Path.of("/proc/self/status"))) {
            assertThat(told.steps.get(0).get(Measurement.RESIDENT))
                    .isGreaterThan(told.steps.get(0).get(Measurement.HEAP) / 2)
                    .isLessThan(1_000_000);
        }
    }

    @Test
    void theMemoryOfGpusIsMeasuredWhereThereIsOne() {
        assertThat(Memory.gpu(List.of(Device.cpu()))).isNaN();
        assumeTrue(Engine.getInstance().getGpuCount() > 0, "PyTorch sees no GPU");
        assertThat(Memory.gpu(List.of(Device.gpu()))).isBetween(1.0, 1_000_000.0);
    }

    @Test
    void theMemoryIsThatOfAllDevicesThatBatchesAreSplitOver() {
        List<Device> devices = List.of(Device.cpu(), Device.gpu(1));
        try (Trainer trainer = trainer(new DataParallel(TinyNetworks.plainVit(), devices))) {
            assertThat(TrainingMetrics.devices(trainer)).isEqualTo(devices);
        }
    }

    @Test
    void speedOfAnEpochIsItsImagesByItsTime() {
        Means means = new Means();
        // 10 images in 1 s, 30 in 1 s; the first step's time is not known.
        means.add(Map.of(Measurement.SPEED, Double.NaN), 50);
        means.add(Map.of(Measurement.SPEED, 10.0), 10);
        means.add(Map.of(Measurement.SPEED, 30.0), 30);

        assertThat(means.values()).isEqualTo(Map.of(Measurement.SPEED, 20.0));
    }

    @Test
    void batchesOfSeveralDevicesCountByTheirImages() {
        TrainingMetrics metrics = new TrainingMetrics(true, false, false);
        try (Trainer trainer = trainer(metrics)) {
            BatchData one = batch(trainer.getManager(), 3, 3);
            BatchData two = batch(trainer.getManager(), 1, 0);
            Device cpu = Device.cpu();
            Device other = Device.gpu();
            metrics.onTrainingBatch(
                    trainer,
                    new BatchData(
                            null,
                            Map.of(
                                    cpu,
                                    one.getLabels().get(cpu),
                                    other,
                                    two.getLabels().get(cpu)),
                            Map.of(
                                    cpu,
                                    one.getPredictions().get(cpu),
                                    other,
                                    two.getPredictions().get(cpu))));
        }

        assertThat(told.steps.get(0).get(Measurement.CLEAN_ACCURACY)).isEqualTo(0.75);
    }

    @Test
    void nothingPredictedIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TrainingMetrics(false, false, true));
    }

    @Test
    void djlsLoopAndListenersWorkBesideOurs() throws Exception {
        TrainingListener[] djls = TrainingListener.Defaults.logging();
        List<TrainingListener> all = new ArrayList<>(List.of(djls));
        all.add(new TrainingMetrics(true, false, false));
        all.add(new CsvMetrics(folder));
        all.add(new TensorBoardMetrics(folder.resolve("tensorboard")));
        Metrics metrics;
        try (Trainer trainer =
                trainer(TinyNetworks.reMoEVit(), all.toArray(new TrainingListener[0]))) {
            NDManager manager = trainer.getManager();
            ArrayDataset data = new ArrayDataset.Builder()
                    .setData(manager.randomUniform(0, 1, new Shape(6, 3, 8, 8)))
                    .optLabels(manager.create(new long[] {0, 1, 2, 3, 4, 0}))
                    .setSampling(2, false)
                    .build();

            EasyTrain.fit(trainer, 2, data, data);

            metrics = trainer.getMetrics();
            assertThat(trainer.getTrainingResult().getEpoch()).isEqualTo(2);
        }

        assertThat(told.steps).hasSize(6);
        assertThat(told.epochs).hasSize(2);
        // Two images, two of the four regions of each.
        assertThat(told.steps)
                .allSatisfy(step -> assertThat(IntStream.rangeClosed(1, 4)
                                .mapToDouble(region -> step.get(Measurement.expertLoad(1, region)))
                                .sum())
                        .isEqualTo(2));
        assertThat(metrics.getMetric("train_all_Accuracy"))
                .extracting(metric -> metric.getValue().floatValue())
                .isEqualTo(told.steps.stream()
                        .map(m -> (float) m.get(Measurement.CLEAN_ACCURACY))
                        .toList());
        assertThat(metrics.getMetric("validate_epoch_Accuracy"))
                .extracting(metric -> metric.getValue().floatValue())
                .isEqualTo(told.epochs.stream()
                        .map(m -> (float) m.get(Measurement.VALIDATION_CLEAN))
                        .toList());
        assertThat(Files.readAllLines(folder.resolve("log.csv"))).hasSize(1 + 6);
        assertThat(Files.readAllLines(folder.resolve("epochs.csv"))).hasSize(1 + 2);
        assertThat(folder.resolve("tensorboard")).isNotEmptyDirectory();
    }
}
