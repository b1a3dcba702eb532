package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * The fast gradient sign method (Goodfellow et al. 2015): one step of length epsilon along the sign
 * of the loss's gradient, {@code x + epsilon sign(grad)}, clipped to the pixel range. In l2 the step
 * goes along the gradient itself, the fast gradient method.
 *
 * <p>An image that is misclassified already, but not at the step's end, stays as it is.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 */
public record Fgsm(ThreatModel threatModel, AttackLoss loss, TargetClass target) implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if the loss has no gradient at the image itself
     */
    public Fgsm {
        GradientAscent.check(loss, target, threatModel.epsilon(), 1);
        GradientAscent.checkStartAtImage(loss);
    }

    /**
     * Creates the attack of the paper: untargeted, on cross-entropy.
     *
     * @param threatModel what the attack may do to an image
     */
    public Fgsm(ThreatModel threatModel) {
        this(threatModel, LogitLoss.CROSS_ENTROPY, null);
    }

    /**
     * Creates a builder: untargeted FGSM on cross-entropy.
     *
     * @param threatModel what the attack may do to an image
     * @return a new builder
     */
    public static Builder builder(ThreatModel threatModel) {
        return new Builder(threatModel);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return new GradientAscent(
                        threatModel,
                        loss,
                        target,
                        threatModel.epsilon(),
                        1,
                        1,
                        GradientAscent.Start.AT_IMAGE,
                        0,
                        false)
                .perturb(model, images, labels, seeds);
    }

    /** The Builder to construct an {@link Fgsm}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private TargetClass target;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
        }

        /**
         * Sets what the attack maximises; default cross-entropy.
         *
         * @param loss the loss
         * @return this builder
         */
        public Builder optLoss(AttackLoss loss) {
            this.loss = loss;
            return this;
        }

        /**
         * Has the attack try to reach a class; default is any class but the true one.
         *
         * @param target the choice of the class
         * @return this builder
         */
        public Builder optTarget(TargetClass target) {
            this.target = target;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if the loss has no gradient at the image itself
         */
        public Fgsm build() {
            return new Fgsm(threatModel, loss, target);
        }
    }
}
