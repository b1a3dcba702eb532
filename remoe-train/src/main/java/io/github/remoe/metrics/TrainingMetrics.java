package io.github.remoe.metrics;

import ai.djl.Device;
import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDList;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;

import io.github.remoe.train.DataParallel;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Measures each step and each epoch, and tells the trainer's {@link MetricsListener}s.
 *
 * <p>Of a step it measures, with the names of {@link Measurement}:
 *
 * <ul>
 *   <li>the parts of the loss, if it is a {@link io.github.remoe.loss.TrainingLoss}; clean and robust
 *       accuracy of the step's own predictions, so of its augmented images as the network was before
 *       the step, where a mixed image counts for the class that most of it is of;
 *   <li>of ReMoE layers, averaged over layers and images: the angle between clean and adversarial W;
 *       the entropy of W and how many images each regional expert sees, over the images of all passes;
 *   <li>images a second and memory, of all devices where the network is a {@link DataParallel}.
 * </ul>
 *
 * <p>An image counts as robust if it is right both as it is and attacked, where both are predicted. Of
 * a step that was given up before it predicted anything, whose predictions are empty, there are the
 * loop's own values, speed and memory. (DJL's {@code EvaluatorTrainingListener} copes with that only
 * if the labels name no device either.)
 *
 * <p>What only the training loop knows it takes from the trainer's {@link Metrics}: {@code loss},
 * {@code learningRate}, {@code gradientNorm}, {@code skippedSteps}, and {@code stepNumber} and {@code
 * epochNumber}, both counted from 1 over the whole run. Steps and epochs that the loop does not number
 * are counted here. A run that goes on at the end of an epoch validates before its first step: the
 * loop is to record both numbers before, {@code stepNumber} being the steps made.
 *
 * <p>Of an epoch it takes the means over the images of its steps, where values that are not finite do
 * not count, and the accuracies of the validation batches. Where a step's number is not above the last
 * one's, the run has gone back: the epoch's means start anew.
 *
 * <p>Nothing is predicted or attacked again, and everything of a step is read from the device at once.
 */
public final class TrainingMetrics implements TrainingListener {

    private static final double NANOS = 1e9;

    private final boolean predictsClean;
    private final boolean predictsAdversarial;
    private final boolean validatesBoth;
    private BatchMeter meter;
    private Means means = new Means();
    private Means validation = new Means();
    private long stepsOfEpoch;
    private long step;
    private int epoch = 1;
    private boolean measuring;
    private long lastNanos;

