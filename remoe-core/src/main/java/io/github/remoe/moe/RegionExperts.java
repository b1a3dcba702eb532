package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import ai.djl.training.initializer.TruncatedNormalInitializer;
import ai.djl.util.PairList;

import io.github.remoe.nn.Linear;

/**
 * K bottleneck feed-forward networks (D, h, D) with GELU, each over the tokens of its own region, as
 * one call on stacked weights.
 *
 * <p>Input and output: M tokens of each region (B,M,K,D). The output projections start at zero, so a
 * network into which experts are put computes at first what it computed before.
 */
public final class RegionExperts extends AbstractBlock {

    static final float INIT_STD = 0.02f;

    private static final byte VERSION = 1;

    private final int numExperts;
    private final float bottleneckRatio;
    private final Parameter weight1;
    private final Parameter bias1;
    private final Parameter weight2;
    private final Parameter bias2;

    /**
     * Creates experts.
     *
     * @param numExperts the number K of experts
     * @param bottleneckRatio the hidden width as a fraction of the tokens' width, h = round(ratio D)
     */
    public RegionExperts(int numExperts, float bottleneckRatio) {
        super(VERSION);
        this.numExperts = numExperts;
        this.bottleneckRatio = bottleneckRatio;
        Initializer random = new TruncatedNormalInitializer(INIT_STD);
        weight1 = add("weight1", Parameter.Type.WEIGHT, random);
        bias1 = add("bias1", Parameter.Type.BIAS, Initializer.ZEROS);
        weight2 = add("weight2", Parameter.Type.WEIGHT, Initializer.ZEROS);
        bias2 = add("bias2", Parameter.Type.BIAS, Initializer.ZEROS);
    }

    private Parameter add(String name, Parameter.Type type, Initializer initializer) {
        return addParameter(Parameter.builder()
                .setName(name)
                .setType(type)
                .optInitializer(initializer)
                .build());
    }

    /** {@inheritDoc} */
    @Override
    protected void prepare(Shape[] inputShapes) {
        long dim = inputShapes[0].get(3);
        long hiddenDim = hiddenDim(dim, bottleneckRatio);
        weight1.setShape(new Shape(numExperts, dim, hiddenDim));
        bias1.setShape(new Shape(numExperts, 1, hiddenDim));
        weight2.setShape(new Shape(numExperts, hiddenDim, dim));
        bias2.setShape(new Shape(numExperts, 1, dim));
    }

    static long hiddenDim(long dim, float bottleneckRatio) {
        return Math.max(1, Math.round(bottleneckRatio * dim));
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray tokens = inputs.singletonOrThrow();
        NDArray hidden = affine(parameterStore, tokens, weight1, bias1, training);
        return new NDList(
                affine(parameterStore, Activation.gelu(hidden), weight2, bias2, training));
    }

    private static NDArray affine(
            ParameterStore parameterStore,
            NDArray tokens,
            Parameter weight,
            Parameter bias,
            boolean training) {
        NDArray w = parameterStore.getValue(weight, tokens.getDevice(), training);
        NDArray b = parameterStore.getValue(bias, tokens.getDevice(), training);
        return Linear.affineOfEach(tokens, w, b);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return new Shape[] {inputShapes[0]};
    }
}
