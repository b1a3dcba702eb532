package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import java.util.Arrays;

/**
 * DeepFool (Moosavi-Dezfooli et al. 2016), which looks for a misclassified image near the clean one,
 * whatever epsilon is: each step takes the network as linear around the point where it is, and goes
 * onto the closest of the boundaries to other classes, {@code overshoot} of the way from the clean
 * image beyond it. An image is done at its first misclassified point.
 *
 * <p>A step goes along the boundary's gradient in l2 and along its sign in l-infinity, and 1e-4 of
 * the pixel range further than the boundary, as the authors' code does; the pixel range is kept by
 * clipping.
 *
 * <p>Each step takes a gradient for each of the candidates but the true class, and a prediction, of
 * the images that are not done.
 *
 * <p>{@link #perturb} returns the adversarial images within epsilon, and the clean image where there
 * is none; {@link #nearest} returns them however far away they are. Nothing is random.
 *
 * <pre>{@code
 * NDArray adversarial = DeepFool.builder(ThreatModel.l2(0.5f)).build()
 *         .perturb(model, images, labels, seed);
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param steps the largest number of steps, at least 1
 * @param overshoot how far to go beyond the boundary, 0 or more: 0.02 is 2 % of the whole way
 * @param candidates how many classes are looked at, those with the highest logits for the clean
 *     image; at least 2, for the true class is one of them
 */
public record DeepFool(ThreatModel threatModel, int steps, float overshoot, int candidates)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public DeepFool {
        if (steps < 1) {
            throw new IllegalArgumentException(
                    String.format("DeepFool needs at least 1 step, got %d.", steps));
        }
        if (!(overshoot >= 0 && Float.isFinite(overshoot))) {
            throw new IllegalArgumentException(String.format(
                    "overshoot is a finite part of the way, 0 or more, got %s. The paper's is"
                            + " 0.02.",
                    overshoot));
        }
        if (candidates < 2) {
            throw new IllegalArgumentException(String.format(
                    "DeepFool needs at least 2 candidates, the true class and another, got %d.",
                    candidates));
        }
    }

    /**
     * Creates a builder: at most 50 steps, 10 candidates, an overshoot of 2 %.
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
        threatModel.check(images, labels, seeds);
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray found = search(model, images, labels.toType(DataType.INT64, false));
            NDArray within = threatModel.distance(found, images).lte(threatModel.epsilon());
            result = Rows.where(within, found, images);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    /**
     * Returns the misclassified images that the attack finds, whether they lie within epsilon or
     * not.
     *
     * <p>{@link ThreatModel#distance} tells how far they are.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w) in the threat model's pixel range
     * @param labels true classes (B)
     * @return the misclassified images (B,C,h,w), attached to the manager of {@code images}: the
     *     image itself if it is misclassified already, or if the steps did not suffice
     * @throws IllegalArgumentException as {@link #perturb(TargetModel, NDArray, NDArray, long[])}
     * @throws ArithmeticException if the model gives logits or gradients that are not finite
     */
    public NDArray nearest(TargetModel model, NDArray images, NDArray labels) {
        threatModel.check(
                images, labels, new long[Math.toIntExact(images.getShape().get(0))]);
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            result = search(model, images, labels.toType(DataType.INT64, false));
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private NDArray search(TargetModel model, NDArray images, NDArray labels) {
        NDArray logits = model.predict(images).head();
        NDArray others = Hyperplane.otherClasses(logits, labels);
        long classes = Math.min(candidates - 1, others.getShape().get(1));
        NDArray likely = others.get(":, :{}", classes);
        int[] left = Rows.of(logits.argMax(1).eq(labels));
        NDList state = new NDList(images.duplicate(), images.zerosLike());
        for (int step = 0; step < steps && left.length > 0; step++) {
            NDList next;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray start = Rows.select(images, left);
                NDArray truth = Rows.select(labels, left);
                Hyperplane boundary = Hyperplane.closest(
                        model,
                        threatModel.norm(),
                        Rows.select(state.get(0), left),
                        truth,
                        Rows.select(likely, left));
                NDArray way = Rows.select(state.get(1), left).add(onto(boundary));
                NDArray points = threatModel.clip(start.add(way.mul(1 + overshoot)));
                next = new NDList(
                        Rows.replace(state.get(0), left, points),
                        Rows.replace(state.get(1), left, way));
                left = stillCorrect(model, points, truth, left);
                NDScope.unregister(next);
            }
            next.forEach(NDScope::register);
            state.close();
            state = next;
        }
        NDArray wrong = model.predict(state.get(0)).head().argMax(1).neq(labels);
        return Rows.where(wrong, state.get(0), images);
    }

    /** Returns the steps onto the boundaries and slightly further (B,C,h,w). */
    private NDArray onto(Hyperplane boundary) {
        Norm norm = threatModel.norm();
        float further = 1e-4f * (threatModel.pixelMax() - threatModel.pixelMin());
        NDArray distances = boundary.distances(norm).add(further).reshape(-1, 1, 1, 1);
        return threatModel.steepestAscent(boundary.normals()).mul(distances);
    }

    private static int[] stillCorrect(
            TargetModel model, NDArray points, NDArray labels, int[] rows) {
        NDArray predicted = model.predict(points).head().argMax(1);
        return Arrays.stream(Rows.of(predicted.eq(labels)))
                .map(row -> rows[row])
                .toArray();
    }

    /** The Builder to construct a {@link DeepFool}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private int steps = 50;
        private float overshoot = 0.02f;
        private int candidates = 10;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
        }

        /**
         * Sets the largest number of steps; default 50.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets how far to go beyond the boundary; default 0.02.
         *
         * @param overshoot the part of the whole way that is added, 0 or more
         * @return this builder
         */
        public Builder optOvershoot(float overshoot) {
            this.overshoot = overshoot;
            return this;
        }

        /**
         * Sets how many of the classes with the highest logits are looked at, the true class among
         * them; default 10. Of a model that has no more than these, all are.
         *
         * @param candidates at least 2
         * @return this builder
         */
        public Builder optCandidates(int candidates) {
            this.candidates = candidates;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public DeepFool build() {
            return new DeepFool(threatModel, steps, overshoot, candidates);
        }
    }
}
