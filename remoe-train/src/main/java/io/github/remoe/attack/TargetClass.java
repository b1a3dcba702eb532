package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * Which class a targeted attack tries to reach: an {@link OtherClass}, a {@link FixedClass} or one of
 * your own.
 *
 * <p>Like an attack, it is immutable and tells its settings in {@code toString}.
 */
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
