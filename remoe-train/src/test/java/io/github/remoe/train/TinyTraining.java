package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.Batchifier;
import ai.djl.util.Pair;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.attack.TinyNetworks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** Trains a network that takes 3 x 8 x 8 pixels, always on the same four images. */
final class TinyTraining implements AutoCloseable {

    static final int BATCH = 4;
    private static final long[] LABELS = {0, 3, 1, 4};

    final Model model;
    final Trainer trainer;
    final AdversarialTraining loop;
    /** The loss of every step. */
    final List<Double> losses = new ArrayList<>();
    /** The loss of every validated batch. */
    final List<Double> validationLosses = new ArrayList<>();
    /** How many epochs {@code fit} has made. */
    int epochs;
    /** Is told of every step. */
    Consumer<TrainingListener.BatchData> onBatch = data -> {};

    TinyTraining(Block block, TrainingScheme scheme, float learningRate, Device device) {
        model = Model.newInstance("tiny", device);
        model.setBlock(block);
        TinyNetworks.startByName(block);
        trainer = model.newTrainer(new DefaultTrainingConfig(scheme.getLoss())
                .optDevices(new Device[] {device})
                .optOptimizer(TorchSgd.builder()
                        .setLearningRateTracker(Tracker.fixed(learningRate))
                        .optMomentum(0.9f)
                        .build())
                .addTrainingListeners(new TrainingListenerAdapter() {
                    @Override
                    public void onTrainingBatch(Trainer trainer, BatchData data) {
                        losses.add(loss(trainer, data));
                        onBatch.accept(data);
                    }

                    @Override
                    public void onValidationBatch(Trainer trainer, BatchData data) {
                        validationLosses.add(loss(trainer, data));
                    }

                    @Override
                    public void onEpoch(Trainer trainer) {
                        epochs++;
                    }
                }));
        trainer.initialize(new Shape(BATCH, 3, 8, 8));
        loop = AdversarialTraining.builder(trainer, scheme)
                .optClipNorm(1)
                .optSeed(5)
                .build();
    }

    TinyTraining(Block block, TrainingScheme scheme, float learningRate) {
        this(block, scheme, learningRate, Device.cpu());
    }

    private static double loss(Trainer trainer, TrainingListener.BatchData data) {
        NDList labels = data.getLabels().values().iterator().next();
        NDList predictions = data.getPredictions().values().iterator().next();
        try (NDArray loss = trainer.getLoss().evaluate(labels, predictions)) {
            return loss.getFloat();
        }
    }

    TinyTraining steps(int count) {
        for (int i = 0; i < count; i++) {
            try (Batch batch = batch(LABELS)) {
                loop.trainBatch(batch);
            }
        }
        return this;
    }

    /** The four images in a manager of the batch. */
    Batch batch(long... labels) {
        NDManager manager = trainer.getManager().newSubManager();
        return new Batch(
                manager,
                new NDList(images(manager)),
                new NDList(manager.create(labels)),
                BATCH,
                Batchifier.STACK,
                Batchifier.STACK,
                0,
                1,
                IntStream.range(0, BATCH).boxed().toList());
    }

    static NDArray images(NDManager manager) {
        return Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(BATCH, 3, 8, 8), DataType.FLOAT32);
    }

    Map<String, double[]> parameters() {
        Map<String, double[]> parameters = new LinkedHashMap<>();
        for (Pair<String, Parameter> p : model.getBlock().getParameters()) {
            parameters.put(p.getKey(), Tensors.doubles(p.getValue().getArray()));
        }
        return parameters;
    }

    /** The region weights W of the four images. */
    double[] regionWeights() {
        try (NDManager manager = trainer.getManager().newSubManager()) {
            return Tensors.doubles(
                    Tensors.forward(model.getBlock(), images(manager)).get(1));
        }
    }

    @Override
    public void close() {
        loop.close();
        trainer.close();
        model.close();
    }
}
