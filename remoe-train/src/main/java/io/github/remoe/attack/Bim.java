package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * The basic iterative method (Kurakin et al. 2017), also iterative FGSM: {@code steps} steps of
 * {@code stepSize} along the sign of the loss's gradient (in l2 along the gradient), from the image
 * itself, each projected onto the ball around the image and onto the pixel range. {@link Pgd} is the
 * same from a random start.
 *
 * <p>An image keeps the latest point on the way that is misclassified, so more steps never lose one;
 * where there is none, it gets the last point.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps, at least 1
 */
public record Bim(
        ThreatModel threatModel, AttackLoss loss, TargetClass target, float stepSize, int steps)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range, or they do not fit together
     */
    public Bim {
        GradientAscent.check(loss, target, stepSize, steps);
        GradientAscent.checkStartAtImage(loss);
    }

    /**
     * Creates a builder: 10 untargeted steps of a quarter of epsilon (2/255 for 8/255) on
     * cross-entropy.
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
                        0,
                        false)
                .perturb(model, images, labels, seeds);
    }

    /** The Builder to construct a {@link Bim}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private TargetClass target;
        private float stepSize;
        private int steps = 10;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
            stepSize = threatModel.epsilon() / 4;
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
         * Sets the length of a step; default epsilon / 4.
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
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Bim build() {
            return new Bim(threatModel, loss, target, stepSize, steps);
        }
    }
}
