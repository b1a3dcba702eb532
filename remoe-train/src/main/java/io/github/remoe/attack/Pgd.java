package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * Projected gradient descent (Madry et al. 2018): {@code steps} steps of {@code stepSize} in the
 * direction of steepest ascent of the loss (the gradient's sign in l-infinity, the normalised gradient
 * in l2), each followed by a projection onto the ball around the image and onto the pixel range.
 *
 * <p>An image keeps the latest point on the way that is misclassified, so neither more steps nor more
 * restarts can lose one, and restarts pass over an image that is won. Where there is no such point, it
 * gets the last point of the restart with the highest loss.
 *
 * <pre>{@code
 * Attack pgd20 = Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(20).build();
 * NDArray adversarial = pgd20.perturb(model, images, labels, seed);
 * }</pre>
 *
 * <p>The attack that tables call C&amp;W-20 is PGD-20 on the margin loss of Carlini and Wagner (2017):
 *
 * <pre>{@code
 * Attack cw20 = Pgd.builder(ThreatModel.linf(8 / 255f))
 *         .optLoss(LogitLoss.MARGIN)
 *         .optSteps(20)
 *         .build();
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps, at least 1
 * @param randomStart whether a run starts from a random point of the ball, not from the image
 * @param restarts the number of runs, each from a start of its own
 * @param lastPoint whether to return the last point whatever the model makes of it
 * @param earlyStop whether an image is left alone once the attack has won it
 */
public record Pgd(
        ThreatModel threatModel,
        AttackLoss loss,
        TargetClass target,
        float stepSize,
        int steps,
        boolean randomStart,
        int restarts,
        boolean lastPoint,
        boolean earlyStop)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range, or they do not fit together
     */
    public Pgd {
        GradientAscent.check(loss, target, stepSize, steps);
        if (!randomStart) {
            GradientAscent.checkStartAtImage(loss);
        }
        if (restarts < 1) {
            throw new IllegalArgumentException(
                    String.format("PGD takes at least 1 run, got %d restarts.", restarts));
        }
        if (restarts > 1 && !randomStart) {
            throw new IllegalArgumentException(
                    "Restarts without a random start would all be the same run.");
        }
        if (restarts > 1 && lastPoint) {
            throw new IllegalArgumentException("The last point of several runs is not one point:"
                    + " choose restarts or the last point.");
        }
        if (earlyStop && lastPoint) {
            throw new IllegalArgumentException("A run that stops early has no last point:"
                    + " choose the early stop or the last point.");
        }
    }

    /**
     * Creates a builder: untargeted PGD-10 on cross-entropy with a random start, and steps of a
     * quarter of epsilon (2/255 for 8/255).
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
        GradientAscent ascent = new GradientAscent(
                threatModel,
                loss,
                target,
                stepSize,
                steps,
                restarts,
                randomStart ? this::inBall : GradientAscent.Start.AT_IMAGE,
                0,
                earlyStop);
        return lastPoint
                ? ascent.lastPoint(model, images, labels, seeds)
                : ascent.perturb(model, images, labels, seeds);
    }

    /**
     * Returns the same attack, but with the early stop of {@link Builder#optEarlyStop}.
     *
     * @return a new attack
     * @throws IllegalArgumentException if this one returns the last point
     */
    public Pgd withEarlyStop() {
        return new Pgd(
                threatModel, loss, target, stepSize, steps, randomStart, restarts, lastPoint, true);
    }

    private NDArray inBall(NDArray images, long[] seeds, int restart) {
        return Noise.inBall(threatModel, images, seeds, restart);
    }

    /** The Builder to construct a {@link Pgd}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private TargetClass target;
        private float stepSize;
        private int steps = 10;
        private boolean randomStart = true;
        private int restarts = 1;
        private boolean lastPoint;
        private boolean earlyStop;

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
         * Sets whether a run starts from a random point of the ball; default true.
         *
         * @param randomStart false to start from the image itself
         * @return this builder
         */
        public Builder optRandomStart(boolean randomStart) {
            this.randomStart = randomStart;
            return this;
        }

        /**
         * Sets the number of runs, each from a start of its own; default 1.
         *
         * @param restarts at least 1; more than 1 needs a random start
         * @return this builder
         */
        public Builder optRestarts(int restarts) {
            this.restarts = restarts;
            return this;
        }

        /**
         * Sets whether the last point is returned whatever the model makes of it, as adversarial
         * training wants it; saves two forward passes, and with cross-entropy takes soft labels
         * (B,K) too. Default false.
         *
         * @param lastPoint true for the last point
         * @return this builder
         */
        public Builder optLastPoint(boolean lastPoint) {
            this.lastPoint = lastPoint;
            return this;
        }

        /**
         * Sets whether an image is left alone from the first point on at which the attack has won:
         * whether it can be broken comes out the same, sooner, but where it has been broken may be
         * closer to the boundary. Default false: the latest such point is returned.
         *
         * @param earlyStop true to find out no more than whether an image breaks
         * @return this builder
         */
        public Builder optEarlyStop(boolean earlyStop) {
            this.earlyStop = earlyStop;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Pgd build() {
            return new Pgd(
                    threatModel,
                    loss,
                    target,
                    stepSize,
                    steps,
                    randomStart,
                    restarts,
                    lastPoint,
                    earlyStop);
        }
    }
}
