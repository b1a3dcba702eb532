package io.github.remoe.experiment;

import java.util.List;
import java.util.Locale;

/**
 * Mean and spread of one figure over runs.
 *
 * @param count the runs
 * @param mean their mean, not a number if there are none
 * @param deviation the sample standard deviation (of count - 1), not a number for fewer than two runs
 */
public record Spread(int count, double mean, double deviation) {

    /**
     * Computes mean and spread.
     *
     * @param values one value a run
     * @return the mean and the spread
     */
    public static Spread of(List<Double> values) {
        int count = values.size();
        double mean = values.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        double squares = values.stream()
                .mapToDouble(value -> (value - mean) * (value - mean))
                .sum();
        return new Spread(count, mean, count < 2 ? Double.NaN : Math.sqrt(squares / (count - 1)));
    }

    /** Returns one digit after the point: {@code 52.7 ± 0.4}, without spread {@code 52.7}. */
    @Override
    public String toString() {
        return format("%.1f");
    }

    /** The same with the sign of the mean, as differences are written. */
    String signed() {
        return format("%+.1f");
    }

    private String format(String format) {
        String text = String.format(Locale.ROOT, format, mean);
        return count < 2 ? text : text + String.format(Locale.ROOT, " ± %.1f", deviation);
    }
}
