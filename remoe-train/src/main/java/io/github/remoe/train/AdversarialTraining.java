package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.TrainingDivergedException;
import ai.djl.metric.Metrics;
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

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.autograd.Constants;
import io.github.remoe.data.Seeds;
import io.github.remoe.loss.SoftLabels;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The training loop: DJL's {@code EasyTrain} with an attack before each step.
 *
 * <pre>{@code
 * TrainingScheme scheme = new Sat(
 *         Sat.attack(ThreatModel.linf(8 / 255f), 2 / 255f, 10), new RegionLosses(true, 0.5f, 1));
 * DefaultTrainingConfig config = new DefaultTrainingConfig(scheme.getLoss())
 *         .optOptimizer(optimizer)
 *         .addTrainingListeners(TrainingListener.Defaults.logging());
 * try (Trainer trainer = model.newTrainer(config);
 *         AdversarialTraining training = AdversarialTraining.builder(trainer, scheme)
 *                 .optClipNorm(1)
 *                 .optSeed(seed)
 *                 .build()) {
 *     trainer.initialize(vit.inputShape(batchSize));
 *     training.fit(epochs, trainingSet, validationSet);
 * }
 * }</pre>
 *
 * <p>Listeners see, for each batch, the outputs of all of the scheme's inputs one after the other, and
 * the labels that the loss saw. The trainer's {@link Metrics} get {@code loss}, {@code gradientNorm},
 * {@code skippedSteps}, {@code stepNumber} and {@code epochNumber}, both counted from 1.
 *
 * <p>A step is one batch. One whose loss is not finite is not shown to listeners, but counted. Whatever a step draws, drop path included, comes from the seed, the step's
 * number and the images' indices, so {@link #setPosition} and the same parameters, optimizer state
 * and average give the same steps again: bit for bit on one CPU device.
 *
 * <p>To train on several devices, wrap the network in {@link DataParallel} and keep the trainer on the
 * first of them.
 */
public final class AdversarialTraining implements AutoCloseable {

    // Only the latest values are of use, and a run has millions.
    private static final int METRICS_KEPT = 1000;

    private final Trainer trainer;
    private final TrainingScheme scheme;
    private final long seed;
    private final float clipNorm;
    private final int accumulate;
    private final Mixup mixup;
    private final float labelSmoothing;
    private final int classes;
    private final Attack validationAttack;
    private final int validateEpochs;
    private final WeightAverage average;
    private final int averageFromEpoch;
    private final int maxSkipped;
    private final Runnable onEpochTrained;

    private TargetModel target;
    private long step;
    private int epoch;
    private int batchesOfEpoch;
    private int accumulated;
    private boolean spoiled;
    private long skipped;
    private int skippedInARow;
    private boolean validating;
    private volatile boolean stopping;

