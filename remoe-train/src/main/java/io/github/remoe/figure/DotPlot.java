package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.List;

/**
 * A dot plot: a line for each of up to 20 things, such as classes, and on it a dot for each series, such
 * as the accuracy without and under attack. The line between the dots shows the difference.
 *
 * <pre>{@code
 * Figure classes = DotPlot.builder("classes", "Accuracy by class")
 *         .setX("accuracy, %")
 *         .optRange(0, 100)
 *         .addSeries("clean")
 *         .addSeries("PGD-20")
 *         .addRow("cat", 71.2, 20.9)
 *         .addRow("ship", 92.3, 70.4)
 *         .build();
 * }</pre>
 */
public final class DotPlot {

    /** How many rows a figure has at most. */
    public static final int MOST_ROWS = 20;

    private DotPlot() {}

    /**
     * Creates a builder.
     *
     * @param name what the figure's files are called
     * @param title what it shows, in a few words
     * @return a new builder
     */
    public static Builder builder(String name, String title) {
        return new Builder(name, title);
    }

    /** The Builder to construct the {@link Figure} of a dot plot. */
    public static final class Builder {

        private final String name;
        private final String title;
        private final List<RowDrawing.Key> series = new ArrayList<>();
        private final List<RowDrawing.Row> rows = new ArrayList<>();
        private String x;
        private double low = 0;
        private double high = 1;

        private Builder(String name, String title) {
            this.name = name;
            this.title = title;
        }

        /**
         * Sets what lies along the axis.
         *
         * @param label the label, which may end in a comma and a unit
         * @return this builder
         */
        public Builder setX(String label) {
            this.x = label;
            return this;
        }

        /**
         * Sets what the axis covers; default is 0 to 1. It goes on to values outside.
         *
         * @param min the lower end
         * @param max the upper end
         * @return this builder
         * @throws IllegalArgumentException unless min is less than max
         */
        public Builder optRange(double min, double max) {
            LineChart.checkRange(min, max);
            this.low = min;
            this.high = max;
            return this;
        }

        /**
         * Adds a series, which has a colour and a marker.
         *
         * @param label what it is
         * @return this builder
         */
        public Builder addSeries(String label) {
            series.add(new RowDrawing.Key(label, Palette.series(series.size()), false));
            return this;
        }

        /**
         * Adds a row.
         *
         * @param label what it is about
         * @param values a value for each series, in their order; NaN is none
         * @return this builder
         * @throws IllegalArgumentException if there are more values than series
         */
        public Builder addRow(String label, double... values) {
            List<RowDrawing.Mark> marks = new ArrayList<>();
            for (int i = 0; i < values.length; i++) {
                if (Curve.drawable(values[i])) {
                    marks.add(new RowDrawing.Mark(i, values[i], Double.NaN, Double.NaN));
                }
            }
            if (values.length > series.size()) {
                throw new IllegalArgumentException(String.format(
                        "Row %s has %d values for %d series: add a series for each first.",
                        label, values.length, series.size()));
            }
            rows.add(new RowDrawing.Row(
                    label, List.of(new RowDrawing.Lane(marks.isEmpty() ? "–" : "", true, marks))));
            return this;
        }

        /**
         * Draws the chart.
         *
         * @return the figure
         * @throws IllegalArgumentException if the axis has no label, or there are no rows or more than
         *     {@value DotPlot#MOST_ROWS}
         */
        public Figure build() {
            if (x == null) {
                throw new IllegalArgumentException(
                        "The axis of the chart " + name + " needs a label: call setX.");
            }
            if (rows.isEmpty() || rows.size() > MOST_ROWS) {
                throw new IllegalArgumentException(String.format(
                        "The chart %s has %d rows, and takes 1 to %d: choose those that matter most.",
                        name, rows.size(), MOST_ROWS));
            }
            return new RowDrawing(new AxisLabel(x), low, high, rows, series).figure(name, title);
        }
    }
}
