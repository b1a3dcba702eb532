package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;

/**
 * The loss of TRADES (Zhang et al. 2019), with region losses or without:
 *
 * <pre>
 * TRADES            mean over the batch of CE(clean) + beta_trades KL(clean || adv)
 * region-adaptive   mean over the batch of 2 (beta~ CE(clean) + (1 - beta~) beta_trades KL)
 * in total          + lambda_align L_align
 * </pre>
 *
 * <p>As in the authors' program, the gradient flows through both sides of KL. See the package page for
 * labels and predictions.
 */
public final class TradesLoss extends AdversarialLoss {

    private final float beta;

    /**
     * Creates the loss.
     *
     * @param beta beta_trades, the weight of KL, 0 or more; the paper's is 6
     * @param regions which region losses are used
     * @throws IllegalArgumentException if beta is negative or not finite
     */
    public TradesLoss(float beta, RegionLosses regions) {
        super("TradesLoss", regions, 2);
        this.beta = checked(beta, "TRADES");
    }

    @Override
    Terms terms(NDArray labels, NDArray clean, NDArray adversarial) {
        return new Terms(
                new Term(CrossEntropyLoss.CLEAN, CrossEntropy.perImage(clean, labels), 1),
                new Term("kl", KlDivergence.perImage(clean, adversarial), beta));
    }
}