    /**
     * Creates the listener. A step must predict clean images, adversarial ones, or both.
     *
     * @param predictsClean whether a step predicts the clean images; they come first
     * @param predictsAdversarial whether it predicts adversarial ones
     * @param validatesBoth whether validation predicts clean and then adversarial images, whatever a
     *     step predicts; otherwise it predicts what a step does
     * @throws IllegalArgumentException if a step predicts neither
     */
    public TrainingMetrics(
            boolean predictsClean, boolean predictsAdversarial, boolean validatesBoth) {
        if (!predictsClean && !predictsAdversarial) {
            throw new IllegalArgumentException("A step predicts clean or adversarial images.");
        }
        this.predictsClean = predictsClean;
        this.predictsAdversarial = predictsAdversarial;
        this.validatesBoth = validatesBoth;
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBegin(Trainer trainer) {
        meter = new BatchMeter(
                predictsClean,
                predictsAdversarial,
                validatesBoth,
                trainer.getLoss(),
                trainer.getModel().getBlock());
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        long next = (long) recorded(trainer, "stepNumber", step + 1);
        epoch = (int) recorded(trainer, "epochNumber", epoch);
        if (!measuring || next <= step) {
            measureFrom(trainer, next);
        }
        step = next;

        Map<String, Double> values = new LinkedHashMap<>();
        values.put(Measurement.LOSS, recorded(trainer, "loss", Double.NaN));
        values.putAll(overDevices(batchData, meter::measure));
        values.put(Measurement.LEARNING_RATE, recorded(trainer, "learningRate", Double.NaN));
        values.put(Measurement.GRADIENT_NORM, recorded(trainer, "gradientNorm", Double.NaN));
        values.put(Measurement.SKIPPED_STEPS, recorded(trainer, "skippedSteps", Double.NaN));
        values.put(Measurement.SPEED, images(batchData) / seconds());
        values.put(Measurement.RESIDENT, Memory.resident());
        values.put(Measurement.HEAP, Memory.heap());
        values.put(Measurement.GPU, Memory.gpu(devices(trainer)));

        stepsOfEpoch++;
        means.add(values, images(batchData));
        Measurement measurement = new Measurement(step, epoch, values);
        tell(trainer, listener -> listener.onStepMeasured(measurement));
    }

    /** {@inheritDoc} */
    @Override
    public void onValidationBatch(Trainer trainer, BatchData batchData) {
        takePosition(trainer);
        validation.add(overDevices(batchData, meter::validate), images(batchData));
        lastNanos = System.nanoTime();
    }

    /** {@inheritDoc} */
    @Override
    public void onEpoch(Trainer trainer) {
        takePosition(trainer);
        Map<String, Double> values = new LinkedHashMap<>();
        values.put(Measurement.STEPS, (double) stepsOfEpoch);
        values.putAll(means.values());
        Map<String, Double> validated = validation.values();
        values.put(
                Measurement.VALIDATION_CLEAN,
                validated.getOrDefault(Measurement.CLEAN_ACCURACY, Double.NaN));
        values.put(
                Measurement.VALIDATION_ROBUST,
                validated.getOrDefault(Measurement.ROBUST_ACCURACY, Double.NaN));
        Measurement measurement = new Measurement(step, epoch, values);
        tell(trainer, listener -> listener.onEpochMeasured(measurement));
        epoch++;
        startEpoch();
        lastNanos = System.nanoTime();
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingEnd(Trainer trainer) {}

    /** Takes the loop's numbers between steps: there may have been none since it went on. */
    private void takePosition(Trainer trainer) {
        long made = (long) recorded(trainer, "stepNumber", step);
        epoch = (int) recorded(trainer, "epochNumber", epoch);
        if (!measuring || made < step) {
            measureFrom(trainer, made + 1);
        }
        step = made;
    }

    private void measureFrom(Trainer trainer, long next) {
        measuring = true;
        startEpoch();
        int present = epoch;
        tell(trainer, listener -> listener.onMeasuringFrom(next, present));
    }

    private void startEpoch() {
        means = new Means();
        validation = new Means();
        stepsOfEpoch = 0;
    }

    static List<Device> devices(Trainer trainer) {
        return trainer.getModel().getBlock() instanceof DataParallel parallel
                ? parallel.getDevices()
                : List.of(trainer.getDevices());
    }

    private static double recorded(Trainer trainer, String name, double otherwise) {
        Metrics metrics = trainer.getMetrics();
        return metrics == null || !metrics.hasMetric(name)
                ? otherwise
                : metrics.latestMetric(name).getValue();
    }

    private static Map<String, Double> overDevices(
            BatchData batchData, BiFunction<NDList, NDList, Map<String, Double>> measure) {
        Means devices = new Means();
        batchData
                .getLabels()
                .forEach((device, labels) -> devices.add(
                        measure.apply(
                                labels,
                                batchData.getPredictions().getOrDefault(device, new NDList())),
                        images(labels)));
        return devices.values();
    }

    private static long images(BatchData batchData) {
        if (batchData.getLabels().isEmpty()) {
            return batchData.getBatch().getSize();
        }
        return batchData.getLabels().values().stream()
                .mapToLong(TrainingMetrics::images)
                .sum();
    }

    private static long images(NDList labels) {
        return labels.head().getShape().get(0);
    }

    /** The time since the last step, or the validation after it; NaN at the first. */
    private double seconds() {
        long now = System.nanoTime();
        double seconds = lastNanos == 0 ? Double.NaN : (now - lastNanos) / NANOS;
        lastNanos = now;
        return seconds;
    }

    private static void tell(Trainer trainer, Consumer<MetricsListener> event) {
        trainer.notifyListeners(listener -> {
            if (listener instanceof MetricsListener told) {
                event.accept(told);
            }
        });
    }
}
