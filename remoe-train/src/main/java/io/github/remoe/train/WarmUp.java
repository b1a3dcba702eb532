package io.github.remoe.train;

import ai.djl.training.tracker.Tracker;

/** A linear warm-up before another schedule: base t / steps at step t, counted from 1 as DJL does. */
abstract class WarmUp implements Tracker {

    private final float baseValue;
    private final int warmUpSteps;

    WarmUp(float baseValue, int warmUpSteps) {
        this.baseValue = baseValue;
        this.warmUpSteps = warmUpSteps;
    }

    /** {@inheritDoc} */
    @Override
    public final float getNewValue(int numUpdate) {
        return numUpdate < warmUpSteps
                ? baseValue * numUpdate / warmUpSteps
                : afterWarmUp(numUpdate);
    }

    /** The value from the last step of the warm-up on, which has the base value. */
    abstract float afterWarmUp(int numUpdate);
}
