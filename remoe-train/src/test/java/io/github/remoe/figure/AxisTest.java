package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;

import java.util.List;

class AxisTest {

    private static final double LENGTH = 340;

    private static List<String> labels(Axis axis) {
        return axis.ticks().stream().map(Axis.Tick::label).toList();
    }

    @Test
    void ticksAreThoseOneWouldChoose() {
        assertThat(labels(Axis.covering(0, 100)))
                .containsExactly("0", "20", "40", "60", "80", "100");
        assertThat(labels(Axis.covering(0.31, 2.2)))
                .containsExactly("0", "0.5", "1.0", "1.5", "2.0", "2.5");
        assertThat(labels(Axis.covering(-1.5, 4)))
                .containsExactly("-2", "-1", "0", "1", "2", "3", "4");
        assertThat(labels(Axis.between(1, 30, true, LENGTH)))
                .containsExactly("5", "10", "15", "20", "25", "30");
        assertThat(labels(Axis.between(1, 3, true, LENGTH))).containsExactly("1", "2", "3");
        assertThat(labels(Axis.between(0, 20_000, true, LENGTH)))
                .containsExactly("0", "5k", "10k", "15k", "20k");
        assertThat(labels(Axis.logarithmic(1, 100, LENGTH)))
                .containsExactly("1", "2", "5", "10", "20", "50", "100");
        assertThat(labels(Axis.logarithmic(1e-5, 1, LENGTH)))
                .containsExactly("1e-5", "1e-4", "0.001", "0.01", "0.1", "1");
    }

    @Test
    void numbersAreShort() {
        assertThat(labels(Axis.covering(0, 0.0005)))
                .containsExactly("0", "1e-4", "2e-4", "3e-4", "4e-4", "5e-4");
        assertThat(labels(Axis.covering(0, 0.002)))
                .containsExactly("0", "0.0005", "0.0010", "0.0015", "0.0020");
        assertThat(labels(Axis.covering(9_500, 11_000)))
                .containsExactly("9.5k", "10.0k", "10.5k", "11.0k");
        assertThat(labels(Axis.covering(0, 4e7))).containsExactly("0", "10M", "20M", "30M", "40M");
        assertThat(labels(Axis.covering(0, 3e38))).contains("0", "1e38", "1.5e38");
        assertThat(Numbers.text(41.2345)).isEqualTo("41.23");
        assertThat(Numbers.text(12345)).isEqualTo("12345");
        assertThat(Numbers.text(-0.0)).isEqualTo("0");
        assertThat(Numbers.text(0.00012345)).isEqualTo("1.234e-4");
        assertThat(Numbers.text(99.996)).isEqualTo("100");
    }

    @Test
    void oneValueLiesInTheMiddle() {
        Axis epoch = Axis.between(1, 1, true, LENGTH);
        assertThat(labels(epoch)).containsExactly("0", "1", "2");
        assertThat(epoch.share(1)).isCloseTo(0.5, within(1e-12));
        assertThat(labels(Axis.between(1, 2, true, LENGTH))).containsExactly("0", "1", "2", "3");
        assertThat(labels(Axis.covering(0, 0)))
                .containsExactly("0", "0.2", "0.4", "0.6", "0.8", "1.0");
    }

    @Test
    void lessThanADecadeIsLinear() {
        Axis axis = Axis.logarithmic(2, 4, LENGTH);
        assertThat(axis).isEqualTo(Axis.between(2, 4, false, LENGTH));
        assertThat(axis.share(3)).isCloseTo(0.5, within(1e-12));
        assertThat(labels(Axis.logarithmic(8, 8, LENGTH))).contains("8.0");
    }

    @Test
    void sharesAreThoseOfTheScale() {
        assertThat(Axis.covering(0, 100).share(25)).isCloseTo(0.25, within(1e-12));
        assertThat(Axis.logarithmic(1, 100, LENGTH).share(10)).isCloseTo(0.5, within(1e-12));
    }

    @Property(tries = 500, shrinking = ShrinkingMode.OFF)
    void anAxisCoversItsRange(
            @ForAll @DoubleRange(min = -1, max = 1) double a,
            @ForAll @DoubleRange(min = -1, max = 1) double b,
            @ForAll @IntRange(min = -30, max = 30) int power) {
        double from = Math.min(a, b) * Math.pow(10, power);
        double to = Math.max(a, b) * Math.pow(10, power);

        Axis axis = Axis.covering(from, to);

        assertThat(axis.min())
                .isLessThanOrEqualTo(from)
                .isEqualTo(axis.ticks().get(0).value());
        assertThat(axis.max()).isGreaterThanOrEqualTo(to);
        isSound(axis, 3);
    }

    @Property(tries = 500, shrinking = ShrinkingMode.OFF)
    void labelsOfAHorizontalAxisHaveRoom(
            @ForAll @DoubleRange(min = -100, max = 1000) double from,
            @ForAll @DoubleRange(min = -3, max = 6) double power,
            @ForAll boolean whole) {
        double range = Math.pow(10, power);
        double first = whole ? Math.rint(from) : from;
        Axis axis = Axis.between(first, first + (whole ? Math.ceil(range) : range), whole, LENGTH);

        isSound(axis, 2);
        hasRoom(axis);
    }

    @Property(tries = 500, shrinking = ShrinkingMode.OFF)
    void logarithmicLabelsHaveRoom(
            @ForAll @DoubleRange(min = -8, max = 6) double from,
            @ForAll @DoubleRange(min = 0, max = 12) double decades) {
        Axis axis = Axis.logarithmic(Math.pow(10, from), Math.pow(10, from + decades), LENGTH);

        isSound(axis, 2);
        hasRoom(axis);
    }

    private static void isSound(Axis axis, int least) {
        assertThat(axis.ticks()).hasSizeBetween(least, 9);
        assertThat(axis.ticks())
                .extracting(Axis.Tick::value)
                .isSorted()
                .doesNotHaveDuplicates()
                .allSatisfy(v -> assertThat(v).isBetween(axis.min(), axis.max()));
        assertThat(labels(axis)).doesNotHaveDuplicates();
    }

    private static void hasRoom(Axis axis) {
        for (int i = 1; i < axis.ticks().size(); i++) {
            Axis.Tick left = axis.ticks().get(i - 1);
            Axis.Tick right = axis.ticks().get(i);
            assertThat(LENGTH * (axis.share(right.value()) - axis.share(left.value())))
                    .isGreaterThan((Text.width(left.label()) + Text.width(right.label())) / 2);
        }
    }
}
