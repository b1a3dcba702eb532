package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * The fast gradient sign method (Goodfellow et al. 2015): one step of length epsilon along the sign
 * of the cross-entropy's gradient, {@code x + epsilon sign(grad)}, clipped to the pixel range. In l2,
 * the step goes along the gradient itself (the fast gradient method).
 *
 * @param threatModel what the attack may do to an image
 */
public record Fgsm(ThreatModel threatModel) implements Attack {

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return Pgd.builder(threatModel)
                .optStepSize(threatModel.epsilon())
                .optSteps(1)
                .optRandomStart(false)
                .build()
                .perturb(model, images, labels, seeds);
    }
}
