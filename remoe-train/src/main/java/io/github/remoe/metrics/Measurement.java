package io.github.remoe.metrics;

import io.github.remoe.loss.AdversarialLoss;
import io.github.remoe.loss.TrainingLoss;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What was measured in a training step or over an epoch. Names are grouped by a prefix, as TensorBoard
 * shows them; {@link TrainingMetrics} lists them.
 *
 * @param step the step, counted from 1 over the whole run; of an epoch its last
 * @param epoch the epoch, counted from 1
 * @param values values by name, always in the same order within a run; NaN, or left out, where
 *     something was not measured
 */
public record Measurement(long step, int epoch, Map<String, Double> values) {

    /** The loss that the step went down. */
    public static final String LOSS = "loss/total";

    /** Before the name of each of a {@link TrainingLoss}'s parts, such as gamma. */
    public static final String LOSS_PART = "loss/";

    /** The mean gamma of a region-adaptive loss: how little the attack moves the region weights. */
    public static final String GAMMA = LOSS_PART + AdversarialLoss.GAMMA;

    /** The mean beta~ of a region-adaptive loss: the weight of its clean term. */
    public static final String CLEAN_WEIGHT = LOSS_PART + AdversarialLoss.CLEAN_WEIGHT;

    /** The learning rate of the step. */
    public static final String LEARNING_RATE = "optimizer/learningRate";

    /** The global l2 norm of the gradient, before clipping. */
    public static final String GRADIENT_NORM = "optimizer/gradientNorm";

    /** How many steps of the run were skipped so far. */
    public static final String SKIPPED_STEPS = "optimizer/skippedSteps";

    /** The share of clean images that are classified right, 0 to 1. */
    public static final String CLEAN_ACCURACY = "accuracy/clean";

    /**
     * The share of images that are classified right both as they are and attacked, 0 to 1; of steps
     * that predict adversarial images alone, of those.
     */
    public static final String ROBUST_ACCURACY = "accuracy/robust";

    /** The mean angle between the region weights of clean and adversarial images, in degrees. */
    public static final String ANGLE = "gate/angleDegrees";

    /** The mean entropy of the region weights W / K, in nats: log(K) is uniform, 0 one region. */
    public static final String ENTROPY = "gate/entropy";

    /** Images a second, from the end of one step to the end of the next. */
    public static final String SPEED = "speed/imagesPerSecond";

    /** The process's memory in use, in MiB; Linux only. */
    public static final String RESIDENT = "memory/residentMiB";

    /** The Java heap in use, in MiB. */
    public static final String HEAP = "memory/heapMiB";

    /** The memory in use on the GPUs that train, by all processes, in MiB. */
    public static final String GPU = "memory/gpuMiB";

    /**
     * How many steps a mean is over, those that were skipped included; fewer than the epoch has where
     * a run went on inside it, 0 where it went on at its end.
     */
    public static final String STEPS = "epoch/steps";

    /** The share of clean validation images that are classified right, 0 to 1. */
    public static final String VALIDATION_CLEAN = "validation/clean";

    /**
     * The share of validation images that are classified right both as they are and attacked, 0 to 1;
     * of those attacked where validation predicts no others.
     */
    public static final String VALIDATION_ROBUST = "validation/robust";

    /** Keeps the order of the values. */
    public Measurement {
        values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /**
     * Of which regional expert a load is: the share of images in which it stays switched on under
     * top-k.
     *
     * @param layer the layer of the network, counted from 1
     * @param region the region, counted from 1, row by row
     */
    public record ExpertLoad(int layer, int region) {

        private static final Pattern NAME =
                Pattern.compile("expertLoad/layer(\\d{1,9})\\.region(\\d{1,9})");

        /**
         * Returns the name of the load.
         *
         * @return the name
         */
        public String name() {
            return "expertLoad/layer" + layer + ".region" + region;
        }

        /**
         * Reads a name.
         *
         * @param name the name of a value
         * @return of which expert it is the load; empty if it is something else
         */
        public static Optional<ExpertLoad> parse(String name) {
            Matcher matcher = NAME.matcher(name);
            return matcher.matches()
                    ? Optional.of(new ExpertLoad(
                            Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2))))
                    : Optional.empty();
        }
    }

    /**
     * Returns the name of the load of a regional expert, {@link ExpertLoad}.
     *
     * @param layer the layer of the network, counted from 1
     * @param region the region, counted from 1, row by row
     * @return the name
     */
    public static String expertLoad(int layer, int region) {
        return new ExpertLoad(layer, region).name();
    }

    /**
     * Returns a value.
     *
     * @param name its name
     * @return the value; NaN if it was not measured
     */
    public double get(String name) {
        return values.getOrDefault(name, Double.NaN);
    }
}
