package io.github.remoe.train;

/**
 * The paper's learning rate: a linear warm-up, then a constant rate that falls by a factor at each
 * milestone.
 *
 * <p>At step t, counted from 1 as DJL does, the rate is base t / warmUpSteps during the warm-up, and
 * base factor^m after it, m being the number of milestones before t. The rate depends on t alone;
 * DJL's own {@code MultiFactorTracker} changes itself when asked.
 */
public final class WarmUpMilestones extends WarmUp {

    private final float baseValue;
    private final int[] milestones;
    private final float factor;

    /**
     * Creates the tracker.
     *
     * @param baseValue the rate after the warm-up
     * @param warmUpSteps the number of steps of the warm-up, 0 for none
     * @param factor what the rate is multiplied by at a milestone
     * @param milestones after how many steps the rate falls, in any order
     */
    public WarmUpMilestones(float baseValue, int warmUpSteps, float factor, int... milestones) {
        super(baseValue, warmUpSteps);
        this.baseValue = baseValue;
        this.factor = factor;
        this.milestones = milestones.clone();
    }

    @Override
    float afterWarmUp(int numUpdate) {
        float value = baseValue;
        for (int milestone : milestones) {
            if (numUpdate > milestone) {
                value *= factor;
            }
        }
        return value;
    }
}
