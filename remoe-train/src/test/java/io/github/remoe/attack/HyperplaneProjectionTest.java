package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Random;

/** The projections worked by hand, and what makes them projections. */
class HyperplaneProjectionTest {

    private static final ThreatModel LINF = ThreatModel.linf(0);
    private static final ThreatModel L2 = ThreatModel.l2(0);

    private static double[] shortest(ThreatModel threat, double[] x, double[] w, double change) {
        try (NDManager manager = NDManager.newBaseManager()) {
            Shape shape = new Shape(1, 1, 1, x.length);
            NDArray result = HyperplaneProjection.shortest(
                    threat,
                    Tensors.array(manager, shape, x),
                    Tensors.array(manager, shape, w),
                    Tensors.array(manager, new Shape(1), change));
            assertThat(result.getShape()).isEqualTo(shape);
            return Tensors.doubles(result);
        }
    }

    private static double[] numbers(double... numbers) {
        return numbers;
    }

    private static void assertNear(double[] actual, double... expected) {
        assertThat(actual).containsExactly(expected, within(1e-6));
    }

    @Test
    void insideThePixelRangeItIsTheTextbooks() {
        double[] middle = numbers(0.5, 0.5, 0.5);
        double[] w = numbers(1, 2, -1);

        // 0.8 / (1 + 2 + 1) for each pixel, 0.6 / (1 + 4 + 1) w.
        assertNear(shortest(LINF, middle, w, 0.8), 0.2, 0.2, -0.2);
        assertNear(shortest(L2, middle, w, 0.6), 0.1, 0.2, -0.1);
        assertNear(shortest(LINF, middle, w, -0.8), -0.2, -0.2, 0.2);
        assertNear(shortest(L2, middle, w, -0.6), -0.1, -0.2, 0.1);
    }

    @Test
    void whatOnePixelCannotGiveTheOthersDo() {
        double[] w = numbers(1, 2, -1);

        // The first gives 0.1; 0.7 is left for weights of 3.
        assertNear(shortest(LINF, numbers(0.9, 0.5, 0.5), w, 0.8), 0.1, 0.7 / 3, -0.7 / 3);
        // The second gives 2 * 0.1; 0.4 is left for squared weights of 2.
        assertNear(shortest(L2, numbers(0.5, 0.9, 0.5), w, 0.6), 0.2, 0.1, -0.2);
        // The first two stand at their borders.
        assertNear(shortest(LINF, numbers(1, 1, 0.5), w, 0.3), 0, 0, -0.3);
        assertNear(shortest(L2, numbers(1, 1, 0.5), w, 0.3), 0, 0, -0.3);
    }

    @Test
    void thePixelRangeIsTheThreatModels() {
        double[] w = numbers(1, 2, -1);

        assertNear(
                shortest(new ThreatModel(Norm.LINF, 0, -1, 3), numbers(2.9, 0.5, -0.95), w, 0.75),
                0.1,
                0.3,
                -0.05);
        assertNear(
                shortest(new ThreatModel(Norm.L2, 0, 0, 255), numbers(0, 0, 255), w, 600),
                100,
                200,
                -100);
    }

