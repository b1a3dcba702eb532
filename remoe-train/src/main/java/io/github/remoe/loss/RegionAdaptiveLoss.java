package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

/**
 * L_rob, the region-adaptive adversarial loss (paper, section "Region-aware Optimization"): the more
 * an attack moves the region weights of an image, the more its adversarial term counts.
 *
 * <pre>
 * d     = ||w_clean - w_adv||_2, averaged over the ReMoE layers
 * gamma = exp(-d / (max over the batch of d + 1e-8))
 * beta~ = beta gamma / (beta gamma + 1 - beta)
 * L_rob = mean over the batch of beta~ CE(clean) + (1 - beta~) CE(adv)
 * </pre>
 *
 * <p>gamma and beta~ are weights: no gradient flows through them. See the package page for labels and
 * predictions.
 */
public final class RegionAdaptiveLoss extends Loss {

    private static final float EPSILON_GAMMA = 1e-8f;

    private final float beta;

    /** Creates the loss with the paper's symmetric beta of 0.5. */
    public RegionAdaptiveLoss() {
        this(0.5f);
    }

    /**
     * Creates the loss.
     *
     * @param beta the weight of the clean term where no region weight moves, 0 to 1
     */
    public RegionAdaptiveLoss(float beta) {
        super("RegionAdaptiveLoss");
        if (!(beta >= 0 && beta <= 1)) {
            throw new IllegalArgumentException("beta must be 0 to 1, got " + beta + ".");
        }
        this.beta = beta;
    }

    /** {@inheritDoc} */
    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        CleanAndAdversarial outputs = CleanAndAdversarial.of(predictions);
        NDArray label = labels.singletonOrThrow();
        NDArray clean = CrossEntropy.perImage(outputs.clean().head(), label);
        NDArray adversarial = CrossEntropy.perImage(outputs.adversarial().head(), label);
        NDArray cleanWeight = cleanWeight(gamma(outputs));
        return clean.sub(adversarial).mul(cleanWeight).add(adversarial).mean();
    }

    /**
     * Returns the adaptive factor gamma of each image.
     *
     * @param predictions as for {@link #evaluate(NDList, NDList)}
     * @return gamma (B), exp(-1) to 1, without gradient
     */
    public NDArray gamma(NDList predictions) {
        return gamma(CleanAndAdversarial.of(predictions));
    }

    /**
     * Returns the weight beta~ of the clean term.
     *
     * @param gamma the adaptive factor (B)
     * @return beta~ (B)
     */
    public NDArray cleanWeight(NDArray gamma) {
        NDArray weighted = gamma.mul(beta);
        return weighted.div(weighted.add(1 - beta));
    }

    private static NDArray gamma(CleanAndAdversarial outputs) {
        NDList distances = new NDList();
        for (CleanAndAdversarial.RegionWeights layer : outputs.layers()) {
            NDArray difference =
                    layer.clean().stopGradient().sub(layer.adversarial().stopGradient());
            distances.add(difference.square().sum(new int[] {1}).sqrt());
        }
        NDArray distance = NDArrays.stack(distances).mean(new int[] {0});
        return distance.div(distance.max().add(EPSILON_GAMMA)).neg().exp();
    }
}
