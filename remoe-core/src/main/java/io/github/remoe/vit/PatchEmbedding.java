package io.github.remoe.vit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.UniformInitializer;
import ai.djl.util.PairList;

/**
 * Cuts images (B,3,h,w) into square patches and embeds each as one token: (B,N,D) with N = (h / p) x
 * (w / p), patches in row-major order. A convolution whose stride is its kernel, as in timm.
 */
public final class PatchEmbedding extends AbstractBlock {

    private static final byte VERSION = 1;
    private static final int CHANNELS = 3;

    private final int patchSize;
    private final int embedDim;
    private final Conv2d proj;

    PatchEmbedding(int patchSize, int embedDim) {
        super(VERSION);
        this.patchSize = patchSize;
        this.embedDim = embedDim;
        Shape patch = new Shape(patchSize, patchSize);
        proj = addChildBlock(
                "proj",
                Conv2d.builder()
                        .setFilters(embedDim)
                        .setKernelShape(patch)
                        .optStride(patch)
                        .build());
        float bound = (float) (1 / Math.sqrt(CHANNELS * patchSize * patchSize));
        proj.setInitializer(new UniformInitializer(bound), Parameter.Type.WEIGHT);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray patches = proj.forward(parameterStore, inputs, training).singletonOrThrow();
        long batch = patches.getShape().get(0);
        return new NDList(patches.reshape(batch, embedDim, -1).transpose(0, 2, 1));
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        proj.initialize(manager, dataType, inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape images = inputShapes[0];
        long patches = (images.get(2) / patchSize) * (images.get(3) / patchSize);
        return new Shape[] {new Shape(images.get(0), patches, embedDim)};
    }
}
