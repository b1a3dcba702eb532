package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/**
 * The shortest way from an image to a hyperplane that stays in the pixel range (Croce and Hein 2020,
 * section 3.1): {@code min ||d||} such that {@code <w, d> = change} and every pixel of {@code x + d}
 * lies in [pixelMin, pixelMax].
 *
 * <p>The solution moves pixel i in the direction that w asks for by {@code min(lambda c_i, room_i)},
 * where room is what is left up to the border of the range and c_i is 1 in l-infinity (all pixels
 * move alike) and {@code |w_i|} in l2 (they move along w). What is gained, {@code sum |w_i|
 * min(lambda c_i, room_i)}, grows with lambda in straight pieces, one for each pixel that reaches
 * its border; sorted by where that happens, the piece that holds {@code change} gives lambda.
 */
final class HyperplaneProjection {

    // Keeps divisions finite; far below any number that counts here.
    private static final float TINY = 1e-30f;

    private HyperplaneProjection() {}

    /**
     * Returns the shortest perturbations that reach the hyperplanes.
     *
     * @param threat the norm and the pixel range
     * @param points (B,C,h,w) in the pixel range
     * @param normals the hyperplanes' normals w (B,C,h,w)
     * @param change by how much {@code <w, x>} has to change for each image to get there (B)
     * @return the perturbations (B,C,h,w). Where the pixel range does not let an image get there, they
     *     go as near as it does: every pixel to the border that w asks for. A pixel with w_i = 0
     *     stays where it is.
     */
    static NDArray shortest(ThreatModel threat, NDArray points, NDArray normals, NDArray change) {
        Shape shape = points.getShape();
        NDArray x = points.reshape(shape.get(0), -1);
        NDArray w = normals.reshape(shape.get(0), -1);
        // Lengths of w cancel out; without them squares of small gradients would vanish.
        NDArray scale = w.abs().max(new int[] {1}, true).maximum(TINY);
        NDArray weight = w.abs().div(scale);
        NDArray wanted = change.abs().reshape(-1, 1).div(scale);
        NDArray direction = w.sign().mul(change.sign().reshape(-1, 1));

        NDArray room = NDArrays.where(
                direction.gt(0), x.neg().add(threat.pixelMax()), x.sub(threat.pixelMin()));
        NDArray speed = threat.norm() == Norm.L2 ? weight : weight.onesLike();
        NDArray lambda = multiplier(room, speed, weight, wanted);
        return speed.mul(lambda).minimum(room).mul(direction).reshape(shape);
    }

    /** Returns the lambda (B,1) at which {@code sum weight min(lambda speed, room)} is as wanted. */
    private static NDArray multiplier(NDArray room, NDArray speed, NDArray weight, NDArray wanted) {
        NDArray border = room.div(speed.maximum(TINY));
        NDArray order = border.argSort(1);
        NDArray none = wanted.zerosLike();
        // With the k first pixels at their borders: what these have gained, and how much the others
        // gain for each unit of lambda.
        NDArray gained = none.concat(weight.mul(room).gather(order, 1).cumSum(1), 1);
        // Summed from the end: a difference of two sums would lose the small ones.
        NDArray slope =
                weight.mul(speed).gather(order, 1).flip(1).cumSum(1).flip(1).concat(none, 1);
        NDArray gainedAtBorder =
                slope.get(":, 1:").mul(border.gather(order, 1)).add(gained.get(":, 1:"));
        NDArray atBorder =
                gainedAtBorder.lt(wanted).toType(DataType.INT64, false).sum(new int[] {1}, true);
        return wanted.sub(gained.gather(atBorder, 1))
                .div(slope.gather(atBorder, 1).maximum(TINY))
                .clip(0, 1 / TINY);
    }
}
