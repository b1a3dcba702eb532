package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.loss.CrossEntropy;

import java.util.Arrays;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/**
 * The l2 attack of Carlini and Wagner (2017): finds an adversarial image as close to the image as it
 * can, by minimising {@code ||x' - x||^2 + c max(0, kappa - m(x'))} with Adam, where m is {@link
 * LogitLoss#MARGIN}, the margin by which the attack has won. {@code x' = a + b tanh(w)} keeps the
 * pixels in range. A search for each image finds the smallest c that wins: ten times as much until one
 * wins, then halving the interval.
 *
 * <p>{@link #nearest} returns the nearest adversarial images seen on the way; {@link #perturb} those
 * within epsilon, and the clean image where there is none. More steps of the search for c never lose an image; more steps of Adam may, since
 * the search then takes another way.
 *
 * <p>Behaves as foolbox's {@code L2CarliniWagnerAttack} for one image, but for its repeat of the
 * smallest winning c at the end of 10 or more binary search steps. The defaults are its and those
 * of the authors' code: up to 90000 gradients for a batch. Fewer steps (torchattacks takes 50) and
 * fewer constants, from a larger first one, give larger distances.
 *
 * <pre>{@code
 * Attack cw = CwL2.builder(ThreatModel.l2(0.5f)).optSteps(1000).build();
 * NDArray adversarial = cw.perturb(model, images, labels, seed);
 * }</pre>
 *
 * @param threatModel what the attack may do to an image, in l2
 * @param target the class that it tries to reach, or null for any but the true one
 * @param confidence kappa: the margin by which it has to win, in logits, 0 or more
 * @param initialConst the first c
 * @param binarySearchSteps how many c are tried, at least 1
 * @param steps the largest number of Adam's steps for one c, at least 1
 * @param stepSize Adam's step size, in w
 * @param abortEarly whether an image's steps end where a tenth of them has lowered the minimised sum
 *     by less than 0.01 %
 */
