package io.github.remoe.figure;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;

/** Numbers as people write them: 0.001, 1e-4, 10k. */
final class Numbers {

    private static final MathContext DIGITS = new MathContext(4, RoundingMode.HALF_EVEN);
    private static final double SMALL = 1e-3;
    private static final double LARGE = 1e10;

    private Numbers() {}

    /**
     * Writes a number with four digits that count, a whole one with all of its digits.
     *
     * @param value the number
     * @return its text
     */
    static String text(double value) {
        if (!Double.isFinite(value)) {
            return Double.toString(value);
        }
        BigDecimal exact = BigDecimal.valueOf(value);
        boolean whole = value == Math.rint(value) && Math.abs(value) < LARGE;
        BigDecimal rounded = whole ? exact : exact.round(DIGITS);
        return value != 0 && (Math.abs(value) < SMALL || Math.abs(value) >= LARGE)
                ? power(rounded)
                : plain(rounded);
    }

    /**
     * Writes a coordinate of a drawing.
     *
     * @param value the coordinate
     * @return its text, to a tenth of a unit
     */
    static String coordinate(double value) {
        return plain(BigDecimal.valueOf(value).setScale(1, RoundingMode.HALF_EVEN));
    }

    /**
     * Writes the numbers of an axis alike, with the decimals that tell them apart.
     *
     * @param values the numbers
     * @param step the distance of two of them
     * @return their texts, in the same order
     */
    static List<String> labels(List<BigDecimal> values, BigDecimal step) {
        double largest =
                values.stream().mapToDouble(v -> v.abs().doubleValue()).max().orElseThrow();
        if (largest < SMALL || largest >= LARGE) {
            return values.stream().map(Numbers::power).toList();
        }
        if (largest >= 1e7 && step.doubleValue() >= 1e5) {
            return values.stream().map(v -> decimals(v, step, 6, "M")).toList();
        }
        if (largest >= 1e4 && step.doubleValue() >= 100) {
            return values.stream().map(v -> decimals(v, step, 3, "k")).toList();
        }
        return values.stream().map(v -> decimals(v, step, 0, "")).toList();
    }

    /**
     * Writes a number as shortly as it goes.
     *
     * @param value the number, of few digits
     * @return its text
     */
    static String label(BigDecimal value) {
        double size = value.abs().doubleValue();
        if (size < SMALL || size >= LARGE) {
            return power(value);
        }
        int shift = size >= 1e6 ? 6 : size >= 1e4 ? 3 : 0;
        return plain(value.movePointLeft(shift)) + (shift == 6 ? "M" : shift == 3 ? "k" : "");
    }

    private static String decimals(BigDecimal value, BigDecimal step, int shift, String unit) {
        if (value.signum() == 0) {
            return "0";
        }
        int places = Math.max(0, step.movePointLeft(shift).stripTrailingZeros().scale());
        return value.movePointLeft(shift)
                        .setScale(places, RoundingMode.HALF_EVEN)
                        .toPlainString()
                + unit;
    }

    private static String power(BigDecimal value) {
        if (value.signum() == 0) {
            return "0";
        }
        BigDecimal stripped = value.stripTrailingZeros();
        int exponent = stripped.precision() - stripped.scale() - 1;
        return plain(stripped.movePointLeft(exponent)) + "e" + exponent;
    }

    private static String plain(BigDecimal value) {
        return value.signum() == 0 ? "0" : value.stripTrailingZeros().toPlainString();
    }
}
