package io.github.remoe.examples;

import ai.djl.Model;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;

import io.github.remoe.data.SyntheticDataset;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;

import java.io.IOException;
import java.util.List;

/**
 * A DJL network of one's own, with its feed-forward network swapped for a {@link ReMoEBlock} and
 * trained by DJL's {@link EasyTrain}.
 */
public final class DropIn {

    private static final int WIDTH = 64;

    private DropIn() {}

    /**
     * Trains for two epochs and prints the accuracy on 1,000 other images; chance is 0.1.
     *
     * @param args none
     * @throws IOException never, as the data is made in memory
     * @throws TranslateException never, as the data needs no conversion
     */
    public static void main(String[] args) throws IOException, TranslateException {
        System.out.printf("%naccuracy %.3f%n", train(5000, 2));
    }

    /** Trains on some images and returns the accuracy on 1,000 others. */
    static float train(int images, int epochs) throws IOException, TranslateException {
        Block feedForward =
                new PointwiseFeedForwardBlock(List.of(4 * WIDTH), WIDTH, Activation::gelu);
        Block remoe = ReMoEBlock.builder()
                .setGrid(new RegionGrid(8, 8, 2, 2)) // 8 x 8 patches, cut into 2 x 2 regions
                .optGlobalExpert(feedForward) // your block, now the global expert
                .optTokensOnly(true) // tokens alone, without the region weights
                .build();

        Shape patch = new Shape(4, 4);
        SequentialBlock network = new SequentialBlock()
                .add(Conv2d.builder()
                        .setKernelShape(patch)
                        .optStride(patch)
                        .setFilters(WIDTH)
                        .build())
                .addSingleton(x -> x.reshape(x.getShape().get(0), WIDTH, -1))
                .addSingleton(x -> x.transpose(0, 2, 1)) // tokens (B, 8 x 8 patches, WIDTH)
                .add(remoe) // was: .add(feedForward)
                .addSingleton(x -> x.mean(new int[] {1}))
                .add(Linear.builder().setUnits(10).build());

        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                .optOptimizer(Optimizer.adam()
                        .optLearningRateTracker(Tracker.fixed(1e-3f))
                        .build())
                .addEvaluator(new Accuracy())
                .addTrainingListeners(TrainingListener.Defaults.logging());
        try (Model model = Model.newInstance("drop-in")) {
            model.setBlock(network);
            try (Trainer trainer = model.newTrainer(config)) {
                trainer.initialize(new Shape(32, 3, 32, 32));
                EasyTrain.fit(
                        trainer,
                        epochs,
                        data(Dataset.Usage.TRAIN, images),
                        data(Dataset.Usage.TEST, 1000));
                return trainer.getTrainingResult().getValidateEvaluation("Accuracy");
            }
        }
    }

    private static Dataset data(Dataset.Usage usage, int size) throws IOException {
        return SyntheticDataset.builder()
                .optUsage(usage)
                .optSize(size)
                .setSampling(32, true)
                .build();
    }
}
