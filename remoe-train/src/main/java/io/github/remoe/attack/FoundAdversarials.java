package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

/**
 * Keeps, for each image of a batch, the latest point at which an attack has won: the model
 * misclassifies it or, targeted, takes it for the target class. A targeted attack keeps a point of
 * any other wrong class until then, so that it never puts an image right.
 *
 * <p>Without it an attack would hand back its last point, and more steps could lose what fewer had
 * found. Its arrays outlive the scope that they were offered in and go with {@link #close()}.
 */
final class FoundAdversarials implements AutoCloseable {

    private static final int MISCLASSIFIED = 1;
    private static final int TARGET_REACHED = 2;

    private final NDArray labels;
    private final NDArray targets;
    private final int goal;
    private final boolean keepsFirst;
    private NDArray points;
    // 0 while a point is classified rightly, MISCLASSIFIED or TARGET_REACHED.
    private NDArray success;
    private NDArray losses;

    /** Starts with nothing found, to keep the latest of several points that have come as far. */
    FoundAdversarials(NDArray images, NDArray labels, NDArray targets) {
        this(images, labels, targets, false);
    }

    /**
     * Starts with nothing found.
     *
     * @param images any points of the batch (B,C,h,w)
     * @param labels true classes (B)
     * @param targets the classes to reach (B), or null for any but the true one
     * @param keepsFirst whether the first of several points that have come as far is kept, not the
     *     latest
     */
    FoundAdversarials(NDArray images, NDArray labels, NDArray targets, boolean keepsFirst) {
        this.keepsFirst = keepsFirst;
        this.labels = labels.toType(DataType.INT64, true);
        this.targets = targets == null ? null : targets.toType(DataType.INT64, true);
        goal = targets == null ? MISCLASSIFIED : TARGET_REACHED;
        points = images.duplicate();
        success = this.labels.zerosLike();
        losses = success.toType(DataType.FLOAT32, false).sub(Float.POSITIVE_INFINITY);
        NDScope.unregister(this.labels, points, success, losses);
        if (targets != null) {
            NDScope.unregister(this.targets);
        }
    }

    /**
     * Looks at a point of every image.
     *
     * @param candidates the points (B,C,h,w), within the threat model
     * @param logits the model's logits there (B,K)
     */
    void offer(NDArray candidates, NDArray logits) {
        NDArray predicted = logits.argMax(1);
        NDArray reached = predicted.neq(labels).toType(DataType.INT64, false);
        if (targets != null) {
            // A target class is never the true one, so this comes to TARGET_REACHED.
            reached = reached.add(predicted.eq(targets).toType(DataType.INT64, false));
        }
        NDArray kept =
                keepsFirst ? reached.gt(success) : reached.gt(0).logicalAnd(reached.gte(success));
        points = instead(points, Rows.where(kept, candidates, points));
        success = instead(success, NDArrays.maximum(success, reached));
    }

    /**
     * Keeps points that have won.
     *
     * @param candidates points (B,C,h,w)
     * @param won for which images the attack has won there, booleans (B)
     */
    void keep(NDArray candidates, NDArray won) {
        NDArray reached = won.toType(DataType.INT64, false).mul(goal);
        points = instead(points, Rows.where(won, candidates, points));
        success = instead(success, NDArrays.maximum(success, reached));
    }

    /**
     * Looks at the last point of every image, and keeps it where no other was kept.
     *
     * @param candidates the points (B,C,h,w), within the threat model
     * @param logits the model's logits there (B,K)
     * @param lossesThere the losses there (B), for {@link #take} to compare
     */
    void offerLast(NDArray candidates, NDArray logits, NDArray lossesThere) {
        offer(candidates, logits);
        points = instead(points, Rows.where(success.eq(0), candidates, points));
        losses = instead(losses, lossesThere.toType(DataType.FLOAT32, true));
    }

    /**
     * Takes over what another search of some of the images has found, where that is better: a
     * greater success or, among equals, a higher loss at the last point.
     *
     * @param rows the images that it searched
     * @param other what it found for them
     */
    void take(int[] rows, FoundAdversarials other) {
        NDArray before = Rows.select(success, rows);
        NDArray higherLoss = other.losses.gt(Rows.select(losses, rows));
        NDArray better =
                other.success.gt(before).logicalOr(other.success.eq(before).logicalAnd(higherLoss));
        NDArray none = success.lt(0);
        NDArray where = Rows.replace(none, rows, better);
        points = instead(
                points, Rows.where(where, Rows.replace(points, rows, other.points), points));
        success = instead(
                success, Rows.where(where, Rows.replace(success, rows, other.success), success));
        losses = instead(
                losses, Rows.where(where, Rows.replace(losses, rows, other.losses), losses));
    }

    private static NDArray instead(NDArray old, NDArray replacement) {
        NDScope.unregister(replacement);
        old.close();
        return replacement;
    }

    /**
     * Tells for which images the attack has won.
     *
     * @return booleans (B)
     */
    NDArray found() {
        return success.gte(goal);
    }

    /**
     * Returns the images that the attack has not won.
     *
     * @return their rows
     */
    int[] missing() {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            return Rows.of(found().logicalNot());
        }
    }

    /**
     * Returns the points that were kept, or those that it started with.
     *
     * @return a copy (B,C,h,w)
     */
    NDArray points() {
        return points.duplicate();
    }

    /**
     * Returns the points that were kept.
     *
     * @param fallback what to return of images without one (B,C,h,w)
     * @return (B,C,h,w)
     */
    NDArray orElse(NDArray fallback) {
        return Rows.where(success.gt(0), points, fallback);
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        labels.close();
        points.close();
        success.close();
        losses.close();
        if (targets != null) {
            targets.close();
        }
    }
}
