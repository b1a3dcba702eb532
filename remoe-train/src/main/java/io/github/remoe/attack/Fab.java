package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.data.Seeds;

import java.util.Arrays;
import java.util.function.Supplier;

/**
 * The fast adaptive boundary attack (Croce and Hein 2020, "Minimally distorted adversarial examples
 * with a fast adaptive boundary attack"), which looks for the misclassified image nearest to the
 * clean one, whatever epsilon is.
 *
 * <p>A step takes the network as linear around the point where it is. From there and from the clean
 * image it finds the shortest ways onto the decision boundary within the pixel range, goes both
 * {@code eta} times as far, and takes a mean of where they end that leans to the clean image the
 * closer the point is to the boundary. If that is misclassified, it may be the nearest yet, and
 * the next step starts from {@code beta} of the way to it.
 *
 * <p>Untargeted, a step goes for the closest of the boundaries to all other classes, at one gradient
 * for each of them. Targeted (FAB-T, as in AutoAttack), the attack runs once for each of the {@code
 * targetClasses} classes of highest logit, at one gradient a step; any misclassification counts.
 * Each step takes one further prediction.
 *
 * <p>{@link #perturb} spares an image further runs once one has found it an adversarial image within
 * epsilon, and returns the clean image where none has: neither more steps nor more restarts nor more
 * target classes can lose one. {@link #nearest} takes all runs for every image, and returns what is
 * nearest, however far away.
 *
 * <pre>{@code
 * Attack fab = Fab.builder(ThreatModel.linf(8 / 255f)).build();
 * NDArray adversarial = fab.perturb(model, images, labels, seed);
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param targeted whether there is one run for each of some classes
 * @param targetClasses how many classes those are at most, at least 1; means nothing untargeted
 * @param steps the number of steps of a run, at least 1
 * @param restarts how often all runs are made, at least 1: first from the image itself, then from
 *     random points that are half of epsilon away from it, or half as far as the nearest found
 * @param alphaMax the largest weight of the clean image's way in the mean, from 0 to 1
 * @param eta how far to go beyond the boundary, at least 1, where 1 ends on the linear boundary
 * @param beta the part of the way from the clean to the adversarial image that the next step starts
 *     from, above 0 and at most 1
 */
