package io.github.remoe.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.autograd.Constants;
import io.github.remoe.nn.Linear;

/**
 * Multi-head self-attention with one fused projection for queries, keys and values.
 *
 * <p>Input: tokens (B,T,D). Output: tokens (B,T,D), then, once {@link
 * #setExposeProbabilities(boolean)} asked for them, the attention probabilities (B,H,T,T), whose row
 * i says how much token i takes from every token. With {@link EncoderBlock#TOKENS_READ} only the first
 * n tokens attend to all: (B,n,D) and (B,H,n,T).
 */
public final class SelfAttention extends AbstractBlock {

    private static final byte VERSION = 1;

    private final int embedDim;
    private final int numHeads;
    private final Linear qkv;
    private final Linear proj;
    private boolean exposeProbabilities;

    SelfAttention(int embedDim, int numHeads) {
        super(VERSION);
        this.embedDim = embedDim;
        this.numHeads = numHeads;
        qkv = addChildBlock("qkv", VisionTransformer.linear(3L * embedDim));
        proj = addChildBlock("proj", VisionTransformer.linear(embedDim));
    }

    /**
     * Sets whether the attention probabilities follow the tokens in the output.
     *
     * @param exposeProbabilities true to return them
     */
    public void setExposeProbabilities(boolean exposeProbabilities) {
        this.exposeProbabilities = exposeProbabilities;
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        int headDim = embedDim / numHeads;
        long batch = inputs.singletonOrThrow().getShape().get(0);

        // Each (1,B,H,T,D/H). Splitting is one pass on the way back, taking a part at a time would
        // be one for each.
        NDList parts = qkv.forward(parameterStore, inputs, training)
                .singletonOrThrow()
                .reshape(batch, -1, 3, numHeads, headDim)
                .transpose(2, 0, 3, 1, 4)
                .split(3);
        NDArray query = EncoderBlock.tokensRead(parts.get(0), 3, params);
        NDArray key = parts.get(1);
        NDArray value = parts.get(2);

        // Scaling the queries touches T x D/H numbers a head instead of T x T.
        NDArray probabilities = query.mul(Constants.scalar(query, 1 / Math.sqrt(headDim)))
                .matMul(key.swapAxes(-2, -1))
                .softmax(-1);
        NDArray mixed =
                probabilities.matMul(value).transpose(0, 1, 3, 2, 4).reshape(batch, -1, embedDim);
        NDList output = proj.forward(parameterStore, new NDList(mixed), training);
        if (exposeProbabilities) {
            output.add(probabilities.squeeze(0));
        }
        return output;
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        qkv.initialize(manager, dataType, inputShapes[0]);
        proj.initialize(manager, dataType, inputShapes[0]);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape tokens = inputShapes[0];
        if (!exposeProbabilities) {
            return new Shape[] {tokens};
        }
        long length = tokens.get(1);
        return new Shape[] {tokens, new Shape(tokens.get(0), numHeads, length, length)};
    }
}
