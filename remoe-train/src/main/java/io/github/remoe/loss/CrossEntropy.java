package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/** Softmax cross-entropy of each image, which DJL's own loss averages away. */
public final class CrossEntropy {

    private CrossEntropy() {}

    /**
     * Returns -log softmax(logits)[label] of each image; for soft labels, the mean of that over the
     * classes, weighted with the labels.
     *
     * @param logits (B,C)
     * @param labels class indices (B), 0 to C - 1, or soft labels (B,C)
     * @return the losses (B)
     * @throws IllegalArgumentException if the shapes do not fit or a label is out of range
     */
    public static NDArray perImage(NDArray logits, NDArray labels) {
        return pick(logits.logSoftmax(-1), labels).neg();
    }

    /**
     * Returns the value at each image's label; for soft labels, the mean of the values, weighted with
     * the labels.
     *
     * @param values one number an image and class (B,C)
     * @param labels class indices (B), or soft labels (B,C)
     * @return (B)
     */
    static NDArray pick(NDArray values, NDArray labels) {
        if (values.getShape().dimension() == 2 && labels.getShape().equals(values.getShape())) {
            NDArray shares = labels.toType(values.getDataType(), false);
            return values.mul(shares).sum(new int[] {1});
        }
        return values.gather(classes(values, labels).expandDims(1), 1).squeeze(1);
    }

    /**
     * Returns labels as indices into logits, checked: PyTorch would read past the logits or abort a
     * CUDA device.
     *
     * @param logits (B,C)
     * @param labels class indices (B), of any type
     * @return the labels as int64 (B)
     * @throws IllegalArgumentException if the shapes do not fit or a label is out of range
     */
    public static NDArray classes(NDArray logits, NDArray labels) {
        Shape shape = logits.getShape();
        if (shape.dimension() != 2 || !labels.getShape().equals(new Shape(shape.get(0)))) {
            throw new IllegalArgumentException(String.format(
                    "Cross-entropy takes logits (B, C) and labels (B), got %s and %s. Soft labels"
                            + " (B, C) are for training alone.",
                    shape, labels.getShape()));
        }
        return checked(labels, shape.get(1));
    }

    /** Returns labels (B) as int64, all of them from 0 to classes - 1. */
    static NDArray checked(NDArray labels, long classes) {
        NDArray indices = labels.toType(DataType.INT64, false);
        for (long index : indices.toLongArray()) {
            if (index < 0 || index >= classes) {
                throw new IllegalArgumentException(String.format(
                        "Label %d is out of range: the network has classes 0 to %d. Build it with"
                                + " as many classes as the data has.",
                        index, classes - 1));
            }
        }
        return indices;
    }
}
