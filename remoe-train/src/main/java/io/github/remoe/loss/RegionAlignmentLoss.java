package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.autograd.Constants;

/**
 * lambda_align L_align, the region alignment loss (paper, section "Region-aware Optimization"): it
 * keeps the direction of the region weights the same for clean and adversarial images.
 *
 * <pre>L_align = mean over layers and batch of -log(1 - angle(w_clean, w_adv) / pi + 1e-6)</pre>
 *
 * <p>The angle of unit vectors u, v is taken as 2 asin(||u - v|| / 2). The paper's arccos has an
 * infinite slope where the vectors agree, which is where training starts. See the package page for
 * labels and predictions.
 */
public final class RegionAlignmentLoss extends Loss {

    private static final float EPSILON_ALIGN = 1e-6f;
    // Keeps the norm's slope finite at 0; an angle of 1e-6 is the price, far below float precision
    // of any loss that it is added to.
    private static final float EPSILON_NORM = 1e-12f;

    private final float weight;

    /**
     * Creates the loss.
     *
     * @param weight lambda_align, not negative
     */
    public RegionAlignmentLoss(float weight) {
        super("RegionAlignmentLoss");
        checkWeight(weight);
        this.weight = weight;
    }

    static void checkWeight(float weight) {
        if (!(weight >= 0 && weight < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("lambda_align cannot be " + weight + ".");
        }
    }

    /** {@inheritDoc} */
    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        NDArray align = align(predictions);
        return align.mul(Constants.scalar(align, weight));
    }

    /**
     * Returns L_align itself, without its weight.
     *
     * @param predictions as for {@link #evaluate(NDList, NDList)}
     * @return a scalar
     */
    public static NDArray align(NDList predictions) {
        NDArray angles = angles(predictions);
        NDArray farness = angles.div(Constants.scalar(angles, Math.PI));
        return farness.neg().add(1 + EPSILON_ALIGN).log().mean().neg();
    }

    /**
     * Returns the angle between the clean and adversarial region weights of each image.
     *
     * @param predictions as for {@link #evaluate(NDList, NDList)}
     * @return angles in radians (L,B) of L ReMoE layers, 0 to pi / 2
     */
    public static NDArray angles(NDList predictions) {
        NDList angles = new NDList();
        for (CleanAndAdversarial.RegionWeights layer :
                CleanAndAdversarial.of(predictions).layers()) {
            NDArray chord = norm(unit(layer.clean()).sub(unit(layer.adversarial())));
            NDArray two = Constants.scalar(chord, 2);
            angles.add(chord.div(two).asin().mul(two).squeeze(1));
        }
        return NDArrays.stack(angles);
    }

    private static NDArray unit(NDArray weights) {
        return weights.div(norm(weights));
    }

    private static NDArray norm(NDArray vectors) {
        return vectors.square().sum(new int[] {1}, true).add(EPSILON_NORM).sqrt();
    }
}
