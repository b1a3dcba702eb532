package io.github.remoe.moe;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.TruncatedNormalInitializer;
import ai.djl.util.PairList;

import io.github.remoe.autograd.Constants;

/**
 * Learned routing, the paper's comparison to {@link AeaGate}: a small MLP (D, h, 1) with GELU scores
 * the mean token of each region, and W = K softmax(scores).
 */
public final class MlpGate extends Gate {

    private final float bottleneckRatio;
    private final RegionTransform regions;
    private final Parameter weight1;
    private final Parameter bias1;
    private final Parameter weight2;
    private final Parameter bias2;

    /**
     * Creates a gate.
     *
     * @param grid the regions to weigh
     * @param prefixTokens the number P of tokens before the patches
     * @param bottleneckRatio the MLP's hidden width as a fraction of the tokens' width, h =
     *     round(ratio D)
     */
    public MlpGate(RegionGrid grid, int prefixTokens, float bottleneckRatio) {
        super(grid);
        this.bottleneckRatio = bottleneckRatio;
        regions = RegionTransform.ofRegions(grid, prefixTokens);
        weight1 = add("weight1", Parameter.Type.WEIGHT);
        bias1 = add("bias1", Parameter.Type.BIAS);
        weight2 = add("weight2", Parameter.Type.WEIGHT);
        bias2 = add("bias2", Parameter.Type.BIAS);
        setInitializer(
                new TruncatedNormalInitializer(RegionExperts.INIT_STD), Parameter.Type.WEIGHT);
    }

    private Parameter add(String name, Parameter.Type type) {
        return addParameter(Parameter.builder().setName(name).setType(type).build());
    }

    /** {@inheritDoc} */
    @Override
    protected void prepare(Shape[] inputShapes) {
        long dim = inputShapes[0].get(2);
        long hiddenDim = RegionExperts.hiddenDim(dim, bottleneckRatio);
        weight1.setShape(new Shape(hiddenDim, dim));
        bias1.setShape(new Shape(hiddenDim));
        weight2.setShape(new Shape(1, hiddenDim));
        bias2.setShape(new Shape(1));
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray descriptors = regions.mean(inputs.head());
        Device device = descriptors.getDevice();
        NDArray hidden = Linear.linear(
                        descriptors,
                        parameterStore.getValue(weight1, device, training),
                        parameterStore.getValue(bias1, device, training))
                .head();
        NDArray scores = Linear.linear(
                        Activation.gelu(hidden),
                        parameterStore.getValue(weight2, device, training),
                        parameterStore.getValue(bias2, device, training))
                .head();
        NDArray numRegions = Constants.scalar(scores, getGrid().size());
        return new NDList(scores.squeeze(2).softmax(1).mul(numRegions));
    }
}
