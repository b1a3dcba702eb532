package io.github.remoe.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * One pre-norm transformer layer: {@code x + attn(norm1(x))}, then {@code x + mlp(norm2(x))}.
 *
 * <p>The feed-forward network is a slot. Whatever sits in it gets the tokens (B,T,D), followed by
 * this layer's attention probabilities (B,H,T,T) if it {@linkplain #replaceFeedForward asked for
 * them}, and returns tokens (B,T,D) first; the arrays that it returns beyond those follow the tokens
 * in this block's output. The optional parameters of a forward pass go on to it.
 *
 * <p>Drop path (stochastic depth, Huang et al. 2016) leaves a branch out, attention or feed-forward,
 * in training mode only: for each image by itself with the probability of this layer. A branch that
 * stays is scaled by 1 / (1 - probability). It concerns the tokens alone; what a feed-forward network
 * returns beyond them is returned all the same. Random numbers come from the engine, so {@code
 * Engine.setRandomSeed} repeats them.
 */
public final class EncoderBlock extends AbstractBlock {

    /**
     * An optional parameter of a forward pass, an Integer: how many tokens, from the first on, will be
     * read of this layer's output. It returns only those, (B,n,D), as long as its feed-forward network
     * is the usual one, which mixes no tokens; whatever else is in the slot gets, and returns, all.
     */
    public static final String TOKENS_READ = "tokensRead";

    private static final byte VERSION = 1;

    private final LayerNorm norm1;
    private final SelfAttention attn;
    private final LayerNorm norm2;
    private final float dropPathRate;
    private Block mlp;
    private boolean mlpSeesAttention;

    EncoderBlock(int embedDim, int numHeads, Block feedForward, float dropPathRate) {
        super(VERSION);
        this.dropPathRate = dropPathRate;
        norm1 = addChildBlock("norm1", VisionTransformer.layerNorm());
        attn = addChildBlock("attn", new SelfAttention(embedDim, numHeads));
        norm2 = addChildBlock("norm2", VisionTransformer.layerNorm());
        mlp = addChildBlock("mlp", feedForward);
    }

    /**
     * Returns the self-attention.
     *
     * @return the block
     */
    public SelfAttention getSelfAttention() {
        return attn;
    }

    /**
     * Returns the probability with which a branch is left out in training.
     *
     * @return 0 to less than 1
     */
    public float getDropPathRate() {
        return dropPathRate;
    }

    /**
     * Returns the block in the feed-forward slot.
     *
     * @return the feed-forward network
     */
    public Block getFeedForward() {
        return mlp;
    }

    /**
     * Puts another block into the feed-forward slot, usually one built around the present block.
     *
     * @param replacement makes the new block from the present one
     * @param seesAttention whether the new block takes this layer's attention probabilities
     *     (B,H,T,T) as its second input
     */
    public void replaceFeedForward(UnaryOperator<Block> replacement, boolean seesAttention) {
        Block newFeedForward = replacement.apply(mlp);
        // The slot is the last child, so removing and adding it again keeps its numbered name.
        children.remove(children.size() - 1);
        mlp = addChildBlock("mlp", newFeedForward);
        mlpSeesAttention = seesAttention;
        attn.setExposeProbabilities(seesAttention);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDList output;
        // Autograd keeps by itself what the backward pass needs; closing the Java handles here
        // frees the rest, the larger part of a layer's memory.
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList attended = attend(parameterStore, inputs, training, params);
            NDArray x = attended.head();
            NDList tokens = norm2.forward(parameterStore, new NDList(x), training);
            if (mlpSeesAttention) {
                tokens.add(attended.get(1));
            }
            output = mlp.forward(parameterStore, tokens, training, params);
            output.set(0, x.add(dropPath(output.head(), training)));
            NDScope.unregister(output);
        }
        output.forEach(NDScope::register);
        return output;
    }

    /** The half with the attention: what it alone needs is gone before the other half begins. */
    private NDList attend(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        PairList<String, Object> reading = mlp instanceof Mlp ? params : null;
        NDArray x = tokensRead(inputs.singletonOrThrow(), 1, reading);
        NDList attended;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList normed = norm1.forward(parameterStore, inputs, training);
            attended = attn.forward(parameterStore, normed, training, reading);
            attended.set(0, x.add(dropPath(attended.head(), training)));
            NDScope.unregister(attended);
        }
        attended.forEach(NDScope::register);
        return attended;
    }

    /** The first tokens along an axis, as many as somebody reads. */
    static NDArray tokensRead(NDArray tokens, int axis, PairList<String, Object> params) {
        Object number = params == null ? null : params.get(TOKENS_READ);
        return number == null
                ? tokens
                : tokens.get(new NDIndex()
                        .addAllDim(axis)
                        .addSliceDim(0, ((Number) number).longValue()));
    }

    private NDArray dropPath(NDArray branch, boolean training) {
        if (!training || dropPathRate == 0) {
            return branch;
        }
        Shape perImage = new Shape(branch.getShape().get(0), 1, 1);
        NDArray factors = branch.getManager()
                .randomUniform(0, 1, perImage, DataType.FLOAT32, branch.getDevice())
                .gte(dropPathRate)
                .toType(branch.getDataType(), false)
                .div(1 - dropPathRate);
        return branch.mul(factors);
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        norm1.initialize(manager, dataType, inputShapes);
        attn.initialize(manager, dataType, inputShapes);
        norm2.initialize(manager, dataType, inputShapes);
        mlp.initialize(manager, dataType, feedForwardShapes(inputShapes));
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape[] extra = mlp.getOutputShapes(feedForwardShapes(inputShapes));
        return Stream.concat(Stream.of(inputShapes[0]), Arrays.stream(extra).skip(1))
                .toArray(Shape[]::new);
    }

    private Shape[] feedForwardShapes(Shape[] inputShapes) {
        return mlpSeesAttention ? attn.getOutputShapes(inputShapes) : inputShapes;
    }
}
