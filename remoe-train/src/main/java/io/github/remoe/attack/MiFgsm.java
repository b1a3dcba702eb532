package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * MI-FGSM, the momentum iterative fast gradient sign method (Dong et al. 2018): each step adds the
 * loss's gradient, divided by the mean of its absolute values, to {@code decay} times the sum so far,
 * and goes {@code stepSize} along the sum's sign (in l2 along the sum), from the image itself. Each
 * point is projected onto the ball around the image and onto the pixel range.
 *
 * <p>The paper divides by the l1 norm, not by the mean: that scales the sum, whose scale does not
 * matter.
 *
 * <p>An image keeps the latest point on the way that is misclassified, so more steps of the same size
 * never lose one; where there is none, it gets the last point.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps, at least 1
 * @param decay the paper's mu, 0 or more; 0 is {@link Bim}
 */
public record MiFgsm(
        ThreatModel threatModel,
        AttackLoss loss,
        TargetClass target,
        float stepSize,
        int steps,
        float decay)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range, or they do not fit together
     */
    public MiFgsm {
        GradientAscent.check(loss, target, stepSize, steps);
        GradientAscent.checkStartAtImage(loss);
        if (!(decay >= 0 && Float.isFinite(decay))) {
            throw new IllegalArgumentException(
                    String.format("decay is finite and 0 or more, in the paper 1; got %s.", decay));
        }
    }

    /**
     * Creates a builder, with the defaults of the paper: 10 untargeted steps of a tenth of epsilon on
     * cross-entropy, decay 1.
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
                        stepSize,
                        steps,
                        1,
                        GradientAscent.Start.AT_IMAGE,
                        decay,
                        false)
                .perturb(model, images, labels, seeds);
    }

    /** The Builder to construct a {@link MiFgsm}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private TargetClass target;
        private Float stepSize;
        private int steps = 10;
        private float decay = 1;

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
         * Sets the length of a step; default epsilon / steps.
         *
         * @param stepSize in pixel values
         * @return this builder
         */
        public Builder optStepSize(float stepSize) {
            this.stepSize = stepSize;
            return this;
        }

        /**
         * Sets the number of steps; default 10.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets the share of the sum of gradients that a step keeps; default 1.
         *
         * @param decay 0 or more
         * @return this builder
         */
        public Builder optDecay(float decay) {
            this.decay = decay;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public MiFgsm build() {
            float length = stepSize == null ? threatModel.epsilon() / Math.max(steps, 1) : stepSize;
            return new MiFgsm(threatModel, loss, target, length, steps, decay);
        }
    }
}
