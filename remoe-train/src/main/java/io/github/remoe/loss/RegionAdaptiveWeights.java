package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;

/**
 * The weights of L_rob, the region-adaptive adversarial loss (paper, section "Region-aware
 * Optimization"): the more an attack moves the region weights of an image, the more its adversarial
 * term counts.
 *
 * <pre>
 * d     = ||w_clean - w_adv||_2, averaged over the ReMoE layers
 * gamma = exp(-d / (max over the batch of d + 1e-8))
 * beta~ = beta gamma / (beta gamma + 1 - beta), the weight of the clean term; 1 - beta~ is the other
 * </pre>
 *
 * <p>No gradient flows through gamma and beta~.
 *
 * @param beta the weight of the clean term where no region weight moves, 0 to 1
 */
public record RegionAdaptiveWeights(float beta) {

    private static final float EPSILON_GAMMA = 1e-8f;

    /**
     * Checks beta.
     *
     * @throws IllegalArgumentException if it is not 0 to 1
     */
    public RegionAdaptiveWeights {
        checkBeta(beta);
    }

    static void checkBeta(float beta) {
        if (!(beta >= 0 && beta <= 1)) {
            throw new IllegalArgumentException("beta must be 0 to 1, got " + beta + ".");
        }
    }

    /**
     * Returns the adaptive factor gamma of each image.
     *
     * @param predictions outputs for clean, then for adversarial images, as on the package page
     * @return gamma (B), exp(-1) to 1, without gradient
     */
    public static NDArray gamma(NDList predictions) {
        NDList distances = new NDList();
        for (CleanAndAdversarial.RegionWeights layer :
                CleanAndAdversarial.of(predictions).layers()) {
            NDArray difference =
                    layer.clean().stopGradient().sub(layer.adversarial().stopGradient());
            distances.add(difference.square().sum(new int[] {1}).sqrt());
        }
        NDArray distance = NDArrays.stack(distances).mean(new int[] {0});
        return distance.div(distance.max().add(EPSILON_GAMMA)).neg().exp();
    }

    /**
     * Returns beta~, the weight of the clean term.
     *
     * @param gamma the adaptive factor (B)
     * @return beta~ (B), 0 to beta
     */
    public NDArray cleanWeight(NDArray gamma) {
        NDArray weighted = gamma.mul(beta);
        return weighted.div(weighted.add(1 - beta));
    }
}