public record Fab(
        ThreatModel threatModel,
        boolean targeted,
        int targetClasses,
        int steps,
        int restarts,
        float alphaMax,
        float eta,
        float beta)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Fab {
        if (steps < 1 || restarts < 1 || targetClasses < 1) {
            throw new IllegalArgumentException(String.format(
                    "FAB needs at least 1 step, 1 restart (the run from the image itself) and 1"
                            + " target class, got %d steps, %d restarts and %d target classes.",
                    steps, restarts, targetClasses));
        }
        if (!(alphaMax >= 0 && alphaMax <= 1)) {
            throw new IllegalArgumentException(String.format(
                    "alphaMax is a weight from 0 to 1, got %s. The paper's is 0.1.", alphaMax));
        }
        if (!(eta >= 1 && Float.isFinite(eta))) {
            throw new IllegalArgumentException(String.format(
                    "eta is a finite factor of at least 1, got %s. The paper's is 1.05.", eta));
        }
        if (!(beta > 0 && beta <= 1)) {
            throw new IllegalArgumentException(String.format(
                    "beta is a factor above 0 and at most 1, got %s. The paper's is 0.9.", beta));
        }
    }

    /**
     * Creates a builder: FAB-T as in AutoAttack, with 9 target classes, 100 steps, and one run for
     * each class, from the image itself.
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
        return keep(() -> {
                    NDList found = search(model, images, labels, seeds, threatModel.epsilon());
                    NDArray within = found.get(1).lte(threatModel.epsilon());
                    return new NDList(Rows.where(within, found.head(), images));
                })
                .head();
    }

    /**
     * Returns the misclassified images nearest to the clean ones that all runs find, whether they
     * lie within epsilon or not.
     *
     * <p>{@link ThreatModel#distance} tells how far they are. Epsilon only says where random
     * restarts start.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w) in the threat model's pixel range
     * @param labels true classes (B)
     * @param seeds one seed an image, for the random restarts
     * @return the nearest images (B,C,h,w), attached to the manager of {@code images}: the image
     *     itself if it is misclassified already, or if no run found one
     * @throws IllegalArgumentException as {@link #perturb(TargetModel, NDArray, NDArray, long[])}
     * @throws ArithmeticException if the model gives logits or gradients that are not finite
     */
    public NDArray nearest(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.check(images, labels, seeds);
        return keep(() -> search(model, images, labels, seeds, 0).subNDList(0, 1))
                .head();
    }

    /**
     * Takes all runs, each for the images of which nothing is found at a distance of {@code enough}
     * or less; returns the nearest images found (B,C,h,w) and their distances (B).
     */
    private NDList search(
            TargetModel model, NDArray images, NDArray labels, long[] seeds, float enough) {
        NDArray logits = model.predict(images).head();
        NDArray others = Hyperplane.otherClasses(logits, labels);
        NDArray correct = logits.argMax(1).eq(labels.toType(DataType.INT64, false));
        NDArray unlimited = correct.toType(images.getDataType(), false).mul(Float.MAX_VALUE);
        NDList nearest = new NDList(images.duplicate(), unlimited);
        long runs = targeted ? Math.min(targetClasses, others.getShape().get(1)) : 1;
        for (int restart = 0; restart < restarts; restart++) {
            for (long run = 0; run < runs; run++) {
                int[] left = Rows.of(nearest.get(1).gt(enough));
                if (left.length == 0) {
                    return nearest;
                }
                NDArray classes = targeted ? others.get(":, {}:{}", run, run + 1) : others;
                Batch batch = new Batch(model, images, labels, classes).select(left);
                long[] own = ownSeeds(seeds, left, run);
                int attempt = restart;
                NDList before = nearest;
                nearest = keep(() -> {
                    NDArray distances = Rows.select(before.get(1), left);
                    NDArray start = start(batch.images, distances, own, attempt);
                    NDList found = run(batch, start, Rows.select(before.get(0), left), distances);
                    return new NDList(
                            Rows.replace(before.get(0), left, found.get(0)),
                            Rows.replace(before.get(1), left, found.get(1)));
                });
                before.close();
            }
        }
        return nearest;
    }

    /** Each run draws numbers of its own, the same however many runs there are. */
    private static long[] ownSeeds(long[] seeds, int[] rows, long run) {
        return Arrays.stream(rows)
                .mapToLong(row -> Seeds.of("fab", seeds[row], run))
                .toArray();
    }

    /** Returns the images themselves or, from the second restart on, random points around them. */
    private NDArray start(NDArray images, NDArray distances, long[] seeds, int restart) {
        if (restart == 0) {
            return images.duplicate();
        }
        Norm norm = threatModel.norm();
        NDArray direction = norm == Norm.LINF
                ? Noise.uniform(images, seeds, restart)
                : Noise.gaussian(images, seeds, restart);
        NDArray radius = distances.minimum(threatModel.epsilon()).div(2).reshape(-1, 1, 1, 1);
        NDArray offset = direction.div(norm.perPixel(direction)).mul(radius);
        return threatModel.clip(images.add(offset));
    }

    /** Takes the steps of one run from {@code start}; returns the nearest images and distances. */
    private NDList run(Batch batch, NDArray start, NDArray nearest, NDArray distances) {
        NDList state = new NDList(start, nearest.duplicate(), distances.duplicate());
        for (int step = 0; step < steps; step++) {
            NDList before = state;
            state = keep(() -> step(batch, before.get(0), before.get(1), before.get(2)));
            before.close();
        }
        return state.subNDList(1);
    }

    /** Returns the next points, and the nearest images and their distances. */
    private NDList step(Batch batch, NDArray points, NDArray nearest, NDArray distances) {
        NDArray images = batch.images;
        Norm norm = threatModel.norm();
        Hyperplane boundary =
                Hyperplane.closest(batch.model, norm, points, batch.labels, batch.classes);
        NDArray fromPoint = boundary.shortest(threatModel, points);
        NDArray fromImage = boundary.shortest(threatModel, images);
        NDArray pointsWay = norm.perPixel(fromPoint).maximum(1e-8f);
        NDArray imagesWay = norm.perPixel(fromImage).maximum(1e-8f);
        NDArray alpha = pointsWay.div(pointsWay.add(imagesWay)).minimum(alphaMax);
        NDArray beyondPoint = points.add(fromPoint.mul(eta));
        NDArray beyondImage = images.add(fromImage.mul(eta));
        NDArray moved =
                threatModel.clip(beyondPoint.mul(alpha.neg().add(1)).add(beyondImage.mul(alpha)));

        NDArray wrong = batch.misclassified(moved);
        NDArray distance = threatModel.distance(moved, images);
        NDArray nearer = wrong.logicalAnd(distance.lt(distances));
        NDArray towardsImage = images.add(moved.sub(images).mul(beta));
        return new NDList(
                Rows.where(wrong, towardsImage, moved),
                Rows.where(nearer, moved, nearest),
                Rows.where(nearer, distance, distances));
    }

    /** Closes everything that some work makes but its results. */
    private static NDList keep(Supplier<NDList> work) {
        NDList results;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            results = work.get();
            NDScope.unregister(results);
        }
        results.forEach(NDScope::register);
        return results;
    }

    /** Images, their true classes, and the classes whose boundaries a run goes for (B,S). */
    private record Batch(TargetModel model, NDArray images, NDArray labels, NDArray classes) {

        Batch select(int[] rows) {
            return new Batch(
                    model,
                    Rows.select(images, rows),
                    Rows.select(labels, rows),
                    Rows.select(classes, rows));
        }

        NDArray misclassified(NDArray points) {
            NDArray predicted = model.predict(points).head().argMax(1);
            return predicted.neq(labels.toType(DataType.INT64, false));
        }
    }

    /** The Builder to construct a {@link Fab}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private boolean targeted = true;
        private int targetClasses = 9;
        private int steps = 100;
        private int restarts = 1;
        private float alphaMax = 0.1f;
        private float eta = 1.05f;
        private float beta = 0.9f;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
        }

        /**
         * Sets whether there is one run for each of some target classes; default true. Of 10 classes
         * this takes as many gradients as one untargeted run and finds more, of 1000 far fewer.
         *
         * @param targeted false for runs that go for the closest boundary of all
         * @return this builder
         */
        public Builder optTargeted(boolean targeted) {
            this.targeted = targeted;
            return this;
        }

        /**
         * Sets how many classes the targeted attack goes for: those whose logits for the clean image
         * are highest, the true class left out; default 9. A model that has no more than these is
         * attacked with all it has.
         *
         * @param targetClasses at least 1
         * @return this builder
         */
        public Builder optTargetClasses(int targetClasses) {
            this.targetClasses = targetClasses;
            return this;
        }

        /**
         * Sets the number of steps of each run; default 100.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets how often all runs are made, the first time from the image itself; default 1.
         *
         * @param restarts at least 1
         * @return this builder
         */
        public Builder optRestarts(int restarts) {
            this.restarts = restarts;
            return this;
        }

        /**
         * Sets the largest weight of the way from the clean image; default 0.1.
         *
         * @param alphaMax from 0 to 1
         * @return this builder
         */
        public Builder optAlphaMax(float alphaMax) {
            this.alphaMax = alphaMax;
            return this;
        }

        /**
         * Sets how far to go beyond the linear boundary; default 1.05.
         *
         * @param eta at least 1
         * @return this builder
         */
        public Builder optEta(float eta) {
            this.eta = eta;
            return this;
        }

        /**
         * Sets how far back to go from a misclassified point to the clean image; default 0.9.
         *
         * @param beta the part of the way that is left, above 0 and at most 1
         * @return this builder
         */
        public Builder optBeta(float beta) {
            this.beta = beta;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Fab build() {
            return new Fab(
                    threatModel, targeted, targetClasses, steps, restarts, alphaMax, eta, beta);
        }
    }
}
