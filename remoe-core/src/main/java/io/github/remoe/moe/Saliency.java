package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import io.github.remoe.autograd.Constants;

/** The saliency s of the tokens of an image, as {@link AeaGate} says what it is. */
final class Saliency {

    private final boolean classToken;

    /**
     * Sets who attends.
     *
     * @param prefixTokens the number P of tokens before the patches; the first of them, if any, is
     *     the class token
     */
    Saliency(int prefixTokens) {
        classToken = prefixTokens > 0;
    }

    /**
     * Returns the saliency.
     *
     * @param inputs tokens (B,T,D), optionally followed by attention probabilities (B,H,T,T)
     * @return (B,T), not negative
     */
    NDArray of(NDList inputs) {
        return inputs.size() > 1 ? attentionReceived(inputs.get(1)) : selfSimilarity(inputs.head());
    }

    private NDArray attentionReceived(NDArray attention) {
        // DJL's PyTorch engine averages over one axis at a time.
        NDArray overHeads =
                (classToken ? attention.get(":, :, :1") : attention).mean(new int[] {1});
        return overHeads.mean(new int[] {1});
    }

    private static NDArray selfSimilarity(NDArray tokens) {
        NDArray scale = Constants.scalar(tokens, 1 / Math.sqrt(tokens.getShape().get(2)));
        NDArray similarity = tokens.mul(scale).matMul(tokens.transpose(0, 2, 1));
        return similarity.softmax(-1).mean(new int[] {1});
    }
}
