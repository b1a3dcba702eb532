package io.github.remoe.metrics;

import java.util.LinkedHashMap;
import java.util.Map;

/** Means of values that some images have given, each image counting the same. */
final class Means {

    private final Map<String, Mean> means = new LinkedHashMap<>();

    /** Values that are not finite do not count: those of a step that was skipped, or not measured. */
    void add(Map<String, Double> values, long images) {
        values.forEach((name, value) -> {
            Mean mean = means.computeIfAbsent(name, key -> new Mean());
            switch (name) {
                case Measurement.SKIPPED_STEPS -> mean.set(value);
                // All images by all the time that they took.
                case Measurement.SPEED -> mean.add(value, images / value);
                default -> mean.add(value, images);
            }
        });
    }

    /** Returns the means, NaN where nothing counted. */
    Map<String, Double> values() {
        Map<String, Double> values = new LinkedHashMap<>();
        means.forEach((name, mean) -> values.put(name, mean.sum / mean.weights));
        return values;
    }

    private static final class Mean {

        private double sum;
        private double weights;

        void add(double value, double weight) {
            if (Double.isFinite(value)) {
                sum += weight * value;
                weights += weight;
            }
        }

        void set(double value) {
            sum = value;
            weights = 1;
        }
    }
}
