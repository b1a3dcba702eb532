package io.github.remoe.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.ReMoE;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

/**
 * An expert of one's own, a gated feed-forward network (Shazeer 2020, GEGLU): out(gelu(gate(x)) *
 * value(x)).
 */
public final class GatedFeedForward extends AbstractBlock {

    private static final byte VERSION = 1;

    private final Block gate;
    private final Block value;
    private final Block out;

    /**
     * Creates a network.
     *
     * @param width the tokens' width D
     * @param hidden the width between
     */
    public GatedFeedForward(int width, int hidden) {
        super(VERSION);
        gate = addChildBlock("gate", Linear.builder().setUnits(hidden).build());
        value = addChildBlock("value", Linear.builder().setUnits(hidden).build());
        out = addChildBlock("out", Linear.builder().setUnits(width).build());
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray open =
                Activation.gelu(gate.forward(parameterStore, inputs, training).head());
        NDArray values = value.forward(parameterStore, inputs, training).head();
        return out.forward(parameterStore, new NDList(values.mul(open)), training);
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        gate.initialize(manager, dataType, inputShapes);
        value.initialize(manager, dataType, inputShapes);
        out.initialize(manager, dataType, gate.getOutputShapes(inputShapes));
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return new Shape[] {inputShapes[0]}; // tokens (B,T,D), as they came in
    }

    /**
     * Builds a network with this expert in every layer, and ReMoE blocks around two of them.
     *
     * @return the network
     */
    public static VisionTransformer network() {
        VisionTransformer vit = Presets.builder("vit_micro_patch4_32")
                .optNumClasses(10)
                .optFeedForward(() -> new GatedFeedForward(64, 128))
                .build();
        ReMoE.builder().build().insertInto(vit); // their global experts
        return vit;
    }
}
