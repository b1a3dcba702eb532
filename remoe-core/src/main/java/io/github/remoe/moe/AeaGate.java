package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.autograd.Constants;

/**
 * Attention-guided expert activation (AEA; paper, section "P2R and Attention-guided Expert
 * Activation"): a region weighs as much as the attention that its patches receive.
 *
 * <p>The saliency s of a token is, averaged over the heads, the attention that the class token pays
 * to it; without a class token, the mean attention that all tokens pay to it. Where the host has no
 * attention to give, the parameter-free self-attention softmax(X X^T / sqrt(D)) of the block's own
 * input stands in, again averaged over all tokens. P2R averages s over each region, r_k, and W = r /
 * mean(r). There are no parameters, and gradients flow through W into the attention.
 */
public final class AeaGate extends Gate {

    private final RegionTransform regions;
    private final boolean classToken;

    /**
     * Creates a gate.
     *
     * @param grid the regions to weigh
     * @param prefixTokens the number P of tokens before the patches; the first of them, if any, is
     *     the class token
     */
    public AeaGate(RegionGrid grid, int prefixTokens) {
        super(grid);
        regions = RegionTransform.ofRegions(grid, prefixTokens);
        classToken = prefixTokens > 0;
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray saliency = inputs.size() > 1
                ? attentionReceived(inputs.get(1))
                : selfSimilarity(inputs.head());
        return normalize(regions.mean(saliency.expandDims(2)).squeeze(2));
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
