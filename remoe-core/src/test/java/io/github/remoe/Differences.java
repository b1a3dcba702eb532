package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;

import java.util.function.Supplier;

/** Compares gradients with central differences. */
public final class Differences {

    // Below this the error is rounding, not the h^2 of a central difference.
    private static final double EXACT = 1e-9;

    private Differences() {}

    /**
     * Asserts that a function's gradient by a float64 array is its slope along a fixed direction: a
     * central difference's error must fall by about 4 as h halves, and vanish at a small h. A
     * function that is linear or quadratic in the array has no such error at all.
     *
     * @param x the array; changed and put back
     * @param function a single number from x
     */
    public static void check(NDArray x, Supplier<NDArray> function) {
        x.setRequiresGradient(true);
        // Gradients add up, and this may not be the first.
        x.getGradient().subi(x.getGradient());
        Tensors.backward(function);
        NDArray direction = Golden.tensor(
                x.getManager(), x.getDataType(), "way", x.getShape().getShape());
        double slope = x.getGradient().mul(direction).sum().getDouble();
        x.setRequiresGradient(false);

        double scale = Math.abs(slope) + 1e-3;
        double coarse = (difference(x, direction, 1e-2, function) - slope) / scale;
        double fine = (difference(x, direction, 5e-3, function) - slope) / scale;
        if (Math.abs(coarse) > EXACT) {
            assertThat(coarse / fine).isBetween(3.0, 5.0);
        }
        assertThat(difference(x, direction, 1e-4, function)).isCloseTo(slope, within(1e-6 * scale));
    }

    private static double difference(
            NDArray x, NDArray direction, double h, Supplier<NDArray> function) {
        NDArray start = x.duplicate();
        start.add(direction.mul(h)).copyTo(x);
        double up = function.get().getDouble();
        start.sub(direction.mul(h)).copyTo(x);
        double down = function.get().getDouble();
        start.copyTo(x);
        return (up - down) / (2 * h);
    }
}
