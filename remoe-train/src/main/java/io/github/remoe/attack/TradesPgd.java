package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

/**
 * PGD as TRADES (Zhang et al. 2019) and, after it, MART (Wang et al. 2020) train with it: from the
 * image plus 0.001 times standard normal noise, {@code steps} steps as {@link Pgd} takes them, to the
 * last point, whatever the model makes of it.
 *
 * <p>TRADES maximises {@link LogitLoss#KL}, which has no gradient at the image itself, and MART
 * {@link LogitLoss#CROSS_ENTROPY}. Labels may be soft (B,K) with either.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps, at least 1
 */
public record TradesPgd(ThreatModel threatModel, AttackLoss loss, float stepSize, int steps)
        implements Attack {

    private static final float DEVIATION = 0.001f;

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public TradesPgd {
        GradientAscent.check(loss, null, stepSize, steps);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return new GradientAscent(
                        threatModel, loss, null, stepSize, steps, 1, TradesPgd::nearImage, 0, false)
                .lastPoint(model, images, labels, seeds);
    }

    private static NDArray nearImage(NDArray images, long[] seeds, int restart) {
        return Noise.gaussian(images, seeds, restart).muli(DEVIATION).addi(images);
    }
}