    private AdversarialTraining(Builder builder) {
        trainer = builder.trainer;
        scheme = builder.scheme;
        seed = builder.seed;
        clipNorm = builder.clipNorm;
        accumulate = builder.accumulate;
        mixup = builder.mixup;
        labelSmoothing = builder.labelSmoothing;
        classes = builder.classes;
        validationAttack = builder.validationAttack;
        validateEpochs = builder.validateEpochs;
        average = builder.average;
        averageFromEpoch = builder.averageFromEpoch;
        maxSkipped = builder.maxSkipped;
        onEpochTrained = builder.onEpochTrained;
        if (trainer.getLoss() != scheme.getLoss()) {
            throw new IllegalArgumentException(
                    "The trainer's loss is not the scheme's: configure it with"
                            + " new DefaultTrainingConfig(scheme.getLoss()).");
        }
        if (trainer.getDevices().length > 1) {
            throw new IllegalArgumentException("The trainer has "
                    + trainer.getDevices().length
                    + " devices: choose one with optDevices(...), and wrap the network in"
                    + " DataParallel to train on several.");
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
        if (trainer.getMetrics() == null) {
            Metrics metrics = new Metrics();
            metrics.setLimit(METRICS_KEPT);
            trainer.setMetrics(metrics);
        }
    }

    /**
     * Creates a builder.
     *
     * @param trainer a trainer on one device, configured with the scheme's loss
     * @param scheme the training scheme
     * @return a new builder
     */
    public static Builder builder(Trainer trainer, TrainingScheme scheme) {
        return new Builder(trainer, scheme);
    }

    /**
     * Trains until some epochs are made, unless {@link #stop()} ends it before. After an epoch, the
     * validation data is predicted for the listeners: as it is and attacked, if there is a validation
     * attack, otherwise as in a training step; with averaged weights, if there are any.
     *
     * @param epochs the number of passes over the training data, those before a {@link #setPosition}
     *     included
     * @param training the training data
     * @param validation the validation data, or null
     * @throws IOException if data cannot be read
     * @throws TranslateException if data cannot be converted
     * @throws TrainingDivergedException as of {@link #trainBatch}
     */
    public void fit(int epochs, Dataset training, Dataset validation)
            throws IOException, TranslateException {
        record("stepNumber", step);
        record("epochNumber", epoch + 1);
        while (epoch < epochs && !stopping) {
            for (Batch batch : trainer.iterateDataset(training)) {
                try (batch) {
                    trainBatch(batch);
                }
                if (stopping && isBetweenUpdates()) {
                    return;
                }
            }
            if (!isBetweenUpdates()) {
                update();
            }
            onEpochTrained.run();
            if (average != null && averageFromEpoch >= 0 && epoch >= averageFromEpoch) {
                average.update();
            }
            validating = true;
            if (validation != null && ((epoch + 1) % validateEpochs == 0 || epoch + 1 == epochs)) {
                validate(validation);
                if (stopping) {
                    return;
                }
            }
            validating = false;
            epoch++;
            batchesOfEpoch = 0;
            trainer.notifyListeners(listener -> listener.onEpoch(trainer));
            record("epochNumber", epoch + 1);
        }
    }

    /**
     * Ends {@link #fit} after the step or the batch of the validation that is running; may be called
     * from any thread.
     */
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
     * Returns the number of epochs that are over.
     *
     * @return the epochs
     */
    public int getEpoch() {
        return epoch;
    }

    /**
     * Returns how many batches of the present epoch are trained.
     *
     * @return the batches
     */
    public int getBatchesOfEpoch() {
        return batchesOfEpoch;
    }

    /**
     * Returns how many updates were skipped because the loss or the gradient was not finite.
     *
     * @return the updates
     */
    public long getSkipped() {
        return skipped;
    }

    /**
     * Returns how many updates were skipped since the last that was made.
     *
     * @return the updates
     */
    public int getSkippedInARow() {
        return skippedInARow;
    }

    /**
     * Returns whether {@link #fit} ended or is between the last batch and the end of an epoch: the
     * average may be ahead of what {@link #setPosition} can name.
     *
     * @return true from the last batch to the end of an epoch
     */
    public boolean isValidating() {
        return validating;
    }

    /**
     * Returns whether no batch waits for the rest of its update: a checkpoint can be written.
     *
     * @return true unless gradients are accumulated
     */
    public boolean isBetweenUpdates() {
        return accumulated == 0;
    }

    /**
     * Goes on where another loop was. Bring the parameters, the optimizer and the average to their
     * state there, and have the data start at that batch ({@code PixelDataset.setPosition}).
     *
     * @param step the steps made
     * @param epoch the epochs that are over
     * @param batchesOfEpoch the batches trained of the next one
     * @param skipped the updates skipped
     */
    public void setPosition(long step, int epoch, int batchesOfEpoch, long skipped) {
        this.step = step;
        this.epoch = epoch;
        this.batchesOfEpoch = batchesOfEpoch;
        this.skipped = skipped;
    }

    /**
     * Makes one step: attack, predict, loss, backward, and after as many batches as are accumulated
     * clip and update. An update whose loss or gradient is not finite is skipped: parameters stay as
     * they are.
     *
     * @param batch images (B,3,h,w) and labels (B), on the trainer's device or to be moved there;
     *     it is left open
     * @throws TrainingDivergedException if more updates in a row are skipped than may be
     */
    public void trainBatch(Batch batch) {
        trainer.getManager().getEngine().setRandomSeed((int) Seeds.of("step", seed, step));
        Batch moved = batch.split(trainer.getDevices(), false)[0];
        NDList data = mixed(moved);
        NDList labels = new NDList(data.get(1));
        NDList predictions = new NDList();
        float loss;
        try {
            NDList inputs =
                    scheme.inputs(target(), data.head(), data.get(1), seeds(batch, "attack", step));
            loss = addGradient(inputs, labels, predictions);
        } catch (ArithmeticException e) {
            // An attack has met outputs or gradients that are not finite.
            loss = Float.NaN;
        }
        spoiled |= !Float.isFinite(loss);
        accumulated++;
        step++;
        batchesOfEpoch++;
        record("loss", loss);
        record("stepNumber", step);
        record("epochNumber", epoch + 1);
        if (accumulated == accumulate) {
            update();
        }
        // Nothing to see in a step that was not finite, and DJL's own listeners end training at
        // one.
        if (Float.isFinite(loss)) {
            TrainingListener.BatchData batchData = batchData(batch, labels, predictions);
            trainer.notifyListeners(listener -> listener.onTrainingBatch(trainer, batchData));
        }
    }

    /** Images, and labels that may be soft. */
    private NDList mixed(Batch batch) {
        NDArray images = batch.getData().singletonOrThrow();
        NDArray labels = batch.getLabels().singletonOrThrow();
        if (mixup != null) {
            Mixup.Mixed mixed = mixup.apply(images, labels, Seeds.of("mixup", seed, step));
            return new NDList(mixed.images(), mixed.labels());
        }
        return labelSmoothing == 0
                ? new NDList(images, labels)
                : new NDList(images, SoftLabels.smoothed(labels, classes, labelSmoothing));
    }

    private float addGradient(NDList inputs, NDList labels, NDList predictions) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            for (NDArray input : inputs) {
                predictions.addAll(trainer.forward(new NDList(input)));
            }
            NDArray loss = trainer.getLoss().evaluate(labels, predictions);
            float value = loss.getFloat();
            if (Float.isFinite(value)) {
                collector.backward(
                        accumulate == 1
                                ? loss
                                : loss.mul(Constants.scalar(loss, 1.0 / accumulate)));
            }
            return value;
        }
    }

    private void update() {
        Collection<Parameter> parameters =
                trainer.getModel().getBlock().getParameters().values();
        if (accumulated < accumulate) {
            // The last of an epoch are fewer: their mean counts as much as that of others.
            scaleGradients(parameters, (float) accumulate / accumulated);
        }
        float norm = spoiled ? Float.NaN : GradientClipping.clipGlobalNorm(parameters, clipNorm);
        record("gradientNorm", norm);
        if (Float.isFinite(norm)) {
            trainer.step();
            skippedInARow = 0;
            if (average != null && averageFromEpoch < 0) {
                average.update();
            }
        } else {
            clearGradients(parameters);
            skipped++;
            skippedInARow++;
        }
        record("skippedSteps", skipped);
        accumulated = 0;
        spoiled = false;
        if (skippedInARow > maxSkipped) {
            throw new TrainingDivergedException(String.format(
                    "Step %d gave loss %s and gradient norm %s, the last of %d updates in a row that"
                            + " could not be made. Train with a lower learning rate, a longer warm-up"
                            + " or a smaller gradient norm to clip to; the parameters are as before"
                            + " these steps.",
                    step,
                    trainer.getMetrics().latestMetric("loss").getValue(),
                    norm,
                    skippedInARow));
        }
    }

    private static void scaleGradients(Collection<Parameter> parameters, float factor) {
        for (Parameter parameter : parameters) {
            if (parameter.requiresGradient()) {
                try (NDArray gradient = parameter.getArray().getGradient()) {
                    gradient.muli(factor);
                }
            }
        }
    }

    /** Gradients add up, so one that is not finite would spoil every later step. */
    private static void clearGradients(Collection<Parameter> parameters) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (Parameter parameter : parameters) {
                if (parameter.requiresGradient()) {
                    parameter.getArray().getGradient().set(new NDIndex("..."), 0);
                }
            }
        }
    }

    private void validate(Dataset validation) throws IOException, TranslateException {
        boolean averaged = average != null && average.getUpdates() > 0;
        try (WeightAverage.Swap swap = averaged ? average.swap() : null) {
            for (Batch batch : trainer.iterateDataset(validation)) {
                try (batch) {
                    if (stopping) {
                        return;
                    }
                    validateBatch(batch);
                }
            }
        }
    }

    private void validateBatch(Batch batch) {
        Batch moved = batch.split(trainer.getDevices(), false)[0];
        NDArray images = moved.getData().singletonOrThrow();
        NDArray labels = moved.getLabels().singletonOrThrow();
        // The same for every epoch, whose figures are compared.
        long[] seeds = seeds(batch, "validation", 0);
        NDList inputs = validationAttack == null
                ? scheme.inputs(target(), images, labels, seeds)
                : new NDList(images, validationAttack.perturb(target(), images, labels, seeds));
        NDList predictions = new NDList();
        for (NDArray input : inputs) {
            predictions.addAll(target().predict(input));
        }
        TrainingListener.BatchData data = batchData(batch, moved.getLabels(), predictions);
        trainer.notifyListeners(listener -> listener.onValidationBatch(trainer, data));
    }

    private long[] seeds(Batch batch, String purpose, long number) {
        long[] seeds = new long[batch.getSize()];
        List<?> indices = batch.getIndices();
        for (int row = 0; row < seeds.length; row++) {
            // A dataset that does not number its images goes by their places in the batch.
            long image = indices == null ? row : ((Number) indices.get(row)).longValue();
            seeds[row] = Seeds.of(purpose, seed, number, image);
        }
        return seeds;
    }

    private TrainingListener.BatchData batchData(Batch batch, NDList labels, NDList predictions) {
        Device device = trainer.getDevices()[0];
        return new TrainingListener.BatchData(
                batch,
                new ConcurrentHashMap<>(Map.of(device, labels)),
                new ConcurrentHashMap<>(Map.of(device, predictions)));
    }

    private void record(String name, Number value) {
        trainer.getMetrics().addMetric(name, value);
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

    /** The Builder to construct an {@link AdversarialTraining}. */
    public static final class Builder {

        private final Trainer trainer;
        private final TrainingScheme scheme;
        private long seed;
        private float clipNorm = Float.POSITIVE_INFINITY;
        private int accumulate = 1;
        private Mixup mixup;
        private float labelSmoothing;
        private int classes;
        private Attack validationAttack;
        private int validateEpochs = 1;
        private WeightAverage average;
        private int averageFromEpoch;
        private int maxSkipped;
        private Runnable onEpochTrained = () -> {};

        private Builder(Trainer trainer, TrainingScheme scheme) {
            this.trainer = trainer;
            this.scheme = scheme;
        }

        /**
         * Sets what all random choices come from; default 0.
         *
         * @param seed any number
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Sets the global norm that gradients are clipped to; default infinity, none.
         *
         * @param clipNorm above 0
         * @return this builder
         */
        public Builder optClipNorm(float clipNorm) {
            this.clipNorm = clipNorm;
            return this;
        }

        /**
         * Sets how many batches' gradients are averaged into one update; default 1.
         *
         * @param accumulate at least 1
         * @return this builder
         * @throws IllegalArgumentException if it is less
         */
        public Builder optAccumulate(int accumulate) {
            if (accumulate < 1) {
                throw new IllegalArgumentException(
                        "An update takes at least 1 batch, got " + accumulate + ".");
            }
            this.accumulate = accumulate;
            return this;
        }

        /**
         * Mixes the images of a batch; its labels become soft. Default: none.
         *
         * @param mixup the mixing, which includes label smoothing
         * @return this builder
         */
        public Builder optMixup(Mixup mixup) {
            this.mixup = mixup;
            return this;
        }

        /**
         * Sets the label smoothing of batches that are not mixed; default 0.
         *
         * @param smoothing the share of a label that is spread over all classes
         * @param classes the number of classes
         * @return this builder
         */
        public Builder optLabelSmoothing(float smoothing, int classes) {
            labelSmoothing = smoothing;
            this.classes = classes;
            return this;
        }

        /**
         * Sets the attack that validation images are predicted under, besides as they are. Default:
         * none, they are predicted as in a training step.
         *
         * @param validationAttack the attack, within the training attack's threat model to be
         *     comparable
         * @return this builder
         */
        public Builder optValidationAttack(Attack validationAttack) {
            this.validationAttack = validationAttack;
            return this;
        }

        /**
         * Sets how many epochs lie between validations; default 1. The last epoch is always validated.
         *
         * @param validateEpochs at least 1
         * @return this builder
         */
        public Builder optValidateEpochs(int validateEpochs) {
            this.validateEpochs = validateEpochs;
            return this;
        }

        /**
         * Keeps an average of the weights that takes in every update, and validates it in place of the
         * weights.
         *
         * @param average the average, such as {@link WeightAverage#exponential}
         * @return this builder
         */
        public Builder optAverage(WeightAverage average) {
            this.average = average;
            averageFromEpoch = -1;
            return this;
        }

        /**
         * Keeps an average of the weights at the ends of epochs, and validates it, as soon as there is
         * one, in place of the weights.
         *
         * @param average the average, such as {@link WeightAverage#equal}
         * @param fromEpoch the first epoch that is taken in, counted from 0
         * @return this builder
         */
        public Builder optEpochAverage(WeightAverage average, int fromEpoch) {
            this.average = average;
            averageFromEpoch = Math.max(0, fromEpoch);
            return this;
        }

        /**
         * Sets how many updates in a row may be skipped because loss or gradient is not finite; default
         * 0.
         *
         * @param maxSkipped 0 or more
         * @return this builder
         */
        public Builder optMaxSkipped(int maxSkipped) {
            this.maxSkipped = maxSkipped;
            return this;
        }

        /**
         * Sets what is run when an epoch's batches are trained, before an average takes them in and
         * before the validation, which can take long: the time for a checkpoint.
         *
         * @param onEpochTrained what to run
         * @return this builder
         */
        public Builder optOnEpochTrained(Runnable onEpochTrained) {
            this.onEpochTrained = onEpochTrained;
            return this;
        }

        /**
         * Builds the loop.
         *
         * @return the loop
         * @throws IllegalArgumentException if the trainer has another loss, several devices, or
         *     another device than its model
         */
        public AdversarialTraining build() {
            return new AdversarialTraining(this);
        }
    }
}
