package io.github.remoe.metrics;

import ai.djl.metric.Metrics;
import ai.djl.ndarray.NDList;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;

import java.util.LinkedHashMap;
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
 *   <li>images a second and memory.
 * </ul>
 *
 * <p>What only the training loop knows it takes from the trainer's {@link Metrics}: {@code loss},
 * {@code learningRate}, {@code gradientNorm}, {@code skippedSteps}, and {@code stepNumber} and {@code
 * epochNumber}, both counted from 1 over the whole run. Steps and epochs that the loop does not number
 * are counted here.
 *
 * <p>Of an epoch it takes the means over the images of its steps, and the accuracies of the validation
 * batches. Where a step's number is not above the last one's, the run has gone back: the epoch's means
 * start anew.
 *
 * <p>Nothing is predicted or attacked again, and everything of a step is read from the device at once.
 */
public final class TrainingMetrics implements TrainingListener {

    private static final double NANOS = 1e9;

    private final boolean predictsClean;
    private final boolean predictsAdversarial;
    private BatchMeter meter;
    private Means means = new Means();
    private Means validation = new Means();
    private long stepsOfEpoch;
    private long step;
    private int epoch = 1;
    private boolean measuring;
    private long lastNanos;

    /**
     * Creates the listener. At least one of both must be predicted.
     *
     * @param predictsClean whether a step predicts the clean images; they come first
     * @param predictsAdversarial whether it predicts adversarial ones
     */
    public TrainingMetrics(boolean predictsClean, boolean predictsAdversarial) {
        if (!predictsClean && !predictsAdversarial) {
            throw new IllegalArgumentException("A step predicts clean or adversarial images.");
        }
        this.predictsClean = predictsClean;
        this.predictsAdversarial = predictsAdversarial;
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBegin(Trainer trainer) {
        meter = new BatchMeter(
                predictsClean,
                predictsAdversarial,
                trainer.getLoss(),
                trainer.getModel().getBlock());
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        long next = (long) recorded(trainer, "stepNumber", step + 1);
        if (!measuring || next <= step) {
            measuring = true;
            startEpoch();
            tell(trainer, listener -> listener.onMeasuringFrom(next));
        }
        step = next;
        epoch = (int) recorded(trainer, "epochNumber", epoch);

        Map<String, Double> values = new LinkedHashMap<>();
        values.put(Measurement.LOSS, recorded(trainer, "loss", Double.NaN));
        values.putAll(overDevices(batchData, meter::measure));
        values.put(Measurement.LEARNING_RATE, recorded(trainer, "learningRate", Double.NaN));
        values.put(Measurement.GRADIENT_NORM, recorded(trainer, "gradientNorm", Double.NaN));
        values.put(Measurement.SKIPPED_STEPS, recorded(trainer, "skippedSteps", Double.NaN));
        values.put(Measurement.SPEED, images(batchData) / seconds());
        values.put(Measurement.RESIDENT, Memory.resident());
        values.put(Measurement.HEAP, Memory.heap());
        values.put(Measurement.GPU, Memory.gpu(trainer.getDevices()));

        stepsOfEpoch++;
        means.add(values, images(batchData));
        Measurement measurement = new Measurement(step, epoch, values);
        tell(trainer, listener -> listener.onStepMeasured(measurement));
    }

    /** {@inheritDoc} */
    @Override
    public void onValidationBatch(Trainer trainer, BatchData batchData) {
        validation.add(overDevices(batchData, meter::validate), images(batchData));
        lastNanos = System.nanoTime();
    }

    /** {@inheritDoc} */
    @Override
    public void onEpoch(Trainer trainer) {
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

    private void startEpoch() {
        means = new Means();
        validation = new Means();
        stepsOfEpoch = 0;
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
                        measure.apply(labels, batchData.getPredictions().get(device)),
                        images(labels)));
        return devices.values();
    }

    private static long images(BatchData batchData) {
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
