package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

/**
 * For each image, the hyperplane {@code difference + <normal, x - point> = 0} that the boundary
 * between the true class y and another class s becomes when the network is taken as linear around a
 * point: difference is z_s - z_y there, and normal its gradient.
 *
 * @param points where the network is linearised (B,C,h,w)
 * @param differences z_s - z_y (B)
 * @param normals their gradients (B,C,h,w)
 */
record Hyperplane(NDArray points, NDArray differences, NDArray normals) {

    /**
     * Returns the classes but the true one, that with the highest logit first.
     *
     * @param logits (B,K)
     * @param labels true classes (B)
     * @return int64 classes (B,K-1)
     * @throws IllegalArgumentException if a label is no class of the model, or it has but one
     */
    static NDArray otherClasses(NDArray logits, NDArray labels) {
        int classes = Math.toIntExact(logits.getShape().get(1));
        NDArray truth = labels.toType(DataType.INT64, false);
        long smallest = truth.min().getLong();
        long largest = truth.max().getLong();
        if (classes < 2 || smallest < 0 || largest >= classes) {
            throw new IllegalArgumentException(String.format(
                    "The attack needs labels from 0 to %d and another class to lead to, for the"
                            + " model has %d classes; got labels from %d to %d. Give the model as"
                            + " many classes as the data has.",
                    classes - 1, classes, smallest, largest));
        }
        NDArray single = logits.toType(DataType.FLOAT32, false);
        NDArray trueLast = truth.oneHot(classes, DataType.FLOAT32).mul(1e10f).sub(single);
        return trueLast.argSort(1).get(":, :-1");
    }

    /**
     * Returns, for each point, the closest of the hyperplanes that some classes give.
     *
     * <p>It takes one gradient a class, and holds two of them at a time however many there are.
     *
     * @param model the network
     * @param norm the norm that distances are measured in
     * @param points (B,C,h,w)
     * @param labels true classes (B)
     * @param classes the other classes (B,S), at least one
     * @return the hyperplanes
     */
    static Hyperplane closest(
            TargetModel model, Norm norm, NDArray points, NDArray labels, NDArray classes) {
        NDArray truth = labels.toType(DataType.INT64, false).expandDims(1);
        Hyperplane closest = null;
        for (NDArray other : classes.split(classes.getShape().get(1), 1)) {
            Hyperplane next;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                next = between(model, points, truth, other);
                if (closest != null) {
                    NDArray nearer = next.distances(norm).lt(closest.distances(norm));
                    next = new Hyperplane(
                            points,
                            Rows.where(nearer, next.differences, closest.differences),
                            Rows.where(nearer, next.normals, closest.normals));
                }
                NDScope.unregister(next.differences, next.normals);
            }
            NDScope.register(next.differences);
            NDScope.register(next.normals);
            if (closest != null) {
                closest.differences.close();
                closest.normals.close();
            }
            closest = next;
        }
        return closest;
    }

    private static Hyperplane between(
            TargetModel model, NDArray points, NDArray truth, NDArray other) {
        TargetModel.LossGradient at = model.gradient(points, out -> {
            NDArray logits = out.head();
            return logits.gather(other, 1).sub(logits.gather(truth, 1)).squeeze(1);
        });
        return new Hyperplane(points, at.losses(), at.gradient());
    }

    /**
     * Returns how far the points are from the hyperplanes, borders of the pixel range aside: the
     * difference over the normal's dual norm.
     *
     * @param norm the norm
     * @return (B)
     */
    NDArray distances(Norm norm) {
        return differences.abs().div(dual(norm).add(1e-12f));
    }

    /** Returns the normals' norms in the dual of the norm (B): l1 for l-infinity, l2 for itself. */
    NDArray dual(Norm norm) {
        return switch (norm) {
            case LINF -> normals.abs().reshape(normals.getShape().get(0), -1).sum(new int[] {1});
            case L2 -> norm.of(normals);
        };
    }

    /**
     * Returns the shortest perturbations that bring images onto the hyperplanes within the pixel
     * range.
     *
     * @param threat the norm and the pixel range
     * @param images (B,C,h,w)
     * @return the perturbations (B,C,h,w), see {@link HyperplaneProjection}
     */
    NDArray shortest(ThreatModel threat, NDArray images) {
        NDArray between =
                images.sub(points).mul(normals).reshape(points.getShape().get(0), -1);
        NDArray change = between.sum(new int[] {1}).add(differences).neg();
        return HyperplaneProjection.shortest(threat, images, normals, change);
    }
}
