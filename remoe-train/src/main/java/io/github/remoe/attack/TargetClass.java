package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/** Which class a targeted attack tries to reach. */
@FunctionalInterface
public interface TargetClass {

    /**
     * Chooses a class for each image.
     *
     * @param logits the model's logits for the clean images (B,K)
     * @param labels true classes (B)
     * @param seeds one seed an image
     * @return int64 classes (B), none of them the true one
     */
    NDArray choose(NDArray logits, NDArray labels, long[] seeds);
}
