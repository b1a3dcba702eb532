package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;

/** Labels that share an image out among classes. */
public final class SoftLabels {

    private SoftLabels() {}

    /**
     * Smooths labels (Szegedy et al. 2016) as PyTorch and timm do: 1 - s + s / C for the true class
     * and s / C for each other, of C classes.
     *
     * @param labels class indices (B), of any type
     * @param classes C
     * @param smoothing s, 0 to 1; 0 gives one-hot labels
     * @return float32 (B,C)
     * @throws IllegalArgumentException if smoothing or a label is out of range
     */
    public static NDArray smoothed(NDArray labels, int classes, float smoothing) {
        checkSmoothing(smoothing);
        return CrossEntropy.checked(labels, classes)
                .oneHot(classes, DataType.FLOAT32)
                .muli(1 - smoothing)
                .addi((double) smoothing / classes);
    }

    /**
     * Checks the strength of label smoothing.
     *
     * @param smoothing s
     * @throws IllegalArgumentException if it is not 0 to 1
     */
    public static void checkSmoothing(float smoothing) {
        if (!(smoothing >= 0 && smoothing <= 1)) {
            throw new IllegalArgumentException(
                    "Label smoothing must be 0 to 1, got " + smoothing + ".");
        }
    }
}
