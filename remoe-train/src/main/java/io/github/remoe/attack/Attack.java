package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

import io.github.remoe.data.Seeds;

import java.util.stream.LongStream;

/**
 * Perturbs images so that a model misclassifies them.
 *
 * <p>Every attack is made with a {@link ThreatModel} and is immutable; its {@code toString} tells all
 * its settings, because an evaluation that goes on later compares them.
 */
@FunctionalInterface
public interface Attack {

    /**
     * Returns adversarial images for a batch.
     *
     * <p>They lie in the threat model's ball, up to {@link ThreatModel#TOLERANCE}, and in its pixel
     * range. An image that is misclassified already stays misclassified. What happens to an image
     * depends on its pixels, its label and its seed, not on the rest of the batch.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w) in the threat model's pixel range; they are left as they
     *     are
     * @param labels true classes (B)
     * @param seeds one seed an image, for the attack's random choices
     * @return adversarial images (B,C,h,w), attached to the manager of {@code images}
     * @throws IllegalArgumentException if shapes do not fit, a pixel value is NaN or out of range, or
     *     a label is no class of the model
     * @throws ArithmeticException if the model gives logits or gradients that are not finite
     */
    NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds);

    /**
     * Returns adversarial images for a batch, with seeds made from one.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w)
     * @param labels true classes (B)
     * @param seed what the attack's random choices come from; row i has a seed of its own
     * @return adversarial images (B,C,h,w), attached to the manager of {@code images}
     */
    default NDArray perturb(TargetModel model, NDArray images, NDArray labels, long seed) {
        long[] seeds = LongStream.range(0, images.getShape().get(0))
                .map(row -> Seeds.of("attack", seed, row))
                .toArray();
        return perturb(model, images, labels, seeds);
    }
}