    @ParameterizedTest
    @EnumSource
    void outOfReachEveryPixelGoesToItsBorder(Norm norm) {
        ThreatModel threat = new ThreatModel(norm, 0, 0, 1);
        double[] x = numbers(0.5, 0.7, 0.2, 0.4);

        // 0.5 + 0.6 + 0.2 = 1.3 is all there is.
        assertNear(shortest(threat, x, numbers(1, 2, -1, 0), 7), 0.5, 0.3, -0.2, 0);
        assertNear(shortest(threat, x, numbers(1, 2, -1, 0), 1.3), 0.5, 0.3, -0.2, 0);
        // -0.5 - 1.4 - 0.8 = -2.7 the other way.
        assertNear(shortest(threat, x, numbers(1, 2, -1, 0), -3), -0.5, -0.7, 0.8, 0);
        assertNear(shortest(threat, numbers(1, 0), numbers(1, -1), 1), 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void pixelsWithoutWeightStay(Norm norm) {
        ThreatModel threat = new ThreatModel(norm, 0, 0, 1);

        assertNear(shortest(threat, numbers(0.5, 0.5, 1), numbers(0, 1, 0), 0.3), 0, 0.3, 0);
        assertNear(shortest(threat, numbers(0.5, 0.5), numbers(0, 0), 0.3), 0, 0);
        assertNear(shortest(threat, numbers(0.5, 0), numbers(1, 1), 0), 0, 0);
    }

    @ParameterizedTest
    @EnumSource
    void theLengthOfTheNormalDoesNotMatter(Norm norm) {
        ThreatModel threat = new ThreatModel(norm, 0, 0, 1);
        double[] x = numbers(0.5, 0.9, 0.5);
        double[] expected = shortest(threat, x, numbers(1, 2, -1), 0.6);

        for (double scale : numbers(1e-25, 1e-9, 1e9)) {
            double[] w = numbers(scale, 2 * scale, -scale);
            assertNear(shortest(threat, x, w, 0.6 * scale), expected);
        }
    }

    @Test
    void imagesDoNotMix() {
        try (NDManager manager = NDManager.newBaseManager()) {
            Shape shape = new Shape(2, 1, 1, 3);
            NDArray both = HyperplaneProjection.shortest(
                    L2,
                    Tensors.array(manager, shape, 0.5, 0.9, 0.5, 0.5, 0.5, 0.5),
                    Tensors.array(manager, shape, 1, 2, -1, 0, 10, 0),
                    Tensors.array(manager, new Shape(2), 0.6, -3));

            assertNear(Tensors.doubles(both), 0.2, 0.1, -0.2, 0, -0.3, 0);
        }
    }

    /** Numbers of which some are 0, and pixels of which some are at the borders. */
    private record Case(double[] x, double[] w, double change) {

        static Case random(int size, double reach, long seed) {
            Random random = new Random(seed);
            double[] x = new double[size];
            double[] w = new double[size];
            for (int i = 0; i < size; i++) {
                x[i] = (float) Math.min(1, Math.max(0, 1.4 * random.nextDouble() - 0.2));
                w[i] = (float) (random.nextInt(5) == 0 ? 0 : random.nextGaussian());
            }
            double change = 0;
            for (int i = 0; i < size; i++) {
                change += reach * Math.abs(w[i]) * room(x[i], reach * w[i]);
            }
            return new Case(x, w, change);
        }

        private static double room(double x, double direction) {
            return direction > 0 ? 1 - x : x;
        }

        /** The point of the pixel range that goes farthest in the direction of the change. */
        double[] corner() {
            double[] corner = x.clone();
            for (int i = 0; i < x.length; i++) {
                if (w[i] * change != 0) {
                    corner[i] = w[i] * change > 0 ? 1 : 0;
                }
            }
            return corner;
        }

        double gain(double[] point) {
            double gain = 0;
            for (int i = 0; i < x.length; i++) {
                gain += w[i] * (point[i] - x[i]);
            }
            return gain;
        }

        /** A point of the pixel range that lies on the hyperplane. */
        double[] feasible(Random random) {
            double[] point = random.doubles(x.length).toArray();
            double gain = gain(point);
            double[] other = gain / change > 1 ? x : corner();
            double part = (change - gain(other)) / (gain - gain(other));
            double[] feasible = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                feasible[i] = other[i] + part * (point[i] - other[i]);
            }
            return feasible;
        }
    }

    private static double length(Norm norm, double... perturbation) {
        double length = 0;
        for (double d : perturbation) {
            length = norm == Norm.LINF ? Math.max(length, Math.abs(d)) : Math.hypot(length, d);
        }
        return length;
    }

    @Property(tries = 150, shrinking = ShrinkingMode.OFF)
    void noPointOfTheHyperplaneWithinThePixelRangeIsCloser(
            @ForAll Norm norm,
            @ForAll @IntRange(min = 1, max = 12) int size,
            @ForAll @DoubleRange(min = -1, max = 1) double reach,
            @ForAll long seed) {
        Case some = Case.random(size, reach, seed);
        double[] way = shortest(new ThreatModel(norm, 0, 0, 1), some.x, some.w, some.change);

        double[] point = some.x.clone();
        for (int i = 0; i < size; i++) {
            point[i] += way[i];
            assertThat(point[i]).isBetween(-1e-6, 1 + 1e-6);
        }
        assertThat(some.gain(point)).isCloseTo(some.change, within(1e-5));
        if (some.change == 0) {
            return;
        }
        Random random = new Random(seed);
        for (int i = 0; i < 100; i++) {
            double[] other = some.feasible(random);
            assertThat(some.gain(other)).isCloseTo(some.change, within(1e-9));
            for (int j = 0; j < size; j++) {
                assertThat(other[j]).isBetween(-1e-9, 1 + 1e-9);
                other[j] -= some.x[j];
            }
            assertThat(length(norm, way)).isLessThanOrEqualTo(length(norm, other) + 1e-5);
        }
    }

    @Property(tries = 100, shrinking = ShrinkingMode.OFF)
    void outOfReachNothingGoesFarther(
            @ForAll Norm norm,
            @ForAll @IntRange(min = 1, max = 12) int size,
            @ForAll @DoubleRange(min = 1.01, max = 20) double reach,
            @ForAll boolean negative,
            @ForAll long seed) {
        Case some = Case.random(size, negative ? -reach : reach, seed);
        double[] corner = some.corner();
        double[] way = shortest(new ThreatModel(norm, 0, 0, 1), some.x, some.w, some.change);

        for (int i = 0; i < size; i++) {
            assertThat(some.x[i] + way[i]).isCloseTo(corner[i], within(1e-6));
        }
    }

    @Property(tries = 100, shrinking = ShrinkingMode.OFF)
    void inThePlaneItIsWhatTryingAllPointsFinds(
            @ForAll Norm norm,
            @ForAll @DoubleRange(min = 0, max = 1) double x1,
            @ForAll @DoubleRange(min = 0, max = 1) double x2,
            @ForAll @DoubleRange(min = -1, max = 1) double w1,
            @ForAll @DoubleRange(min = 0.3, max = 1) double w2,
            @ForAll @DoubleRange(min = -1.5, max = 1.5) double change) {
        double[] way =
                shortest(new ThreatModel(norm, 0, 0, 1), numbers(x1, x2), numbers(w1, w2), change);

        int steps = 20000;
        double best = Double.POSITIVE_INFINITY;
        for (int i = 0; i <= steps; i++) {
            double d1 = (double) i / steps - x1;
            double d2 = (change - w1 * d1) / w2;
            if (x2 + d2 >= -1e-7 && x2 + d2 <= 1 + 1e-7) {
                best = Math.min(best, length(norm, d1, d2));
            }
        }

        if (Double.isFinite(best)) {
            // A step of 1 / 20000 along the first axis is up to 3.5 of them along the line.
            assertThat(length(norm, way)).isCloseTo(best, within(2e-4));
        }
    }
}
