package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.TrainingDivergedException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.Seeds;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The training loop: DJL's {@code EasyTrain} with an attack before each step.
 *
 * <pre>{@code
 * Attack attack = Sat.attack(ThreatModel.linf(8 / 255f), 2 / 255f, 10);
 * TrainingScheme scheme = new Sat(attack, new RegionLosses(true, 0.5f, 1));
 * DefaultTrainingConfig config = new DefaultTrainingConfig(scheme.getLoss())
 *         .optOptimizer(optimizer)
 *         .addTrainingListeners(TrainingListener.Defaults.logging());
 * try (Trainer trainer = model.newTrainer(config);
 *         AdversarialTraining training = new AdversarialTraining(trainer, scheme, 1, seed)) {
 *     trainer.initialize(vit.inputShape(batchSize));
 *     training.fit(epochs, trainingSet, validationSet);
 * }
 * }</pre>
 *
 * <p>Listeners see, for each batch, the outputs of all of the scheme's inputs one after the other.
 */
public final class AdversarialTraining implements AutoCloseable {

    private final Trainer trainer;
    private final TrainingScheme scheme;
    private final float maxGradientNorm;
    private final long seed;
    private TargetModel target;
    private long step;
    private volatile boolean stopping;

    /**
     * Creates a loop.
     *
     * @param trainer a trainer on one device, configured with the scheme's loss
     * @param scheme the training scheme
     * @param maxGradientNorm the global norm that gradients are clipped to; infinity for none
     * @param seed what the random choices of the scheme come from
     * @throws IllegalArgumentException if the trainer has another loss, several devices, or another
     *     device than its model
     */
    public AdversarialTraining(
            Trainer trainer, TrainingScheme scheme, float maxGradientNorm, long seed) {
        if (trainer.getLoss() != scheme.getLoss()) {
            throw new IllegalArgumentException(
                    "The trainer's loss is not the scheme's: configure it with"
                            + " new DefaultTrainingConfig(scheme.getLoss()).");
        }
        if (trainer.getDevices().length > 1) {
            throw new IllegalArgumentException("Training runs on one device, got "
                    + trainer.getDevices().length
                    + ": choose one with optDevices(...).");
        }
        Device device = trainer.getDevices()[0];
        Device modelDevice = trainer.getModel().getNDManager().getDevice();
        if (!device.equals(modelDevice)) {
            throw new IllegalArgumentException(String.format(
                    "The model is on %s, but the trainer on %s: create the model with"
                            + " Model.newInstance(name, device), and configure the trainer with"
                            + " optDevices(...) for the same device.",
                    modelDevice, device));
        }
        this.trainer = trainer;
        this.scheme = scheme;
        this.maxGradientNorm = maxGradientNorm;
        this.seed = seed;
    }

    /**
     * Trains for some epochs, unless {@link #stop()} ends it before. After each, the validation
     * data is predicted as in a training step, attack included, for the listeners.
     *
     * @param epochs the number of passes over the training data
     * @param training the training data
     * @param validation the validation data, or null
     * @throws IOException if data cannot be read
     * @throws TranslateException if data cannot be converted
     */
    public void fit(int epochs, Dataset training, Dataset validation)
            throws IOException, TranslateException {
        for (int epoch = 0; epoch < epochs && !stopping; epoch++) {
            for (Batch batch : trainer.iterateDataset(training)) {
                try (batch) {
                    trainBatch(batch);
                }
                if (stopping) {
                    return;
                }
            }
            if (validation != null) {
                for (Batch batch : trainer.iterateDataset(validation)) {
                    try (batch) {
                        validateBatch(batch);
                    }
                }
            }
            trainer.notifyListeners(listener -> listener.onEpoch(trainer));
        }
    }

    /** Ends {@link #fit} after the step that is running; may be called from any thread. */
    public void stop() {
        stopping = true;
    }

    /**
     * Returns whether {@link #stop()} was called.
     *
     * @return true if it was
     */
    public boolean isStopped() {
        return stopping;
    }

