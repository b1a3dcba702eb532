package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.loss.CrossEntropy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Square Attack (Andriushchenko et al. 2020), a random search that needs no gradient: each query
 * changes one square window of the image and keeps the change if the margin {@code z_y - max over i !=
 * y of z_i} becomes smaller. The share p of the image that a window covers goes down with the number
 * of queries.
 *
 * <p>Behaves as auto-attack's {@code SquareAttack}, except that each image has windows of its own
 * where auto-attack shares their places among the batch. As there, a window's upper left corner is
 * never drawn from the last row and column that it could start in.
 *
 * <p>An image is queried no more once it is misclassified. Without {@code rescaleSchedule}, neither
 * more queries nor more restarts can lose one. An image that is never misclassified gets the
 * queried point with the smallest margin.
 *
 * <p>The search keeps its points in Java's memory and hands the model one batch a query. That is
 * faster than masks of the windows on the device, which take several passes over all pixels where
 * this takes one over a window, and an image's windows are the same numbers on every device.
 *
 * <pre>{@code
 * Attack square = Square.builder(ThreatModel.linf(8 / 255f)).build();
 * NDArray adversarial = square.perturb(model, images, labels, seed);
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param queries the largest number of windows tried on an image in a run; the start, stripes in
 *     l-infinity and tiles in l2, is one query more
 * @param initialFraction the share p of the image that the first windows cover, above 0 and at most 1
 * @param restarts the number of runs, each with random choices of its own
 * @param rescaleSchedule whether the schedule of p, made for 10000 queries, is stretched to {@code
 *     queries}
 */
public record Square(
        ThreatModel threatModel,
        int queries,
        double initialFraction,
        int restarts,
        boolean rescaleSchedule)
        implements Attack {

    /** p is halved after each of these queries. */
    private static final int[] HALVINGS = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};

    private static final int SCHEDULE_LENGTH = 10000;

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Square {
        if (queries < 1 || restarts < 1) {
            throw new IllegalArgumentException(String.format(
                    "Square Attack needs at least 1 query and 1 run, got %d queries and %d runs.",
                    queries, restarts));
        }
        if (!(initialFraction > 0 && initialFraction <= 1)) {
            throw new IllegalArgumentException(String.format(
                    "initialFraction is a share of the image, above 0 and at most 1, got %s.",
                    initialFraction));
        }
    }

    /**
     * Creates a builder: AutoAttack's setting, 5000 queries, p from 0.8, one run, no rescaling.
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
            NDArray logits = model.predict(images).head();
            NDArray classes = CrossEntropy.classes(logits, labels);
            NDArray wrong = logits.argMax(1).neq(classes);
            float[] points = search(model, images, classes, seeds, Rows.of(wrong.logicalNot()));
            result = Rows.where(wrong, images, like(images, points));
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private static NDArray like(NDArray images, float[] points) {
        return images.getManager()
                .create(points, images.getShape())
                .toType(images.getDataType(), false);
    }

    /** Attacks the images at {@code rows}; returns points for all, the others as they are. */
    private float[] search(
            TargetModel model, NDArray images, NDArray labels, long[] seeds, int[] rows) {
        float[] points = images.toType(DataType.FLOAT32, false).toFloatArray();
        long[] classes = labels.toLongArray();
        Shape shape = images.getShape().slice(1);
        SquareMoves moves = SquareMoves.of(threatModel, shape);
        List<Walk> walks = new ArrayList<>();
        for (int row : rows) {
            walks.add(new Walk(points, row, Math.toIntExact(shape.size()), classes[row]));
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect(
                        Math.toIntExact(Float.BYTES * rows.length * shape.size()))
                .order(ByteOrder.nativeOrder());
        List<Walk> open = new ArrayList<>(walks);
        for (int restart = 0; restart < restarts; restart++) {
            for (Walk walk : open) {
                walk.start(moves, Noise.random(seeds[walk.row], restart));
            }
            for (int query = 0; !open.isEmpty(); query++) {
                float[] losses = losses(model, images, open, buffer);
                for (int i = 0; i < losses.length; i++) {
                    open.get(i).accept(losses[i]);
                }
                open.removeIf(Walk::hasWon);
                if (query == queries) {
                    break;
                }
                int side = moves.side(fraction(query));
                open.parallelStream().forEach(walk -> walk.move(moves, side));
            }
        }
        for (Walk walk : walks) {
            System.arraycopy(walk.best, 0, points, walk.row * walk.best.length, walk.best.length);
        }
        return points;
    }

    /** Returns how far each candidate's largest other logit is above its true class's. */
    private static float[] losses(
            TargetModel model, NDArray images, List<Walk> open, ByteBuffer buffer) {
        FloatBuffer floats = buffer.clear().asFloatBuffer();
        open.forEach(walk -> floats.put(walk.candidate));
        buffer.limit(Float.BYTES * floats.position());
        long[] labels = open.stream().mapToLong(walk -> walk.label).toArray();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDManager manager = images.getManager();
            Shape shape = new Shape(labels.length).addAll(images.getShape().slice(1));
            NDArray candidates = manager.create(buffer, shape, DataType.FLOAT32)
                    .toType(images.getDataType(), false);
            return LogitLoss.MARGIN
                    .prepare(model, candidates, manager.create(labels), null)
                    .apply(model.predict(candidates))
                    .toType(DataType.FLOAT32, false)
                    .toFloatArray();
        }
    }

    /**
     * Returns the share of the image that a window covers.
     *
     * @param query the number of windows tried before
     * @return p
     */
    double fraction(int query) {
        int position = rescaleSchedule ? (int) ((double) query / queries * SCHEDULE_LENGTH) : query;
        double fraction = initialFraction;
        for (int halving : HALVINGS) {
            if (position > halving) {
                fraction /= 2;
            }
        }
        return fraction;
    }

    /** The search for one image. */
    private static final class Walk {

        private final int row;
        private final long label;
        private final float[] clean;
        private final float[] current;
        private final float[] candidate;
        private float[] best;
        private float currentLoss;
        private float bestLoss = Float.NEGATIVE_INFINITY;
        private SplittableRandom random;

        Walk(float[] images, int row, int size, long label) {
            this.row = row;
            this.label = label;
            clean = new float[size];
            System.arraycopy(images, row * size, clean, 0, size);
            current = clean.clone();
            candidate = clean.clone();
            best = clean.clone();
        }

        void start(SquareMoves moves, SplittableRandom withRandom) {
            random = withRandom;
            currentLoss = Float.NEGATIVE_INFINITY;
            moves.start(clean, candidate, random);
        }

        void move(SquareMoves moves, int side) {
            System.arraycopy(current, 0, candidate, 0, current.length);
            moves.move(clean, candidate, side, random);
        }

        void accept(float loss) {
            if (loss > currentLoss) {
                currentLoss = loss;
                System.arraycopy(candidate, 0, current, 0, current.length);
            }
            if (loss > bestLoss) {
                bestLoss = loss;
                System.arraycopy(candidate, 0, best, 0, best.length);
            }
        }

        boolean hasWon() {
            return bestLoss > 0;
        }
    }

    /** The Builder to construct a {@link Square}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private int queries = 5000;
        private double initialFraction = 0.8;
        private int restarts = 1;
        private boolean rescaleSchedule;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
        }

        /**
         * Sets the number of windows tried on an image in a run; default 5000.
         *
         * @param queries at least 1
         * @return this builder
         */
        public Builder optQueries(int queries) {
            this.queries = queries;
            return this;
        }

        /**
         * Sets the share p of the image that the first windows cover; default 0.8.
         *
         * @param initialFraction above 0 and at most 1
         * @return this builder
         */
        public Builder optInitialFraction(double initialFraction) {
            this.initialFraction = initialFraction;
            return this;
        }

        /**
         * Sets the number of runs; default 1.
         *
         * @param restarts at least 1
         * @return this builder
         */
        public Builder optRestarts(int restarts) {
            this.restarts = restarts;
            return this;
        }

        /**
         * Sets whether the schedule of p, made for 10000 queries, is stretched to the number of
         * queries; default false, as in AutoAttack. With it, more queries are other queries, and may
         * lose an image that fewer found.
         *
         * @param rescaleSchedule true to stretch it
         * @return this builder
         */
        public Builder optRescaleSchedule(boolean rescaleSchedule) {
            this.rescaleSchedule = rescaleSchedule;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Square build() {
            return new Square(threatModel, queries, initialFraction, restarts, rescaleSchedule);
        }
    }
}
