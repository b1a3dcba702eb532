package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

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
    private final Saliency saliency;

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
        saliency = new Saliency(prefixTokens);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray tokenSaliency = saliency.of(inputs).expandDims(2);
        return normalize(regions.mean(tokenSaliency).squeeze(2));
    }
}
