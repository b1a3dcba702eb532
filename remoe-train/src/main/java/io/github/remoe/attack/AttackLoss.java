package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import java.util.function.Function;

/**
 * What a gradient attack maximises.
 *
 * <p>{@link LogitLoss} holds the literature's losses. Like an attack, a loss is immutable and tells
 * its settings in {@code toString}.
 */
@FunctionalInterface
public interface AttackLoss {

    /**
     * Prepares the loss for a batch: what it needs of the clean images is computed once, here.
     *
     * @param model the model under attack
     * @param images the clean images (B,C,h,w)
     * @param labels true classes (B)
     * @param targets the classes to reach (B), or null for any but the true one
     * @return the model's outputs for perturbed images to one loss an image (B)
     */
    Function<NDList, NDArray> prepare(
            TargetModel model, NDArray images, NDArray labels, NDArray targets);
}
