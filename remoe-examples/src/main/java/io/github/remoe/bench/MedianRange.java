package io.github.remoe.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * The middle of some values and how far they spread.
 *
 * @param median the value in the middle, or the mean of the two there
 * @param min the smallest value
 * @param max the largest value
 */
record MedianRange(double median, double min, double max) {

    static MedianRange of(List<Double> values) {
        if (values.isEmpty()) {
            throw new IllegalArgumentException("There are no values to take the median of.");
        }
        List<Double> sorted = values.stream().sorted().toList();
        int last = sorted.size() - 1;
        return new MedianRange(
                (sorted.get(last / 2) + sorted.get((last + 1) / 2)) / 2,
                sorted.get(0),
                sorted.get(last));
    }

    /** Of the ratios of values that were measured one right after the other. */
    static MedianRange ofRatios(List<Double> numerators, List<Double> denominators) {
        if (numerators.size() != denominators.size()) {
            throw new IllegalArgumentException(String.format(
                    "Ratios are of pairs, but there are %d and %d values.",
                    numerators.size(), denominators.size()));
        }
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < numerators.size(); i++) {
            ratios.add(numerators.get(i) / denominators.get(i));
        }
        return of(ratios);
    }
}
