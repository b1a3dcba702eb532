package io.github.remoe.examples;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.EasyTrain;
import ai.djl.training.ParameterStore;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;

import io.github.remoe.ReMoE;
import io.github.remoe.data.SyntheticDataset;

import java.io.IOException;
import java.io.PrintStream;
import java.util.List;

/**
 * A network of DJL's own {@link TransformerEncoderBlock}s, trained, then given ReMoE blocks in the
 * place of its feed-forward networks, which changes no output, and trained on.
 */
public final class ReplaceFeedForward {

    private static final int WIDTH = 32;

    private ReplaceFeedForward() {}

    /**
     * Prints what was replaced, and the accuracies before and after; chance is 0.1.
     *
     * @param args none
     * @throws IOException never, as the data is made in memory
     * @throws TranslateException never, as the data needs no conversion
     */
    public static void main(String[] args) throws IOException, TranslateException {
        run(5000, 2, System.out);
    }

    /** Returns the largest change of a logit by the replacement. */
    static float run(int images, int epochs, PrintStream out)
            throws IOException, TranslateException {
        Block network = network();
        try (Model model = Model.newInstance("encoder")) {
            model.setBlock(network);
            out.printf("plain: accuracy %.3f%n", train(model, images, epochs));

            float change;
            try (NDManager manager = model.getNDManager().newSubManager()) {
                NDArray before = logits(network, manager);
                List<String> replaced = ReMoE.builder()
                        .optRegions(2, 2)
                        .build()
                        .insertInto(
                                network,
                                8, // rows and columns of patches
                                8,
                                0, // no class token before them
                                (path, block) -> block instanceof PointwiseFeedForwardBlock);
                change = logits(network, manager).sub(before).abs().max().getFloat();
                out.printf("replaced %s, logits changed by %s%n", replaced, change);
            }

            out.printf("with ReMoE: accuracy %.3f%n", train(model, images, epochs));
            return change;
        }
    }

    private static Block network() {
        Shape patch = new Shape(4, 4);
        return new SequentialBlock()
                .add(Conv2d.builder()
                        .setKernelShape(patch)
                        .optStride(patch)
                        .setFilters(WIDTH)
                        .build())
                .addSingleton(x -> x.reshape(x.getShape().get(0), WIDTH, -1))
                .addSingleton(x -> x.transpose(0, 2, 1)) // tokens (B, 8 x 8 patches, WIDTH)
                .add(new TransformerEncoderBlock(WIDTH, 2, 2 * WIDTH, 0, Activation::gelu))
                .add(new TransformerEncoderBlock(WIDTH, 2, 2 * WIDTH, 0, Activation::gelu))
                .addSingleton(x -> x.mean(new int[] {1}))
                .add(Linear.builder().setUnits(10).build());
    }

    private static float train(Model model, int images, int epochs)
            throws IOException, TranslateException {
        DefaultTrainingConfig config = new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss())
                .optOptimizer(Optimizer.adam()
                        .optLearningRateTracker(Tracker.fixed(1e-3f))
                        .build())
                .addEvaluator(new Accuracy())
                .addTrainingListeners(TrainingListener.Defaults.basic());
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

    private static NDArray logits(Block network, NDManager manager) {
        NDArray images = manager.arange(4 * 3 * 32 * 32).div(4 * 3 * 32 * 32).reshape(4, 3, 32, 32);
        return network.forward(new ParameterStore(manager, false), new NDList(images), false)
                .head();
    }

    private static Dataset data(Dataset.Usage usage, int size) throws IOException {
        return SyntheticDataset.builder()
                .optUsage(usage)
                .optSize(size)
                .setSampling(32, true)
                .build();
    }
}