public record CwL2(
        ThreatModel threatModel,
        TargetClass target,
        float confidence,
        float initialConst,
        int binarySearchSteps,
        int steps,
        float stepSize,
        boolean abortEarly)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if the threat model is not l2 or a setting is out of range
     */
    public CwL2 {
        if (threatModel.norm() != Norm.L2) {
            throw new IllegalArgumentException(String.format(
                    "CwL2 minimises the l2 norm, but the threat model is in %s. What papers call"
                            + " C&W there (C&W-20) is PGD on the margin:"
                            + " Pgd.builder(threatModel).optLoss(LogitLoss.MARGIN).optSteps(20).",
                    threatModel.norm()));
        }
        if (!(confidence >= 0 && Float.isFinite(confidence))) {
            throw new IllegalArgumentException(String.format(
                    "confidence is a difference of logits, finite and 0 or more, got %s.",
                    confidence));
        }
        if (!(initialConst > 0 && Float.isFinite(initialConst))) {
            throw new IllegalArgumentException(
                    "initialConst must be finite and above 0, got " + initialConst + ".");
        }
        if (!(stepSize > 0 && Float.isFinite(stepSize))) {
            throw new IllegalArgumentException(
                    "stepSize must be finite and above 0, got " + stepSize + ".");
        }
        if (binarySearchSteps < 1 || steps < 1) {
            throw new IllegalArgumentException(String.format(
                    "CwL2 needs at least 1 constant and 1 step for it, got %d constants and %d"
                            + " steps.",
                    binarySearchSteps, steps));
        }
    }

    /**
     * Creates a builder: untargeted, kappa 0, 9 constants from 0.001, up to 10000 steps of 0.01.
     *
     * @param threatModel what the attack may do to an image, in l2
     * @return a new builder
     */
    public static Builder builder(ThreatModel threatModel) {
        return new Builder(threatModel);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray found = nearest(model, images, labels, seeds);
            NDArray within = threatModel.distance(found, images).lte(threatModel.epsilon());
            result = Rows.where(within, found, images);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    /**
     * Returns the adversarial images nearest to the clean ones that the attack finds, whether they
     * lie within epsilon or not.
     *
     * <p>{@link ThreatModel#distance} tells how far they are.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w) in the threat model's pixel range
     * @param labels true classes (B)
     * @param seeds one seed an image, for the choice of targets; the search has nothing random
     * @return the adversarial images (B,C,h,w), attached to the manager of {@code images}: the image
     *     itself if it is won already, or if no step won it
     * @throws IllegalArgumentException as {@link #perturb(TargetModel, NDArray, NDArray, long[])}
     * @throws ArithmeticException if the model gives logits or gradients that are not finite
     */
    public NDArray nearest(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.check(images, labels, seeds);
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            result = search(model, images, labels, seeds);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private NDArray search(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDList outputs = model.predict(images);
        NDArray truth = CrossEntropy.classes(outputs.head(), labels);
        NDArray targets = target == null ? null : target.choose(outputs.head(), truth, seeds);
        float[] margins =
                floats(LogitLoss.MARGIN.prepare(model, images, truth, targets).apply(outputs));
        int[] left = positions(margins.length, i -> margins[i] <= confidence);
        if (left.length == 0) {
            return images.duplicate();
        }
        // The steps change w in place, which autograd would record of images that it follows.
        NDArray clean = Rows.select(images, left).stopGradient();
        long[] classes = Rows.select(target == null ? truth : targets, left)
                .toType(DataType.INT64, false)
                .toLongArray();
        try (Nearest nearest = new Nearest(clean)) {
            double[] constants = new double[left.length];
            double[] lower = new double[left.length];
            double[] upper = new double[left.length];
            Arrays.fill(constants, initialConst);
            Arrays.fill(upper, Double.POSITIVE_INFINITY);
            for (int tried = 0; tried < binarySearchSteps; tried++) {
                boolean[] won;
                try (Descent descent = new Descent(clean, classes, constants, nearest)) {
                    won = descent.run(model);
                }
                for (int i = 0; i < won.length; i++) {
                    if (won[i]) {
                        upper[i] = constants[i];
                    } else {
                        lower[i] = constants[i];
                    }
                    constants[i] = Double.isInfinite(upper[i])
                            ? constants[i] * 10
                            : (lower[i] + upper[i]) / 2;
                }
            }
            return Rows.replace(images, left, nearest.points);
        }
    }

    /** Returns w for images: those at an end of the range are taken a little inside of it. */
    NDArray inTanhSpace(NDArray images) {
        NDArray tanh = images.sub(middle()).divi(halfRange()).muli(0.999999f);
        return tanh.add(1).divi(tanh.neg().addi(1)).log().muli(0.5f);
    }

    /** Returns the images of tanh(w). */
    NDArray image(NDArray tanh) {
        return threatModel.clip(tanh.mul(halfRange()).addi(middle()));
    }

    private float middle() {
        return (threatModel.pixelMin() + threatModel.pixelMax()) / 2;
    }

    private float halfRange() {
        return (threatModel.pixelMax() - threatModel.pixelMin()) / 2;
    }

    /**
     * Computes what is minimised, and its gradient by the chain rule.
     *
     * @param model the model under attack
     * @param w the points in the space of w (B,C,h,w)
     * @param start the images that distances are measured from (B,C,h,w)
     * @param classes the true classes (B); targeted, the target classes
     * @param constants c of each image
     * @return the objective there
     */
    Objective objective(
            TargetModel model, NDArray w, NDArray start, NDArray classes, double[] constants) {
        NDArray tanh = w.tanh();
        NDArray candidates = image(tanh);
        TargetModel.LossGradient at = model.gradient(
                candidates,
                LogitLoss.MARGIN.prepare(
                        model, candidates, classes, target == null ? null : classes));
        NDArray moved = candidates.sub(start);
        float[] distances = floats(Norm.L2.of(moved));
        float[] margins = floats(at.losses());
        double[] losses = new double[constants.length];
        float[] weights = new float[constants.length];
        for (int i = 0; i < constants.length; i++) {
            double missing = Math.max(0, confidence - margins[i]);
            losses[i] = (double) distances[i] * distances[i] + constants[i] * missing;
            weights[i] = missing > 0 ? (float) constants[i] : 0;
        }
        NDArray weight = w.getManager()
                .create(weights, new Shape(weights.length, 1, 1, 1))
                .toType(w.getDataType(), false);
        NDArray slope = tanh.square().neg().addi(1).muli(halfRange());
        NDArray gradient = moved.mul(2).subi(at.gradient().mul(weight)).muli(slope);
        return new Objective(candidates, distances, margins, losses, gradient);
    }

    /**
     * The objective at some points.
     *
     * @param candidates the images there (B,C,h,w)
     * @param distances their l2 distances
     * @param margins by how much the attack has won, in logits
     * @param losses what is minimised
     * @param gradient the losses' gradient with respect to w (B,C,h,w)
     */
    record Objective(
            NDArray candidates,
            float[] distances,
            float[] margins,
            double[] losses,
            NDArray gradient) {}

    private static int[] positions(int length, IntPredicate condition) {
        return IntStream.range(0, length).filter(condition).toArray();
    }

    private static float[] floats(NDArray array) {
        return array.toType(DataType.FLOAT32, false).toFloatArray();
    }

    /** The nearest adversarial images so far; the images themselves where there is none. */
    private static final class Nearest implements AutoCloseable {

        private final float[] distances;
        private NDArray points;

        Nearest(NDArray images) {
            distances = new float[Math.toIntExact(images.getShape().get(0))];
            Arrays.fill(distances, Float.POSITIVE_INFINITY);
            points = images.duplicate();
            NDScope.unregister(points);
        }

        void replace(int[] rows, NDArray replacements) {
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                points = replaced(points, Rows.replace(points, rows, replacements));
            }
        }

        @Override
        public void close() {
            points.close();
        }
    }

    /** Closes an array that outlived its scope, and has another outlive its own. */
    private static NDArray replaced(NDArray old, NDArray replacement) {
        NDScope.unregister(replacement);
        old.close();
        return replacement;
    }

    /** Adam's steps for one c an image. An image whose steps no longer help leaves. */
    private final class Descent implements AutoCloseable {

        private static final float BETA1 = 0.9f;
        private static final float BETA2 = 0.999f;

        private final long[] classes;
        private final double[] constants;
        private final Nearest nearest;
        private final boolean[] won;
        private final double[] checked;
        private int[] rows;
        private NDArray start;
        private NDArray w;
        private NDArray mean;
        private NDArray square;
        private NDArray points;

        Descent(NDArray images, long[] classes, double[] constants, Nearest nearest) {
            this.classes = classes;
            this.constants = constants;
            this.nearest = nearest;
            won = new boolean[classes.length];
            checked = new double[classes.length];
            Arrays.fill(checked, Double.POSITIVE_INFINITY);
            rows = positions(classes.length, i -> true);
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                w = inTanhSpace(images);
                start = image(w.tanh());
                mean = w.zerosLike();
                square = w.zerosLike();
                points = nearest.points.duplicate();
                NDScope.unregister(start, w, mean, square, points);
            }
        }

        /** Returns for which images the attack has won on the way. */
        boolean[] run(TargetModel model) {
            for (int step = 0; step < steps && rows.length > 0; step++) {
                try (NDScope scope = new NDScope()) {
                    scope.suppressNotUsedWarning();
                    double[] losses = step(model, step);
                    if (abortEarly && step % ((steps + 9) / 10) == 0) {
                        dropStalled(losses);
                    }
                }
            }
            if (rows.length > 0) {
                nearest.replace(rows, points);
            }
            return won;
        }

        private double[] step(TargetModel model, int step) {
            double[] c = Arrays.stream(rows).mapToDouble(row -> constants[row]).toArray();
            NDArray labels = w.getManager()
                    .create(Arrays.stream(rows).mapToLong(row -> classes[row]).toArray());
            Objective at = objective(model, w, start, labels, c);
            look(at);
            adam(at.gradient, step + 1);
            return at.losses;
        }

        private void look(Objective at) {
            boolean[] closer = new boolean[rows.length];
            boolean any = false;
            for (int i = 0; i < rows.length; i++) {
                if (at.margins[i] > confidence) {
                    won[rows[i]] = true;
                    if (at.distances[i] < nearest.distances[rows[i]]) {
                        nearest.distances[rows[i]] = at.distances[i];
                        closer[i] = true;
                        any = true;
                    }
                }
            }
            if (any) {
                NDArray mask = w.getManager().create(closer);
                points = replaced(points, Rows.where(mask, at.candidates, points));
            }
        }

        private void adam(NDArray gradient, int step) {
            mean.muli(BETA1).addi(gradient.mul(1 - BETA1));
            square.muli(BETA2).addi(gradient.square().muli(1 - BETA2));
            NDArray root = square.div((float) (1 - Math.pow(BETA2, step))).sqrt();
            NDArray unit = mean.div((float) (1 - Math.pow(BETA1, step))).divi(root.addi(1e-8f));
            w.subi(unit.muli(stepSize));
        }

        private void dropStalled(double[] losses) {
            int[] kept = positions(rows.length, i -> losses[i] <= 0.9999 * checked[rows[i]]);
            for (int i = 0; i < rows.length; i++) {
                checked[rows[i]] = losses[i];
            }
            if (kept.length == rows.length) {
                return;
            }
            nearest.replace(rows, points);
            rows = Arrays.stream(kept).map(i -> rows[i]).toArray();
            if (kept.length > 0) {
                start = replaced(start, Rows.select(start, kept));
                w = replaced(w, Rows.select(w, kept));
                mean = replaced(mean, Rows.select(mean, kept));
                square = replaced(square, Rows.select(square, kept));
                points = replaced(points, Rows.select(points, kept));
            }
        }

        @Override
        public void close() {
            new NDList(start, w, mean, square, points).close();
        }
    }

    /** The Builder to construct a {@link CwL2}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private TargetClass target;
        private float confidence;
        private float initialConst = 1e-3f;
        private int binarySearchSteps = 9;
        private int steps = 10000;
        private float stepSize = 0.01f;
        private boolean abortEarly = true;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
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
         * Sets the margin by which the attack has to win, kappa; default 0.
         *
         * @param confidence a difference of logits, 0 or more
         * @return this builder
         */
        public Builder optConfidence(float confidence) {
            this.confidence = confidence;
            return this;
        }

        /**
         * Sets the first c; default 0.001.
         *
         * @param initialConst above 0
         * @return this builder
         */
        public Builder optInitialConst(float initialConst) {
            this.initialConst = initialConst;
            return this;
        }

        /**
         * Sets how many c are tried for an image; default 9.
         *
         * @param binarySearchSteps at least 1, for the first c alone
         * @return this builder
         */
        public Builder optBinarySearchSteps(int binarySearchSteps) {
            this.binarySearchSteps = binarySearchSteps;
            return this;
        }

        /**
         * Sets the largest number of Adam's steps for one c; default 10000.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets Adam's step size; default 0.01.
         *
         * @param stepSize in w, above 0
         * @return this builder
         */
        public Builder optStepSize(float stepSize) {
            this.stepSize = stepSize;
            return this;
        }

        /**
         * Sets whether an image's steps for one c end early where they no longer help; default true.
         *
         * @param abortEarly false to take all steps
         * @return this builder
         */
        public Builder optAbortEarly(boolean abortEarly) {
            this.abortEarly = abortEarly;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public CwL2 build() {
            return new CwL2(
                    threatModel,
                    target,
                    confidence,
                    initialConst,
                    binarySearchSteps,
                    steps,
                    stepSize,
                    abortEarly);
        }
    }
}
