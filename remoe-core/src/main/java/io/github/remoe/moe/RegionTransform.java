package io.github.remoe.moe;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.autograd.Constants;

import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/**
 * Patch-to-region (P2R) and region-to-patch (R2P) for regions of a grid (paper, sections "P2R" and
 * "R2P").
 *
 * <p>The bounds of the regions cut the patch grid into cells, row by row and column by column; each
 * region is one of the cells. P2R splits the tokens there and stacks the regions' cells, R2P puts cells
 * side by side again, zeros where there is no region: tokens are copied, and nothing is computed. A
 * region that is smaller than the largest is padded with zeros below and on the right, which R2P drops.
 */
public final class RegionTransform {

    private static final int NONE = -1;

    private final int prefixTokens;
    private final int patchColumns;
    private final int numTokens;
    private final int numRegions;
    private final int maxHeight;
    private final int maxWidth;
    private final int[] rowBounds;
    private final int[] columnBounds;
    private final int[][] regionOfCell;
    private final float[] shares;

    private RegionTransform(RegionGrid grid, List<Region> regions, int prefixTokens) {
        this.prefixTokens = prefixTokens;
        patchColumns = grid.patchColumns();
        numTokens = prefixTokens + grid.patches();
        numRegions = regions.size();
        maxHeight = regions.stream().mapToInt(Region::height).max().orElseThrow();
        maxWidth = regions.stream().mapToInt(Region::width).max().orElseThrow();
        rowBounds = bounds(grid.patchRows(), regions, Region::top, Region::height);
        columnBounds = bounds(patchColumns, regions, Region::left, Region::width);
        regionOfCell = new int[rowBounds.length - 1][columnBounds.length - 1];
        shares = new float[numRegions * numTokens];
        for (int[] row : regionOfCell) {
            Arrays.fill(row, NONE);
        }
        for (int k = 0; k < numRegions; k++) {
            Region region = regions.get(k);
            int row = Arrays.binarySearch(rowBounds, region.top());
            int column = Arrays.binarySearch(columnBounds, region.left());
            regionOfCell[row][column] = k;
            for (int token = prefixTokens; token < numTokens; token++) {
                int patch = token - prefixTokens;
                if (region.contains(patch / patchColumns, patch % patchColumns)) {
                    shares[k * numTokens + token] = 1f / region.size();
                }
            }
        }
    }

    /** Where the regions begin and end along one side of the patch grid, its own ends included. */
    private static int[] bounds(
            int end,
            List<Region> regions,
            ToIntFunction<Region> start,
            ToIntFunction<Region> length) {
        return IntStream.concat(
                        IntStream.of(0, end),
                        regions.stream()
                                .flatMapToInt(region -> IntStream.of(
                                        start.applyAsInt(region),
                                        start.applyAsInt(region) + length.applyAsInt(region))))
                .distinct()
                .sorted()
                .toArray();
    }

    /**
     * Creates the transform of the regions R_1 ... R_K.
     *
     * @param grid the regions
     * @param prefixTokens the number P of tokens before the patches
     * @return the transform
     */
    public static RegionTransform ofRegions(RegionGrid grid, int prefixTokens) {
        return new RegionTransform(grid, grid.regions(), prefixTokens);
    }

    /**
     * Creates the transform of the centre region R_c alone, K = 1.
     *
     * @param grid the regions
     * @param prefixTokens the number P of tokens before the patches
     * @return the transform
     */
    public static RegionTransform ofCenter(RegionGrid grid, int prefixTokens) {
        return new RegionTransform(grid, List.of(grid.center()), prefixTokens);
    }

    /**
     * Returns the number M of patches of a region with its padding: the largest height times the
     * largest width.
     *
     * @return M, 1 or more
     */
    public int maxSize() {
        return maxHeight * maxWidth;
    }

