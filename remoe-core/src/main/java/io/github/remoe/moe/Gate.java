package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;

/**
 * Weighs the regions of each image.
 *
 * <p>Input: tokens (B,T,D), optionally followed by the attention probabilities (B,H,T,T) of the same
 * layer. Output: region weights W (B,K), not negative, with mean 1 over the regions of an image, so
 * that a gate that prefers no region is exactly 1 everywhere and lambda_2 means the same for all.
 */
public abstract class Gate extends AbstractBlock {

    private static final byte VERSION = 1;

    private final RegionGrid grid;

    /**
     * Creates a gate.
     *
     * @param grid the regions to weigh
     */
    protected Gate(RegionGrid grid) {
        super(VERSION);
        this.grid = grid;
    }

    /**
     * Returns the regions that this gate weighs.
     *
     * @return the grid
     */
    public RegionGrid getGrid() {
        return grid;
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return new Shape[] {new Shape(inputShapes[0].get(0), grid.size())};
    }

    /**
     * Scales scores to weights with mean 1.
     *
     * @param scores not negative, (B,K)
     * @return the weights (B,K) as a gate's output; 1 everywhere for an image whose scores are all 0
     */
    protected static NDList normalize(NDArray scores) {
        // Saliencies can underflow to 0 in all regions at once. Others are so much larger than this
        // that adding it does not change them.
        NDArray positive = scores.add(1e-12f);
        return new NDList(positive.div(positive.mean(new int[] {1}, true)));
    }
}
