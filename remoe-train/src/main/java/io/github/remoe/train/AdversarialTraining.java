package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.TrainingDivergedException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Parameter;
import ai.djl.training.EasyTrain;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.Seeds;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The training loop: DJL's {@code EasyTrain} with an attack before each step.
 *
 * <pre>{@code
 * TrainingScheme scheme = Sat.withRegionLosses(Pgd.builder().build(), 0.5f, 1);
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
     * @throws IllegalArgumentException if the trainer has another loss or several devices
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
        this.trainer = trainer;
        this.scheme = scheme;
        this.maxGradientNorm = maxGradientNorm;
        this.seed = seed;
    }

    /**
     * Trains for some epochs, validating after each, unless {@link #stop()} ends it before.
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
            EasyTrain.evaluateDataset(trainer, validation);
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
        Device device = trainer.getDevices()[0];
        Batch onDevice = batch.split(new Device[] {device}, false)[0];
        NDArray images = onDevice.getData().singletonOrThrow();
        NDList labels = onDevice.getLabels();
        long[] seeds = new long[Math.toIntExact(images.getShape().get(0))];
        for (int i = 0; i < seeds.length; i++) {
            seeds[i] = Seeds.of(seed, step, i);
        }

        NDList inputs = scheme.inputs(target(), images, labels.singletonOrThrow(), seeds);
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

        Map<Device, NDList> labelsByDevice = new ConcurrentHashMap<>(Map.of(device, labels));
        Map<Device, NDList> predictionsByDevice =
                new ConcurrentHashMap<>(Map.of(device, predictions));
        TrainingListener.BatchData data =
                new TrainingListener.BatchData(batch, labelsByDevice, predictionsByDevice);
        trainer.notifyListeners(listener -> listener.onTrainingBatch(trainer, data));
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
