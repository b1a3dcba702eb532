package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

/**
 * Keeps, for each image of a batch, the latest point at which an attack has won: the model
 * misclassifies it or, targeted, takes it for the target class.
 *
 * <p>Without it an attack would hand back its last point, and more steps could lose what fewer had
 * found. Its arrays outlive the scope that they were offered in and go with {@link #close()}.
 */
final class FoundAdversarials implements AutoCloseable {

    private final NDArray labels;
    private final NDArray targets;
    private NDArray found;
    private NDArray points;

    /**
     * Starts with nothing found.
     *
     * @param images any points of the batch (B,C,h,w)
     * @param labels true classes (B)
     * @param targets the classes to reach (B), or null for any but the true one
     */
    FoundAdversarials(NDArray images, NDArray labels, NDArray targets) {
        this.labels = labels.toType(DataType.INT64, true);
        this.targets = targets == null ? null : targets.toType(DataType.INT64, true);
        points = images.duplicate();
        found = this.labels.neq(this.labels);
        NDScope.unregister(this.labels, points, found);
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
        keep(candidates, targets == null ? predicted.neq(labels) : predicted.eq(targets));
    }

    /**
     * Keeps points that have won.
     *
     * @param candidates points (B,C,h,w)
     * @param won for which images the attack has won there, booleans (B)
     */
    void keep(NDArray candidates, NDArray won) {
        NDArray newPoints = Rows.where(won, candidates, points);
        NDArray newFound = found.logicalOr(won);
        NDScope.unregister(newPoints, newFound);
        points.close();
        found.close();
        points = newPoints;
        found = newFound;
    }

    /**
     * Tells for which images the attack has won.
     *
     * @return booleans (B)
     */
    NDArray found() {
        return found;
    }

    /**
     * Returns the latest winning points.
     *
     * @param fallback what to return of images without one (B,C,h,w)
     * @return (B,C,h,w)
     */
    NDArray orElse(NDArray fallback) {
        return Rows.where(found, points, fallback);
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        labels.close();
        points.close();
        found.close();
        if (targets != null) {
            targets.close();
        }
    }
}
