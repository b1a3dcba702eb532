package io.github.remoe.autograd;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

/**
 * Constants to multiply or divide by where gradients flow.
 *
 * <p>An array that DJL's PyTorch engine creates from Java values borrows their memory, and only until
 * the array is closed; {@code mul(Number)} and {@code div(Number)} close theirs at once. PyTorch keeps
 * such a factor for the backward pass, and would read memory that Java may have freed by then. The
 * arrays made here own their memory. ({@code add(Number)} and {@code sub(Number)} are safe: their
 * backward pass needs no operand.)
 */
public final class Constants {

    private Constants() {}

    /**
     * Makes a factor for an array.
     *
     * @param array the array that will be multiplied or divided
     * @param value the factor
     * @return a scalar of the same data type on the same device
     */
    public static NDArray scalar(NDArray array, double value) {
        return array.getManager().full(new Shape(), (float) value, array.getDataType());
    }

    /**
     * Makes an array from values.
     *
     * @param manager the manager of the array
     * @param values the values
     * @param shape the shape
     * @return an array of float32
     */
    public static NDArray of(NDManager manager, float[] values, Shape shape) {
        try (NDArray borrowed = manager.create(values, shape)) {
            return borrowed.duplicate();
        }
    }
}
