package io.github.remoe.inference;

import io.github.remoe.moe.Region;
import io.github.remoe.moe.RegionGrid;

import java.util.List;

/**
 * What a ReMoE layer did with an image: where its attention went, what the gate made of it, and which
 * experts the router left on. {@link RegionInspector} reads it from a forward pass.
 *
 * @param weights the region weights W as the gate gave them, dense
 * @param routed the weights after top-k, by which the outputs of the regional experts were
 *     multiplied, row by row; 0 for a region that was switched off, mean 1. All are 0 if the layer has
 *     no regional experts
 * @param saliency the saliency s of each patch, row by row: the attention that it gets, not negative
 * @param gatedBySaliency whether W is made of the saliency, as {@link io.github.remoe.moe.AeaGate}
 *     does: the mean of s over each region, scaled to mean 1. If not, the gate did not look at it
 * @param grid the regions over the patches
 * @param center the region of the centre expert, or null if the layer has none
 */
public record RegionRouting(
        RegionWeights weights,
        List<Float> routed,
        List<Float> saliency,
        boolean gatedBySaliency,
        RegionGrid grid,
        Region center) {

    /**
     * Checks the numbers of weights and patches.
     *
     * @throws IllegalArgumentException if there is not one weight, before and after top-k, for each
     *     region, or not one saliency for each patch
     */
    public RegionRouting {
        routed = List.copyOf(routed);
        saliency = List.copyOf(saliency);
        if (weights.rows() != grid.rows()
                || weights.columns() != grid.columns()
                || routed.size() != grid.size()
                || saliency.size() != grid.patches()) {
            throw new IllegalArgumentException(String.format(
                    "%d x %d weights, %d after top-k and the saliency of %d patches do not fit %s.",
                    weights.rows(), weights.columns(), routed.size(), saliency.size(), grid));
        }
    }

    /**
     * Returns the layer.
     *
     * @return the layer, counted from 1
     */
    public int layer() {
        return weights.layer();
    }

    /**
     * Tells whether the expert of a region was on.
     *
     * @param region the region, counted from 0 row by row
     * @return false if top-k switched it off, or the layer has no regional experts
     */
    public boolean isOn(int region) {
        return routed.get(region) > 0;
    }

    /**
     * Returns the saliency in the unit of W: 1 is the mean of the regions, so that the mean over a
     * region is its weight if W is {@linkplain #gatedBySaliency() made of the saliency}.
     *
     * @return one number a patch, row by row; all 1 if no patch has any saliency
     */
    public List<Float> relativeSaliency() {
        double mean = grid.regions().stream().mapToDouble(this::meanSaliency).sum() / grid.size();
        return saliency.stream()
                .map(value -> mean == 0 ? 1f : (float) (value / mean))
                .toList();
    }

    private double meanSaliency(Region region) {
        double sum = 0;
        for (int row = region.top(); row < region.top() + region.height(); row++) {
            for (int column = region.left(); column < region.left() + region.width(); column++) {
                sum += saliency.get(row * grid.patchColumns() + column);
            }
        }
        return sum / region.size();
    }
}
