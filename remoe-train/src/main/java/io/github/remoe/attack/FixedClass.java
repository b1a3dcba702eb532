package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

import io.github.remoe.loss.CrossEntropy;

import java.util.Arrays;

/**
 * The same target for every image.
 *
 * @param index the class, from 0
 */
public record FixedClass(int index) implements TargetClass {

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the class is the true one of an image, or none of the model
     */
    @Override
    public NDArray choose(NDArray logits, NDArray labels, long[] seeds) {
        long classes = logits.getShape().get(1);
        if (index < 0 || index >= classes) {
            throw new IllegalArgumentException(String.format(
                    "The target class %d is out of range: the model has classes 0 to %d.",
                    index, classes - 1));
        }
        long[] truth = CrossEntropy.classes(logits, labels).toLongArray();
        for (int i = 0; i < truth.length; i++) {
            if (truth[i] == index) {
                throw new IllegalArgumentException(String.format(
                        "The target class %d is the true class of image %d of the batch. Leave out"
                                + " the images of that class, or choose an OtherClass.",
                        index, i));
            }
        }
        long[] targets = new long[truth.length];
        Arrays.fill(targets, index);
        return logits.getManager().create(targets);
    }
}
