package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Lines over numbers: what changes with the epoch, epsilon, the number of steps.
 *
 * <p>A label of an axis may end in a unit, after a comma: {@code accuracy, %}. The text that hovering
 * over a point shows is made of both labels: {@code robust: epoch 3, 41.2 %}.
 *
 * <p>Values that are NaN or infinite are gaps. Of more than a few hundred points the lowest and the
 * highest of each stretch are drawn, so that no outlier is lost. Up to 60 points of
 * a series have a marker each.
 *
 * <pre>{@code
 * Figure accuracy = LineChart.builder("accuracy", "Accuracy while training")
 *         .setX("epoch")
 *         .setY("accuracy, %")
 *         .optIntegerX()
 *         .optYRange(0, 100)
 *         .optReference("chance", 10)
 *         .addSeries("clean", epochs, clean)
 *         .addSeries("robust", epochs, robust, lower, upper)
 *         .build();
 * }</pre>
 */
public final class LineChart {

    private LineChart() {}

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

    static void checkRange(double min, double max) {
        if (!(min < max) || !Curve.drawable(min) || !Curve.drawable(max)) {
            throw new IllegalArgumentException(String.format(
                    "The range of a chart goes from a lower to a higher number, got %s to %s.",
                    min, max));
        }
    }

    /** A horizontal line across the chart. */
    record Reference(String label, double y) {}

    /** The Builder to construct the {@link Figure} of a line chart. */
    public static final class Builder {

        private final String name;
        private final String title;
        private final List<Curve> curves = new ArrayList<>();
        private final List<Reference> references = new ArrayList<>();
        private String x;
        private String y;
        private boolean logX;
        private boolean integerX;
        private double low = Double.NaN;
        private double high = Double.NaN;

        private Builder(String name, String title) {
            this.name = name;
            this.title = title;
        }

        /**
         * Sets what lies along the horizontal axis.
         *
         * @param label the label, which may end in a comma and a unit
         * @return this builder
         */
        public Builder setX(String label) {
            this.x = label;
            return this;
        }

        /**
         * Sets what lies along the vertical axis.
         *
         * @param label the label, which may end in a comma and a unit
         * @return this builder
         */
        public Builder setY(String label) {
            this.y = label;
            return this;
        }

        /**
         * Makes the horizontal axis logarithmic; default is linear. Points at 0 and below are left
         * out; a range of less than a factor of ten stays linear.
         *
         * @return this builder
         */
        public Builder optLogX() {
            this.logX = true;
            return this;
        }

        /**
         * Has ticks at whole numbers of the horizontal axis only, as for epochs; default is wherever
         * they fit.
         *
         * @return this builder
         */
        public Builder optIntegerX() {
            this.integerX = true;
            return this;
        }

        /**
         * Sets what the vertical axis covers at least; default is the range of the values. It goes on to
         * the next tick, and to values outside.
         *
         * @param min the lower end
         * @param max the upper end
         * @return this builder
         * @throws IllegalArgumentException unless min is less than max
         */
        public Builder optYRange(double min, double max) {
            checkRange(min, max);
            this.low = min;
            this.high = max;
            return this;
        }

        /**
         * Adds a dashed line across the chart, such as the accuracy without attack; default is none.
         *
         * @param label what it is
         * @param y where it is; NaN adds nothing
         * @return this builder
         */
        public Builder optReference(String label, double y) {
            if (Curve.drawable(y)) {
                references.add(new Reference(label, y));
            }
            return this;
        }

        /**
         * Adds a line. One without a point to draw is left out.
         *
         * @param label what it is
         * @param x the points' places on the horizontal axis, in any order
         * @param y their values
         * @return this builder
         * @throws IllegalArgumentException unless the arrays are of one length
         */
        public Builder addSeries(String label, double[] x, double[] y) {
            double[] none = new double[y.length];
            Arrays.fill(none, Double.NaN);
            return addSeries(label, x, y, none, none);
        }

        /**
         * Adds a line and the area of the intervals around it.
         *
         * @param label what it is
         * @param x the points' places on the horizontal axis, in any order
         * @param y their values
         * @param lower the lower ends of their intervals, NaN for none
         * @param upper the upper ends
         * @return this builder
         * @throws IllegalArgumentException unless the arrays are of one length
         */
        public Builder addSeries(
                String label, double[] x, double[] y, double[] lower, double[] upper) {
            if (y.length != x.length || lower.length != x.length || upper.length != x.length) {
                throw new IllegalArgumentException(String.format(
                        "Series %s has %d x, %d y, %d lower and %d upper ends: it takes one of each for"
                                + " each point.",
                        label, x.length, y.length, lower.length, upper.length));
            }
            List<Curve.Point> points = new ArrayList<>();
            for (int i = 0; i < x.length; i++) {
                if (Curve.drawable(x[i])) {
                    points.add(new Curve.Point(x[i], y[i], lower[i], upper[i]));
                }
            }
            points.sort(Comparator.comparingDouble(Curve.Point::x));
            curves.add(new Curve(label, points));
            return this;
        }

        /**
         * Draws the chart.
         *
         * @return the figure; if no series has a point, the axes and a note that says so
         * @throws IllegalArgumentException if there is no series or an axis has no label
         */
        public Figure build() {
            if (curves.isEmpty()) {
                throw new IllegalArgumentException(
                        "The chart " + name + " has no series: add at least one.");
            }
            if (x == null || y == null) {
                throw new IllegalArgumentException(
                        "The axes of the chart " + name + " need labels: call setX and setY.");
            }
            return new LineDrawing(
                            new AxisLabel(x),
                            new AxisLabel(y),
                            logX,
                            integerX,
                            low,
                            high,
                            curves,
                            references)
                    .figure(name, title);
        }
    }
}
