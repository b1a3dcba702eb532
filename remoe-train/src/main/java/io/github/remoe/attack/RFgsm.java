package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * R+FGSM (Tramer et al. 2018): a step of {@code randomStep} along random signs (in l2 in a random
 * direction), which leaves the place where a defence may have flattened the loss, then {@code steps}
 * steps of {@code stepSize} along the sign of the loss's gradient (in l2 along the gradient). Each
 * point is projected onto the ball around the image and onto the pixel range.
 *
 * <p>The paper takes one step, {@code x' + (epsilon - randomStep) sign(grad)}. torchattacks' RFGSM
 * takes several as long as the random one:
 *
 * <pre>{@code
 * Attack torchattacks = RFgsm.builder(ThreatModel.linf(8 / 255f))
 *         .optRandomStep(2 / 255f)
 *         .optStepSize(2 / 255f)
 *         .optSteps(10)
 *         .build();
 * }</pre>
 *
 * <p>An image keeps the latest point on the way that is misclassified; where there is none, it gets
 * the last point.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 * @param randomStep the length of the random step, in pixel values; the paper's alpha, 0 to epsilon
 * @param stepSize the length of a step along the gradient, in pixel values
 * @param steps the number of steps along the gradient, at least 1
 */
public record RFgsm(
        ThreatModel threatModel,
        AttackLoss loss,
        TargetClass target,
        float randomStep,
        float stepSize,
        int steps)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range, or they do not fit together
     */
    public RFgsm {
        if (!(randomStep >= 0 && randomStep <= threatModel.epsilon())) {
            throw new IllegalArgumentException(String.format(
                    "randomStep is in pixel values, from 0 to epsilon, which is %s; got %s.",
                    threatModel.epsilon(), randomStep));
        }
        GradientAscent.check(loss, target, stepSize, steps);
        if (randomStep == 0) {
            GradientAscent.checkStartAtImage(loss);
        }
    }

    /**
     * Creates a builder, with the defaults of the paper: untargeted on cross-entropy, half of epsilon
     * at random and the rest in one step along the gradient.
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
                        this::randomlyStepped,
                        0,
                        false)
                .perturb(model, images, labels, seeds);
    }

    private NDArray randomlyStepped(NDArray images, long[] seeds, int restart) {
        NDArray direction = threatModel.steepestAscent(Noise.gaussian(images, seeds, restart));
        return threatModel.clip(direction.muli(randomStep).addi(images));
    }

    /** The Builder to construct an {@link RFgsm}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private TargetClass target;
        private float randomStep;
        private Float stepSize;
        private int steps = 1;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
            randomStep = threatModel.epsilon() / 2;
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
         * Sets the length of the random step; default epsilon / 2.
         *
         * @param randomStep in pixel values, 0 to epsilon
         * @return this builder
         */
        public Builder optRandomStep(float randomStep) {
            this.randomStep = randomStep;
            return this;
        }

        /**
         * Sets the length of a step along the gradient; default epsilon less the random step.
         *
         * @param stepSize in pixel values
         * @return this builder
         */
        public Builder optStepSize(float stepSize) {
            this.stepSize = stepSize;
            return this;
        }

        /**
         * Sets the number of steps along the gradient; default 1.
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
        public RFgsm build() {
            float length = stepSize == null ? threatModel.epsilon() - randomStep : stepSize;
            return new RFgsm(threatModel, loss, target, randomStep, length, steps);
        }
    }
}
