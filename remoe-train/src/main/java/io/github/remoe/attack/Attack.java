package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/** Perturbs images so that a model misclassifies them. */
@FunctionalInterface
public interface Attack {

    /**
     * Returns adversarial images for a batch.
     *
     * @param model the model under attack
     * @param images clean images (B,3,h,w) in [0,1]; they are left as they are
     * @param labels true classes (B)
     * @param seeds one seed an image, for the attack's random choices
     * @return adversarial images (B,3,h,w) in [0,1], attached to the manager of {@code images}
     */
    NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds);
}
