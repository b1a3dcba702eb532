package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;

/**
 * The loss of MART (Wang et al. 2020), with region losses or without; p are the softmax probabilities
 * and y is the true class:
 *
 * <pre>
 * BCE               = -log p_adv(y) - log(1.0001 - max over k != y of p_adv(k) + 1e-12)
 * weighted KL       = KL(clean || adv) (1 - p_clean(y))
 * MART              mean over the batch of BCE + beta_mart weighted KL
 * region-adaptive   mean over the batch of 2 (beta~ BCE + (1 - beta~) beta_mart weighted KL)
 * in total          + lambda_align L_align
 * </pre>
 *
 * <p>BCE, the paper's boosted cross-entropy, is on adversarial images here, but it is what holds the
 * classes in place, as clean cross-entropy does in TRADES; so beta~ weighs it, and images whose region
 * weights an attack moves count more in the divergence. Soft labels give the mean of the loss over the
 * classes as y, weighted with the labels. As in the authors' program, the gradient flows through every
 * probability. See the package page for labels and predictions.
 */
public final class MartLoss extends AdversarialLoss {

    // The authors' guards of the logarithm.
    private static final double GUARD = 1.0001 + 1e-12;

    private final float beta;

    /**
     * Creates the loss.
     *
     * @param beta beta_mart, the weight of the weighted KL, 0 or more; the paper's is 5
     * @param regions which region losses are used
     * @throws IllegalArgumentException if beta is negative or not finite
     */
    public MartLoss(float beta, RegionLosses regions) {
        super("MartLoss", regions, 2);
        this.beta = checked(beta, "MART");
    }

    @Override
    Terms terms(NDArray labels, NDArray clean, NDArray adversarial) {
        NDArray margin = largestOther(adversarial.softmax(1)).neg().add(GUARD).log();
        NDArray boosted =
                CrossEntropy.perImage(adversarial, labels).sub(CrossEntropy.pick(margin, labels));
        NDArray missing = CrossEntropy.pick(clean.softmax(1), labels).neg().add(1);
        NDArray divergence = KlDivergence.perImage(clean, adversarial).mul(missing);
        return new Terms(
                new Term("boostedCrossEntropy", boosted, 1),
                new Term("weightedKl", divergence, beta));
    }

    /**
     * Returns for each class the largest probability of another: the second largest for the likeliest
     * class, and the largest for all others.
     */
    private static NDArray largestOther(NDArray probabilities) {
        int classes = Math.toIntExact(probabilities.getShape().get(1));
        NDArray top = probabilities.argMax(1);
        NDArray isTop = top.oneHot(classes, probabilities.getDataType());
        NDArray second = probabilities.sub(isTop.mul(2)).argMax(1);
        NDArray largest = probabilities.gather(top.expandDims(1), 1);
        NDArray next = probabilities.gather(second.expandDims(1), 1);
        return largest.sub(largest.sub(next).mul(isTop));
    }
}
