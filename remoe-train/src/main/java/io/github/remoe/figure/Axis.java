package io.github.remoe.figure;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * The numbers along one side of a chart, with ticks at multiples of 1, 2 or 5 times a power of ten.
 *
 * @param min where it begins
 * @param max where it ends, more than {@code min}
 * @param logarithmic whether equal ratios, not equal differences, have equal lengths
 * @param ticks three to nine of them where there is room, ascending
 */
record Axis(double min, double max, boolean logarithmic, List<Axis.Tick> ticks) {

    private static final int MOST = 9;
    private static final int MOST_COVERING = 7;
    private static final int[] ONE_TWO_FIVE = {1, 2, 5};
    private static final int[] ONE_THREE = {1, 3};
    private static final int[] ONE = {1};

    // Narrower than this a range is one value, whose digits would be all that the labels show.
    private static final double NARROW = 1e-6;

    // Space between the labels of two ticks.
    private static final double GAP = 10;

    /**
     * A marked value.
     *
     * @param value the value
     * @param label how it is written, unlike all others of the axis
     */
    public record Tick(double value, String label) {}

    /**
     * An axis that begins and ends at a tick.
     *
     * @param from the smallest value
     * @param to the largest value
     * @return an axis with both
     */
    static Axis covering(double from, double to) {
        Range range = new Range(from, to).wide(false);
        List<Tick> ticks = linear(range, true, false, Double.POSITIVE_INFINITY);
        return new Axis(ticks.get(0).value(), ticks.get(ticks.size() - 1).value(), false, ticks);
    }

    /**
     * A horizontal axis from the smallest to the largest value.
     *
     * @param from the smallest value
     * @param to the largest value
     * @param whole whether only whole numbers are ticks
     * @param length how long it is drawn, which bounds the number of labels
     * @return the axis, somewhat longer where both are the same
     */
    static Axis between(double from, double to, boolean whole, double length) {
        Range range = new Range(from, to).wide(whole);
        return new Axis(range.min(), range.max(), false, linear(range, false, whole, length));
    }

    /**
     * A horizontal logarithmic axis from the smallest to the largest value. Within a factor of ten it
     * is a linear one, which shows the same and has better ticks.
     *
     * @param from the smallest value, more than 0
     * @param to the largest value
     * @param length how long it is drawn, which bounds the number of labels
     * @return the axis
     */
    static Axis logarithmic(double from, double to, double length) {
        if (to < 10 * from) {
            return between(from, to, false, length);
        }
        Range range = new Range(from, to);
        List<Tick> ticks = powers(range, ONE_TWO_FIVE, 1);
        if (crowded(range, ticks, true, length)) {
            ticks = powers(range, ONE_THREE, 1);
        }
        for (int every = 1; crowded(range, ticks, true, length); every++) {
            ticks = powers(range, ONE, every);
        }
        return new Axis(range.min(), range.max(), true, ticks);
    }

    /**
     * Tells where on the axis a value is.
     *
     * @param value the value
     * @return 0 at its beginning, 1 at its end
     */
    double share(double value) {
        return share(new Range(min, max), logarithmic, value);
    }

    /**
     * Returns the width of its widest label.
     *
     * @return the width
     */
    double width() {
        return ticks.stream()
                .mapToDouble(tick -> Text.width(tick.label()))
                .max()
                .orElse(0);
    }

    /**
     * Puts the ticks into a drawing.
     *
     * @param place where a value is drawn
     * @return the ticks, each with a place for its value
     */
    List<Tick> places(DoubleUnaryOperator place) {
        return ticks.stream()
                .map(tick -> new Tick(place.applyAsDouble(tick.value), tick.label))
                .toList();
    }

    private static double share(Range range, boolean logarithmic, double value) {
        return logarithmic
                ? Math.log(value / range.min()) / Math.log(range.max() / range.min())
                : (value - range.min()) / (range.max() - range.min());
    }

    private static boolean crowded(
            Range range, List<Tick> ticks, boolean logarithmic, double length) {
        for (int i = 1; i < ticks.size(); i++) {
            Tick left = ticks.get(i - 1);
            Tick right = ticks.get(i);
            double distance = length
                    * (share(range, logarithmic, right.value())
                            - share(range, logarithmic, left.value()));
            if (distance < (Text.width(left.label()) + Text.width(right.label())) / 2 + GAP) {
                return true;
            }
        }
        return ticks.size() > MOST;
    }

    private static List<Tick> linear(Range range, boolean covering, boolean whole, double length) {
        int exponent = (int) Math.floor(Math.log10(range.max() - range.min())) - 1;
        for (int power = whole ? Math.max(0, exponent) : exponent; ; power++) {
            for (int digit : ONE_TWO_FIVE) {
                BigDecimal step = BigDecimal.valueOf(digit).scaleByPowerOfTen(power);
                BigInteger first =
                        range.min(step, covering ? RoundingMode.FLOOR : RoundingMode.CEILING);
                BigInteger last =
                        range.max(step, covering ? RoundingMode.CEILING : RoundingMode.FLOOR);
                int count = last.subtract(first).intValueExact() + 1;
                if (count <= (covering ? MOST_COVERING : MOST)) {
                    List<Tick> ticks = multiples(first, count, step);
                    if (count < 3 || !crowded(range, ticks, false, length)) {
                        return ticks;
                    }
                }
            }
        }
    }

    private static List<Tick> multiples(BigInteger first, int count, BigDecimal step) {
        List<BigDecimal> values = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            values.add(step.multiply(new BigDecimal(first.add(BigInteger.valueOf(i)))));
        }
        List<String> labels = Numbers.labels(values, step);
        List<Tick> ticks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            ticks.add(new Tick(values.get(i).doubleValue(), labels.get(i)));
        }
        return ticks;
    }

    private static List<Tick> powers(Range range, int[] digits, int every) {
        List<Tick> ticks = new ArrayList<>();
        int last = (int) Math.floor(Math.log10(range.max()));
        int power = Math.floorDiv((int) Math.floor(Math.log10(range.min())), every) * every;
        for (; power <= last; power += every) {
            for (int digit : digits) {
                BigDecimal value = BigDecimal.valueOf(digit).scaleByPowerOfTen(power);
                double tick = value.doubleValue();
                if (tick >= range.min() && tick <= range.max()) {
                    ticks.add(new Tick(tick, Numbers.label(value)));
                }
            }
        }
        return ticks;
    }

    private record Range(double min, double max) {

        Range wide(boolean whole) {
            if (whole) {
                return max - min < 2 ? new Range(Math.floor(min) - 1, Math.ceil(max) + 1) : this;
            }
            double size = Math.max(Math.abs(min), Math.abs(max));
            if (size < Double.MIN_NORMAL) {
                return new Range(0, 1);
            }
            return max - min < NARROW * size ? new Range(min - size / 10, max + size / 10) : this;
        }

        BigInteger min(BigDecimal step, RoundingMode rounding) {
            return steps(min, step, rounding);
        }

        BigInteger max(BigDecimal step, RoundingMode rounding) {
            return steps(max, step, rounding);
        }

        private static BigInteger steps(double value, BigDecimal step, RoundingMode rounding) {
            return BigDecimal.valueOf(value).divide(step, 0, rounding).toBigInteger();
        }
    }
}
