package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;

/** Kullback-Leibler divergence of each image's class probabilities. */
public final class KlDivergence {

    private KlDivergence() {}

    /**
     * Returns KL(softmax(clean) || softmax(adversarial)) of each image.
     *
     * @param clean logits for clean images (B,C)
     * @param adversarial logits for adversarial images (B,C)
     * @return the divergences (B), 0 or more up to rounding
     */
    public static NDArray perImage(NDArray clean, NDArray adversarial) {
        NDArray from = clean.logSoftmax(1);
        return from.sub(adversarial.logSoftmax(1)).mul(from.exp()).sum(new int[] {1});
    }
}
