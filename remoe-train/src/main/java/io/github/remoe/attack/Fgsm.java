package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;

import io.github.remoe.loss.CrossEntropy;

/**
 * The fast gradient sign method (Goodfellow et al. 2015): one step of length epsilon along the sign
 * of the cross-entropy's gradient, {@code x + epsilon sign(grad)}, clipped to [0,1].
 *
 * @param epsilon the l-infinity radius, in pixel values of [0,1]
 */
public record Fgsm(float epsilon) implements Attack {

    /**
     * Checks the radius.
     *
     * @throws IllegalArgumentException if epsilon is not 0 to 1
     */
    public Fgsm {
        Pgd.requireUnitRange("epsilon", epsilon);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray gradient = model.gradient(
                            images, out -> CrossEntropy.perImage(out.head(), labels))
                    .gradient();
            adversarial = gradient.sign().muli(epsilon).addi(images).clip(0, 1);
            NDScope.unregister(adversarial);
        }
        NDScope.register(adversarial);
        return adversarial;
    }
}
