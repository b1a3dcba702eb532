package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

/** No routing, the paper's comparison to {@link AeaGate}: every region weighs exactly 1. */
public final class UniformGate extends Gate {

    /**
     * Creates a gate.
     *
     * @param grid the regions to weigh
     */
    public UniformGate(RegionGrid grid) {
        super(grid);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray tokens = inputs.head();
        Shape shape = new Shape(tokens.getShape().get(0), getGrid().size());
        return new NDList(tokens.getManager().ones(shape, tokens.getDataType()));
    }
}
