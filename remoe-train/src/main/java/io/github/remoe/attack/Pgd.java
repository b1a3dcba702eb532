package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.loss.CrossEntropy;

import java.util.function.Function;

/**
 * Projected gradient descent (Madry et al. 2018) in the l-infinity ball: {@code steps} steps of
 * {@code stepSize} along the sign of the cross-entropy's gradient, each followed by a projection onto
 * the ball of radius {@code epsilon} around the image and onto [0,1].
 *
 * <p>With several restarts, each image keeps the result that is misclassified, or else the one with
 * the highest loss.
 *
 * <pre>{@code
 * Attack pgd20 = Pgd.builder().optSteps(20).build();
 * NDArray adversarial = pgd20.perturb(model, images, labels, seeds);
 * }</pre>
 */
public final class Pgd implements Attack {

    private final float epsilon;
    private final float stepSize;
    private final int steps;
    private final boolean randomStart;
    private final int restarts;

    private Pgd(Builder builder) {
        epsilon = builder.epsilon;
        stepSize = builder.stepSize;
        steps = builder.steps;
        randomStart = builder.randomStart;
        restarts = builder.restarts;
    }

    /**
     * Creates a builder with the training attack's settings: PGD-10, epsilon 8/255, step 2/255,
     * random start.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        if (seeds.length != images.getShape().get(0)) {
            throw new IllegalArgumentException(String.format(
                    "PGD takes one seed an image, got %d seeds for images %s.",
                    seeds.length, images.getShape()));
        }
        NDArray best;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            best = run(model, images, labels, seeds, 0);
            if (restarts > 1) {
                NDArray bestScore = score(model, best, labels);
                for (int restart = 1; restart < restarts; restart++) {
                    NDArray adversarial = run(model, images, labels, seeds, restart);
                    NDArray score = score(model, adversarial, labels);
                    // DJL's where does not broadcast by itself.
                    NDArray better =
                            score.gt(bestScore).reshape(-1, 1, 1, 1).broadcast(images.getShape());
                    best = NDArrays.where(better, adversarial, best);
                    bestScore = NDArrays.maximum(score, bestScore);
                }
            }
            NDScope.unregister(best);
        }
        NDScope.register(best);
        return best;
    }

    private NDArray run(
            TargetModel model, NDArray images, NDArray labels, long[] seeds, int restart) {
        Function<NDList, NDArray> loss = out -> CrossEntropy.perImage(out.head(), labels);
        NDArray adversarial = randomStart
                ? RandomStart.uniform(images, epsilon, seeds, restart).clip(0, 1)
                : images.duplicate();
        for (int step = 0; step < steps; step++) {
            NDArray next;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray gradient = model.gradient(adversarial, loss).gradient();
                NDArray moved = gradient.sign().muli(stepSize).addi(adversarial);
                next = moved.subi(images).clip(-epsilon, epsilon).addi(images).clip(0, 1);
                NDScope.unregister(next);
            }
            NDScope.register(next);
            adversarial.close();
            adversarial = next;
        }
        return adversarial;
    }

    /** The loss, raised above every loss of a correctly classified image where misclassified. */
    private static NDArray score(TargetModel model, NDArray adversarial, NDArray labels) {
        NDArray logits = model.predict(adversarial).head();
        NDArray wrong = logits.argMax(1).neq(labels.toType(DataType.INT64, false));
        // In float64 the raised losses keep their digits, and with them their order.
        return wrong.toType(DataType.FLOAT64, false)
                .mul(1e6)
                .add(CrossEntropy.perImage(logits, labels));
    }

    static void requireUnitRange(String name, float value) {
        if (!(value >= 0 && value <= 1)) {
            throw new IllegalArgumentException(String.format(
                    "%s is in pixel values of [0,1], so it must be 0 to 1, got %s. For 8 of"
                            + " 255 levels write 8/255f.",
                    name, value));
        }
    }

    /** The Builder to construct a {@link Pgd}. */
    public static final class Builder {

        private float epsilon = 8 / 255f;
        private float stepSize = 2 / 255f;
        private int steps = 10;
        private boolean randomStart = true;
        private int restarts = 1;

        private Builder() {}

        /**
         * Sets the l-infinity radius; default 8/255.
         *
         * @param epsilon in pixel values of [0,1]
         * @return this builder
         */
        public Builder optEpsilon(float epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /**
         * Sets the length of a step; default 2/255.
         *
         * @param stepSize in pixel values of [0,1]
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
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Pgd build() {
            requireUnitRange("epsilon", epsilon);
            requireUnitRange("stepSize", stepSize);
            if (steps < 1 || restarts < 1) {
                throw new IllegalArgumentException(String.format(
                        "PGD needs at least 1 step and 1 run, got %d steps and %d runs.",
                        steps, restarts));
            }
            if (restarts > 1 && !randomStart) {
                throw new IllegalArgumentException(
                        "Restarts without a random start would all be the same run.");
            }
            return new Pgd(this);
        }
    }
}
