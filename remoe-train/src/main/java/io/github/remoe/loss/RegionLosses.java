package io.github.remoe.loss;

/**
 * Which of the paper's region losses a training scheme uses (section "Region-aware Optimization").
 * Each needs a network with ReMoE blocks and a pass over the clean images.
 *
 * @param adaptive whether {@link RegionAdaptiveWeights} weigh the scheme's two terms image by image
 * @param beta the weight of the clean term where no region weight moves, 0 to 1; the paper's is 0.5
 * @param lambdaAlign the weight of {@link RegionAlignmentLoss}, 0 or more; 0 leaves it out
 */
public record RegionLosses(boolean adaptive, float beta, float lambdaAlign) {

    /** Neither of them: the scheme as its authors wrote it. */
    public static final RegionLosses NONE = new RegionLosses(false, 0.5f, 0);

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public RegionLosses {
        RegionAdaptiveWeights.checkBeta(beta);
        RegionAlignmentLoss.checkWeight(lambdaAlign);
    }

    /**
     * Returns whether one of them is used.
     *
     * @return true unless the settings come to {@link #NONE}
     */
    public boolean any() {
        return adaptive || aligned();
    }

    /**
     * Returns whether the alignment loss is used.
     *
     * @return true if lambdaAlign is not 0
     */
    public boolean aligned() {
        return lambdaAlign > 0;
    }
}