    /**
     * Returns the number of steps made.
     *
     * @return the steps
     */
    public long getStep() {
        return step;
    }

    /**
     * Makes one step: attack, predict, loss, backward, clip, update.
     *
     * @param batch images (B,3,h,w) and labels (B), on the trainer's device or to be moved there;
     *     it is left open
     * @throws TrainingDivergedException if the loss or the gradient is not finite; the parameters are
     *     then as before the step
     */
    public void trainBatch(Batch batch) {
        Batch moved = batch.split(trainer.getDevices(), false)[0];
        NDList labels = moved.getLabels();
        NDList inputs = inputs(batch, moved);
        NDList predictions = new NDList();
        float lossValue;
        try (GradientCollector collector = trainer.newGradientCollector()) {
            for (NDArray input : inputs) {
                predictions.addAll(trainer.forward(new NDList(input)));
            }
            NDArray loss = trainer.getLoss().evaluate(labels, predictions);
            lossValue = loss.getFloat();
            if (Float.isFinite(lossValue)) {
                collector.backward(loss);
            }
        }
        update(lossValue);
        step++;
        TrainingListener.BatchData data = batchData(batch, labels, predictions);
        trainer.notifyListeners(listener -> listener.onTrainingBatch(trainer, data));
    }

    private void validateBatch(Batch batch) {
        Batch moved = batch.split(trainer.getDevices(), false)[0];
        NDList predictions = new NDList();
        for (NDArray input : inputs(batch, moved)) {
            predictions.addAll(target().predict(input));
        }
        TrainingListener.BatchData data = batchData(batch, moved.getLabels(), predictions);
        trainer.notifyListeners(listener -> listener.onValidationBatch(trainer, data));
    }

    private NDList inputs(Batch batch, Batch moved) {
        NDArray images = moved.getData().singletonOrThrow();
        NDArray labels = moved.getLabels().singletonOrThrow();
        long[] seeds = new long[Math.toIntExact(images.getShape().get(0))];
        List<?> indices = batch.getIndices();
        for (int row = 0; row < seeds.length; row++) {
            // A dataset that does not number its images goes by their places in the batch.
            long image = indices == null ? row : ((Number) indices.get(row)).longValue();
            seeds[row] = Seeds.of("attack", seed, step, image);
        }
        return scheme.inputs(target(), images, labels, seeds);
    }

    private TrainingListener.BatchData batchData(Batch batch, NDList labels, NDList predictions) {
        Device device = trainer.getDevices()[0];
        return new TrainingListener.BatchData(
                batch,
                new ConcurrentHashMap<>(Map.of(device, labels)),
                new ConcurrentHashMap<>(Map.of(device, predictions)));
    }

    private void update(float loss) {
        float norm = Float.NaN;
        if (Float.isFinite(loss)) {
            norm = GradientClipping.clipGlobalNorm(
                    trainer.getModel().getBlock().getParameters().values(), maxGradientNorm);
        }
        if (!Float.isFinite(norm)) {
            clearGradients();
            throw new TrainingDivergedException(String.format(
                    "Step %d gave loss %s and gradient norm %s. Train with a lower learning"
                            + " rate, a longer warm-up or a smaller gradient norm to clip"
                            + " to; the parameters are as before this step.",
                    step, loss, norm));
        }
        trainer.step();
    }

    /** Gradients add up, so one that is not finite would spoil every later step. */
    private void clearGradients() {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (Parameter parameter :
                    trainer.getModel().getBlock().getParameters().values()) {
                if (parameter.requiresGradient()) {
                    parameter.getArray().getGradient().set(new NDIndex("..."), 0);
                }
            }
        }
    }

    /** Made at the first step: only then is the network sure to be initialised. */
    private TargetModel target() {
        if (target == null) {
            target = new TargetModel(trainer.getModel().getBlock(), trainer.getManager());
        }
        return target;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        if (target != null) {
            target.close();
        }
    }
}