    /**
     * P2R: gathers the tokens of each region.
     *
     * @param tokens (B,T,D)
     * @return (B,M,K,D), zero where a region is smaller than the largest
     */
    public NDArray toRegions(NDArray tokens) {
        long batch = tokens.getShape().get(0);
        long dim = tokens.getShape().get(2);
        NDArray[] regions = new NDArray[numRegions];
        // Splitting is one pass on the way back, taking a part at a time would be one for each.
        NDList bands = tokens.split(firstTokens(), 1);
        for (int i = 0; i < regionOfCell.length; i++) {
            NDList cells = bands.get(i + 1)
                    .reshape(batch, height(i), patchColumns, dim)
                    .split(inner(columnBounds), 2);
            for (int j = 0; j < cells.size(); j++) {
                if (regionOfCell[i][j] != NONE) {
                    regions[regionOfCell[i][j]] = padded(cells.get(j));
                }
            }
        }
        return NDArrays.stack(new NDList(regions), 3).reshape(batch, maxSize(), numRegions, dim);
    }

    /**
     * R2P: scatters the tokens of each region back to their places.
     *
     * @param regionTokens (B,M,K,D)
     * @return (B,T,D), zero where no region reaches
     */
    public NDArray toTokens(NDArray regionTokens) {
        long batch = regionTokens.getShape().get(0);
        long dim = regionTokens.getShape().get(3);
        NDList regions = regionTokens
                .reshape(batch, maxHeight, maxWidth, numRegions, dim)
                .split(numRegions, 3);
        NDList bands = new NDList(zeros(regionTokens, batch, prefixTokens, dim));
        for (int i = 0; i < regionOfCell.length; i++) {
            NDList cells = new NDList();
            for (int j = 0; j < regionOfCell[i].length; j++) {
                int region = regionOfCell[i][j];
                cells.add(
                        region == NONE
                                ? zeros(regionTokens, batch, height(i), width(j), dim)
                                : cropped(regions.get(region).squeeze(3), height(i), width(j)));
            }
            bands.add(NDArrays.concat(cells, 2).reshape(batch, height(i) * patchColumns, dim));
        }
        return NDArrays.concat(bands, 1);
    }

    /** The first token of each row of cells. */
    private long[] firstTokens() {
        return Arrays.stream(rowBounds, 0, rowBounds.length - 1)
                .mapToLong(row -> prefixTokens + (long) row * patchColumns)
                .toArray();
    }

    private static long[] inner(int[] bounds) {
        return Arrays.stream(bounds, 1, bounds.length - 1).asLongStream().toArray();
    }

    private long height(int row) {
        return rowBounds[row + 1] - rowBounds[row];
    }

    private long width(int column) {
        return columnBounds[column + 1] - columnBounds[column];
    }

    /** (B,height,width,D) to (B,maxHeight,maxWidth,D). */
    private NDArray padded(NDArray cell) {
        long batch = cell.getShape().get(0);
        long height = cell.getShape().get(1);
        long width = cell.getShape().get(2);
        long dim = cell.getShape().get(3);
        NDArray padded = cell;
        if (width < maxWidth) {
            padded = padded.concat(zeros(cell, batch, height, maxWidth - width, dim), 2);
        }
        if (height < maxHeight) {
            padded = padded.concat(zeros(cell, batch, maxHeight - height, maxWidth, dim), 1);
        }
        return padded;
    }

    private NDArray cropped(NDArray cell, long height, long width) {
        return height == maxHeight && width == maxWidth
                ? cell
                : cell.get(":, :{}, :{}", height, width);
    }

    private static NDArray zeros(NDArray like, long... shape) {
        return like.getManager().zeros(new Shape(shape), like.getDataType(), like.getDevice());
    }

    /**
     * P2R of a gate: the mean over each region.
     *
     * @param values one or more numbers a token (B,T,C)
     * @return (B,K,C)
     */
    public NDArray mean(NDArray values) {
        NDArray members =
                Constants.of(values.getManager(), shares, new Shape(numRegions, numTokens));
        return members.toType(values.getDataType(), false).matMul(values);
    }

    /**
     * Multiplies the tokens of each region by its weight: W (.) Z_region.
     *
     * @param regionTokens (B,M,K,D)
     * @param weights (B,K)
     * @return (B,M,K,D)
     */
    public NDArray weigh(NDArray regionTokens, NDArray weights) {
        return regionTokens.mul(weights.reshape(-1, 1, numRegions, 1));
    }
}
