package io.github.remoe.train;

/**
 * A linear warm-up, then half a cosine wave down to a least rate (Loshchilov and Hutter 2017, without
 * restarts).
 *
 * <p>At step t, counted from 1 as DJL does, the rate is base t / warmUpSteps during the warm-up, and
 * min + (base - min) (1 + cos(pi p)) / 2 after it, with p = (t - 1 - warmUpSteps) / (steps -
 * warmUpSteps): PyTorch's {@code CosineAnnealingLR}, stepped after each update. So the first step
 * after the warm-up still has the base rate, and the least one is reached after the last step, where
 * it stays. The rate depends on t alone.
 */
public final class WarmUpCosine extends WarmUp {

    private final float baseValue;
    private final int warmUpSteps;
    private final int steps;
    private final float minValue;

    /**
     * Creates the tracker.
     *
     * @param baseValue the rate after the warm-up
     * @param warmUpSteps the number of steps of the warm-up, 0 for none
     * @param steps the number of all steps, the warm-up included
     * @param minValue the least rate after the warm-up
     * @throws IllegalArgumentException if there are no steps after the warm-up
     */
    public WarmUpCosine(float baseValue, int warmUpSteps, int steps, float minValue) {
        super(baseValue, warmUpSteps);
        if (warmUpSteps >= steps) {
            throw new IllegalArgumentException(String.format(
                    "A warm-up of %d steps leaves none of all %d steps to the cosine: shorten it.",
                    warmUpSteps, steps));
        }
        this.baseValue = baseValue;
        this.warmUpSteps = warmUpSteps;
        this.steps = steps;
        this.minValue = minValue;
    }

    @Override
    float afterWarmUp(int numUpdate) {
        int done = Math.min(Math.max(numUpdate - 1 - warmUpSteps, 0), steps - warmUpSteps);
        double wave = (1 + Math.cos(Math.PI * done / (steps - warmUpSteps))) / 2;
        return (float) (minValue + (baseValue - minValue) * wave);
    }
}
