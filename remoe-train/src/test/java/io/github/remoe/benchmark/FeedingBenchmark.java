package io.github.remoe.benchmark;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.Dataset.Usage;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Augmentation;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.RandomCropFlip;
import io.github.remoe.data.RandomResizedCrop;
import io.github.remoe.data.ShuffleSampler;
import io.github.remoe.train.Sat;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.stream.LongStream;

import javax.imageio.ImageIO;

/**
 * What it costs to feed a network, beside the training step that it is fed for: PGD-10 adversarial
 * training of DeiT-T.
 *
 * <p>Arguments: the data for 32 x 32, {@code synthetic} unless given, and a folder of JPEG class
 * folders, without which photo-like ones of 500 x 375 are drawn. Times are medians over rounds in
 * which the kinds of measurement take turns, so that other work on the machine meets all of them.
 */
public final class FeedingBenchmark {

    private static final int ROUNDS = 3;
    private static final int THREADS = 2;
    private static final int PHOTOS = 40;

    private final PixelDataset data;
    private final int batchSize;
    private final Trainer trainer;
    private final NDManager manager;
    private final TargetModel target;
    private final Attack attack = Sat.attack(ThreatModel.linf(8 / 255f), 2 / 255f, 10);

    private FeedingBenchmark(PixelDataset data, int batchSize, Trainer trainer) {
        this.data = data;
        this.batchSize = batchSize;
        this.trainer = trainer;
        manager = trainer.getManager();
        target = new TargetModel(trainer.getModel());
    }

    /**
     * Measures both kinds of data and prints a Markdown table.
     *
     * @param args see the class comment
     * @throws Exception if data cannot be read
     */
    public static void main(String[] args) throws Exception {
        String small = args.length > 0 ? args[0] : Datasets.SYNTHETIC;
        String photos = args.length > 1 ? args[1] : drawPhotos().toString();
        System.out.println(
                "| data | batch | training step | plain step, no attack | feeding, nothing"
                        + " read ahead | waiting, " + THREADS
                        + " threads read ahead |");
        System.out.println("|---|---|---|---|---|---|");
        measure("deit_tiny_patch4_32", small, 16, RandomCropFlip.builder().build());
        measure("deit_tiny_patch16_224", photos, 8, RandomResizedCrop.builder().build());
    }

    private static void measure(
            String preset, String name, int batchSize, Augmentation augmentation) throws Exception {
        VisionTransformer network = Presets.builder(preset).optNumClasses(10).build();
        PixelDataset data = Datasets.builder(name, Usage.TRAIN, network.getImageSize())
                .setSampling(new BatchSampler(new ShuffleSampler(0), batchSize, true))
                .optAugmentation(augmentation)
                .build();
        try (Model model = Model.newInstance(preset, Device.cpu())) {
            model.setBlock(network);
            try (Trainer trainer =
                    model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                            .optDevices(new Device[] {Device.cpu()}))) {
                trainer.initialize(network.inputShape(batchSize));
                new FeedingBenchmark(repeat(data, (ROUNDS + 4) * batchSize), batchSize, trainer)
                        .print();
            }
        }
    }

    private void print() throws Exception {
        List<Double> steps = new ArrayList<>();
        List<Double> plainSteps = new ArrayList<>();
        List<Double> reads = new ArrayList<>();
        List<Double> waits = new ArrayList<>();
        ExecutorService threads = Datasets.readingThreads(THREADS);
        Iterator<Batch> now = data.getData(manager, (ExecutorService) null).iterator();
        Iterator<Batch> ahead = data.getData(manager, threads).iterator();
        for (int round = -1; round < ROUNDS; round++) {
            double start = seconds();
            try (Batch batch = now.next()) {
                double read = seconds();
                step(batch, attack);
                double step = seconds();
                step(batch, null);
                if (round >= 0) { // the first round warms up
                    reads.add(read - start);
                    steps.add(step - read);
                    plainSteps.add(seconds() - step);
                }
            }
            start = seconds();
            try (Batch batch = ahead.next()) {
                double waited = seconds();
                step(batch, attack); // the threads read meanwhile
                if (round >= 0) {
                    waits.add(waited - start);
                }
            }
        }
        threads.shutdownNow();
        double step = Times.median(steps);
        System.out.printf(
                Locale.ROOT,
                "| %s | %d | %.2f s | %.2f s | %.1f ms, %.2f %% | %.1f ms, %.2f %% |%n",
                data.getName(),
                batchSize,
                step,
                Times.median(plainSteps),
                1000 * Times.median(reads),
                100 * Times.median(reads) / step,
                1000 * Times.median(waits),
                100 * Times.median(waits) / step);
    }

    /** One step, adversarial or, without an attack, plain. */
    private void step(Batch batch, Attack attack) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray images = batch.getData().head();
            NDArray labels = batch.getLabels().head();
            if (attack != null) {
                images = attack.perturb(target, images, labels, new long[batchSize]);
            }
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDList predictions = trainer.forward(new NDList(images));
                collector.backward(trainer.getLoss().evaluate(new NDList(labels), predictions));
            }
        }
        trainer.step(); // the optimizer's state outlives the scope
    }

    private static double seconds() {
        return System.nanoTime() / 1e9;
    }

    /** As many as are needed: a small folder is gone through several times in one pass. */
    private static PixelDataset repeat(PixelDataset data, int images) {
        return data.subDataset(
                LongStream.range(0, images).map(i -> i % data.size()).boxed().toList());
    }

    /** Smooth shades with grain: about the 110 kB that a photo of ImageNet has. */
    private static Path drawPhotos() throws IOException {
        Path root = Files.createTempDirectory("photos");
        root.toFile().deleteOnExit();
        for (int i = 0; i < PHOTOS; i++) {
            SplittableRandom random = new SplittableRandom(i);
            BufferedImage photo = new BufferedImage(500, 375, BufferedImage.TYPE_INT_RGB);
            double wave = random.nextDouble(20, 80);
            for (int pixel = 0; pixel < 500 * 375; pixel++) {
                double shade =
                        60 * Math.sin(pixel % 500 / wave) + 60 * Math.cos(pixel / 500 / wave);
                int grey =
                        (int) Math.max(0, Math.min(255, 128 + shade + 14 * random.nextGaussian()));
                photo.setRGB(pixel % 500, pixel / 500, grey << 16 | (255 - grey) << 8 | grey / 2);
            }
            Path file = root.resolve("class" + i % 10 + "/" + i + ".jpg");
            Files.createDirectories(file.getParent()).toFile().deleteOnExit();
            file.toFile().deleteOnExit();
            ImageIO.write(photo, "jpg", file.toFile());
        }
        return root;
    }
}
