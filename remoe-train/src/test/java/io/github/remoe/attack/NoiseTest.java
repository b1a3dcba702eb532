package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.LongStream;

/** Bounds on means are five standard deviations; the seeds are fixed, so they hold or do not. */
class NoiseTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private interface Draw {
        NDArray draw(NDArray images, long[] seeds, int restart);
    }

    private static final ThreatModel LINF = ThreatModel.linf(0.1f);
    private static final ThreatModel L2 = ThreatModel.l2(0.1f);
    private static final Draw[] DRAWS = {
        Noise::uniform,
        Noise::gaussian,
        (images, seeds, restart) -> Noise.inBall(LINF, images, seeds, restart),
        (images, seeds, restart) -> Noise.inBall(L2, images, seeds, restart)
    };

    private NDArray images(int count) {
        return manager.full(new Shape(count, 3, 2, 2), 0.5f);
    }

    private static long[] seeds(int count) {
        return LongStream.range(0, count).map(i -> 31 * i).toArray();
    }

    @Test
    void anImagesNumbersComeFromItsSeedAndTheRestartAlone() {
        for (Draw draw : DRAWS) {
            double[] together = Tensors.doubles(draw.draw(images(3), new long[] {5, 6, 7}, 2));

            assertThat(Tensors.doubles(draw.draw(images(2), new long[] {7, 5}, 2)))
                    .containsExactly(DoubleStream.concat(
                                    Arrays.stream(together, 24, 36), Arrays.stream(together, 0, 12))
                            .toArray());
            assertThat(Tensors.doubles(draw.draw(images(1), new long[] {5}, 1)))
                    .isNotEqualTo(Arrays.copyOf(together, 12));
            assertThat(Arrays.copyOf(together, 12))
                    .isNotEqualTo(Arrays.copyOfRange(together, 12, 24));
        }
    }

    @Test
    void theTypeIsThatOfTheImages() {
        NDArray images = images(2).toType(DataType.FLOAT64, false);
        for (Draw draw : DRAWS) {
            NDArray noise = draw.draw(images, seeds(2), 0);
            assertThat(noise.getDataType()).isEqualTo(DataType.FLOAT64);
            assertThat(noise.getShape()).isEqualTo(images.getShape());
            assertThat(noise.getManager()).isSameAs(manager);
        }
    }

    @Test
    void uniformNumbersFillTheRangeEvenly() {
        int count = 2000;
        double[] numbers = Tensors.doubles(Noise.uniform(images(count), seeds(count), 0));

        double deviation = 5 / Math.sqrt(numbers.length);
        assertThat(Arrays.stream(numbers)).allMatch(number -> Math.abs(number) <= 1);
        assertThat(mean(numbers, 1)).isCloseTo(0, within(deviation * Math.sqrt(1 / 3.0)));
        // The variance of the square of such a number is 1/5 - 1/9.
        assertThat(mean(numbers, 2)).isCloseTo(1 / 3.0, within(deviation * Math.sqrt(4 / 45.0)));
        assertThat(Arrays.stream(numbers).max().orElseThrow()).isGreaterThan(0.999);
        assertThat(Arrays.stream(numbers).min().orElseThrow()).isLessThan(-0.999);
    }

    @Test
    void gaussianNumbersHaveTheMomentsOfTheNormalDistribution() {
        int count = 2000;
        double[] numbers = Tensors.doubles(Noise.gaussian(images(count), seeds(count), 0));

        // The variances of the powers are 1, 2, 15 and 96.
        double deviation = 5 / Math.sqrt(numbers.length);
        assertThat(mean(numbers, 1)).isCloseTo(0, within(deviation));
        assertThat(mean(numbers, 2)).isCloseTo(1, within(deviation * Math.sqrt(2)));
        assertThat(mean(numbers, 3)).isCloseTo(0, within(deviation * Math.sqrt(15)));
        assertThat(mean(numbers, 4)).isCloseTo(3, within(deviation * Math.sqrt(96)));
    }

    @Test
    void pointsFillTheBallEvenly() {
        int count = 4000;
        NDArray images = images(count);
        for (int restart : new int[] {0, 1}) {
            double[] radii = Tensors.doubles(
                    L2.distance(Noise.inBall(L2, images, seeds(count), restart), images));

            assertThat(Arrays.stream(radii))
                    .allMatch(radius -> radius <= 0.1 + ThreatModel.TOLERANCE);
            // The share of the volume within a radius, of 12 dimensions, is even from 0 to 1.
            double[] volumes = Arrays.stream(radii)
                    .map(r -> Math.pow(r / 0.1, 12))
                    .sorted()
                    .toArray();
            assertThat(largestGapToEven(volumes)).isLessThan(KOLMOGOROV / Math.sqrt(count));
        }
    }

    // An even distribution stays below this in all but one of 1000 samples.
    private static final double KOLMOGOROV = 1.95;

    private static double largestGapToEven(double[] sorted) {
        double largest = 0;
        for (int i = 0; i < sorted.length; i++) {
            double from = Math.abs(sorted[i] - (double) i / sorted.length);
            double to = Math.abs(sorted[i] - (i + 1.0) / sorted.length);
            largest = Math.max(largest, Math.max(from, to));
        }
        return largest;
    }

    @Test
    void directionsInTheBallHaveNoPreference() {
        int count = 2000;
        double[] offsets =
                Tensors.doubles(Noise.inBall(L2, images(count), seeds(count), 0).sub(0.5f));

        // A coordinate of an even point of the unit ball of n dimensions has variance 1 / (n + 2).
        double variance = 0.1 * 0.1 / 14;
        for (int pixel = 0; pixel < 12; pixel++) {
            double sum = 0;
            double squares = 0;
            for (int i = pixel; i < offsets.length; i += 12) {
                sum += offsets[i];
                squares += offsets[i] * offsets[i];
            }
            assertThat(sum / count).isCloseTo(0, within(5 * Math.sqrt(variance / count)));
            assertThat(squares / count).isCloseTo(variance, within(variance * 0.25));
        }
    }

    @Test
    void startsLieInTheBallAndInThePixelRange() {
        NDArray images = manager.create(
                        new float[] {0, 1, 0.5f, 0.02f, 0.98f, 0, 1, 0.3f, 0.7f, 0, 1, 0.5f},
                        new Shape(1, 3, 2, 2))
                .repeat(0, 50);
        for (ThreatModel threat : new ThreatModel[] {LINF, L2}) {
            NDArray points = Noise.inBall(threat, images, seeds(50), 0);

            assertThat(Arrays.stream(Tensors.doubles(points)))
                    .allMatch(pixel -> pixel >= 0 && pixel <= 1);
            assertThat(Arrays.stream(Tensors.doubles(threat.distance(points, images))))
                    .allMatch(distance -> distance <= 0.1 + ThreatModel.TOLERANCE);
        }
    }

    private static double mean(double[] numbers, int power) {
        return Arrays.stream(numbers)
                .map(number -> Math.pow(number, power))
                .average()
                .orElseThrow();
    }
}
