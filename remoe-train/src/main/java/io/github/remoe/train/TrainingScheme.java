package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.loss.TrainingLoss;

/**
 * How a training step is made: which images the network sees, and the loss over its outputs.
 *
 * <p>A step predicts each of {@link #inputs}' batches of images, in their order, and hands all the
 * outputs, one list after the other, to {@link #getLoss()}.
 */
public interface TrainingScheme {

    /**
     * Returns the images that the step predicts. Attacks on the present network happen here, before
     * the step's gradients are recorded.
     *
     * @param model the network in evaluation mode
     * @param images a batch of training images (B,3,h,w) in [0,1]
     * @param labels their classes (B), or soft labels (B,C)
     * @param seeds one seed an image, for random choices
     * @return one or more batches (B,3,h,w)
     */
    NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds);

    /**
     * Returns the loss over the outputs; the trainer must be configured with it. One that is a {@link
     * TrainingLoss} tells its parts to logs.
     *
     * @return the loss
     */
    Loss getLoss();

    /**
     * Returns whether a step predicts the clean images; then they come first.
     *
     * @return true unless overridden
     */
    default boolean predictsClean() {
        return true;
    }

    /**
     * Returns whether a step predicts adversarial images; then they come last.
     *
     * @return true unless overridden
     */
    default boolean predictsAdversarial() {
        return true;
    }
}
