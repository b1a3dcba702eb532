package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import java.util.Arrays;
import java.util.List;

/**
 * Patch-to-region (P2R) and region-to-patch (R2P) for a list of regions (paper, sections "P2R" and
 * "R2P").
 *
 * <p>Both are one 0/1 matrix S of shape (K M, T), M being the size of the largest region: row k M + j
 * has its 1 where the j-th patch of region k stands among the tokens. P2R multiplies by S, R2P by its
 * transpose. Rows beyond a smaller region's size are zero, so padding comes in as zeros and is dropped
 * on the way back; the columns of prefix tokens are zero, so those reach no region.
 */
public final class RegionTransform {

    private static final int PADDING = -1;

    private final int numRegions;
    private final int maxSize;
    private final int numTokens;
    private final float[] sizes;
    private final int[] tokenOfRow;

    RegionTransform(List<Region> regions, int patchColumns, int numTokens, int prefixTokens) {
        this.numTokens = numTokens;
        numRegions = regions.size();
        maxSize = regions.stream().mapToInt(Region::size).max().orElseThrow();
        sizes = new float[numRegions];
        tokenOfRow = new int[numRegions * maxSize];
        Arrays.fill(tokenOfRow, PADDING);
        for (int k = 0; k < numRegions; k++) {
            Region region = regions.get(k);
            sizes[k] = region.size();
            for (int j = 0; j < region.size(); j++) {
                int row = region.top() + j / region.width();
                int column = region.left() + j % region.width();
                tokenOfRow[k * maxSize + j] = prefixTokens + row * patchColumns + column;
            }
        }
    }

    /**
     * Creates the transform of the regions R_1 ... R_K.
     *
     * @param grid the regions
     * @param prefixTokens the number P of tokens before the patches
     * @return the transform
     */
    public static RegionTransform ofRegions(RegionGrid grid, int prefixTokens) {
        return of(grid, grid.regions(), prefixTokens);
    }

    /**
     * Creates the transform of the centre region R_c alone, K = 1.
     *
     * @param grid the regions
     * @param prefixTokens the number P of tokens before the patches
     * @return the transform
     */
    public static RegionTransform ofCenter(RegionGrid grid, int prefixTokens) {
        return of(grid, List.of(grid.center()), prefixTokens);
    }

    private static RegionTransform of(RegionGrid grid, List<Region> regions, int prefixTokens) {
        int numTokens = prefixTokens + grid.patches();
        return new RegionTransform(regions, grid.patchColumns(), numTokens, prefixTokens);
    }

    /**
     * Returns the number M of patches of the largest region.
     *
     * @return M, 1 or more
     */
    public int maxSize() {
        return maxSize;
    }

    /**
     * P2R: gathers the tokens of each region.
     *
     * @param tokens (B,T,D)
     * @return (K,B M,D), zero where a region has fewer than M patches
     */
    public NDArray toRegions(NDArray tokens) {
        Shape shape = tokens.getShape();
        long batch = shape.get(0);
        long dim = shape.get(2);
        return selection(tokens)
                .matMul(tokens)
                .reshape(batch, numRegions, maxSize, dim)
                .transpose(1, 0, 2, 3)
                .reshape(numRegions, batch * maxSize, dim);
    }

    /**
     * R2P: scatters the tokens of each region back to their places.
     *
     * @param regionTokens (K,B M,D)
     * @return (B,T,D), zero where no region reaches
     */
    public NDArray toTokens(NDArray regionTokens) {
        long dim = regionTokens.getShape().get(2);
        NDArray rows = regionTokens
                .reshape(numRegions, -1, maxSize, dim)
                .transpose(1, 0, 2, 3)
                .reshape(-1, numRegions * maxSize, dim);
        return selection(regionTokens).transpose().matMul(rows);
    }

    /**
     * P2R of a gate: the mean over each region.
     *
     * @param values one or more numbers a token (B,T,C)
     * @return (B,K,C)
     */
    public NDArray mean(NDArray values) {
        NDManager manager = values.getManager();
        NDArray members =
                selection(values).reshape(numRegions, maxSize, numTokens).sum(new int[] {1});
        return members.div(manager.create(sizes, new Shape(numRegions, 1))).matMul(values);
    }

    /**
     * Multiplies the tokens of each region by its weight: W (.) Z_region.
     *
     * @param regionTokens (K,B M,D)
     * @param weights (B,K)
     * @return (K,B M,D)
     */
    public NDArray weigh(NDArray regionTokens, NDArray weights) {
        Shape shape = regionTokens.getShape();
        NDArray factors = weights.transpose().reshape(numRegions, -1, 1, 1);
        return regionTokens
                .reshape(numRegions, -1, maxSize, shape.get(2))
                .mul(factors)
                .reshape(shape);
    }

    /** S, made on the device of its operand from a few indices, so nothing has to be kept there. */
    private NDArray selection(NDArray operand) {
        NDManager manager = operand.getManager();
        NDArray tokenOfRow = manager.create(this.tokenOfRow).expandDims(1);
        NDArray token = manager.create(tokenIndices()).expandDims(0);
        return tokenOfRow.eq(token).toType(operand.getDataType(), false);
    }

    private int[] tokenIndices() {
        int[] indices = new int[numTokens];
        Arrays.setAll(indices, i -> i);
        return indices;
    }
}
