package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Step sizes by hand: with 20 steps, checkpoints are at 4, 7, 9, 10, 11, ... */
class ApgdScheduleTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** The step size of one image after each loss, starting at 8. */
    private List<Float> stepSizes(float rho, float startLoss, double... losses) {
        List<Float> stepSizes = new ArrayList<>();
        try (ApgdSchedule schedule = new ApgdSchedule(array(startLoss), 8, 20, rho)) {
            for (double loss : losses) {
                schedule.observe(array((float) loss));
                if (schedule.isCheckpoint()) {
                    schedule.halve();
                }
                stepSizes.add(schedule.stepSizes().getFloat(0));
            }
        }
        return stepSizes;
    }

    private NDArray array(float... numbers) {
        return manager.create(numbers);
    }

    @Test
    void checkpointsOf100StepsAreThePapers() {
        // p: 0, 0.22, then p + max(the last difference - 0.03, 0.06).
        assertThat(ApgdSchedule.checkpoints(100)).containsExactly(22, 41, 57, 70, 80, 87, 93, 99);
    }

    @Test
    void checkpointsOfFewSteps() {
        assertThat(ApgdSchedule.checkpoints(20))
                .containsExactly(4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
        assertThat(ApgdSchedule.checkpoints(1)).containsExactly(1);
        assertThat(ApgdSchedule.checkpoints(3)).containsExactly(1, 2, 3);
    }

    @Test
    void aLossThatAlwaysRisesKeepsItsStep() {
        assertThat(stepSizes(0.75f, 0.5f, 1, 2, 3, 4, 5, 6, 7))
                .containsExactly(8f, 8f, 8f, 8f, 8f, 8f, 8f);
    }

    @Test
    void aLossThatRisesInNoMoreThanAShareRhoOfTheStepsHasItsStepHalved() {
        // 3 rises of 4, no more than 0.75 * 4.
        assertThat(stepSizes(0.75f, 0.5f, 1, 2, 3, 2.9)).containsExactly(8f, 8f, 8f, 4f);
        assertThat(stepSizes(0.74f, 0.5f, 1, 2, 3, 2.9)).containsExactly(8f, 8f, 8f, 8f);
        // The next period counts anew: 3 rises of 3.
        assertThat(stepSizes(0.75f, 0.5f, 1, 2, 3, 2.9, 3.1, 3.2, 3.3))
                .containsExactly(8f, 8f, 8f, 4f, 4f, 4f, 4f);
        // 2 of 3, which is less than 0.75 * 3; a loss that stays does not rise.
        assertThat(stepSizes(0.75f, 0.5f, 1, 2, 3, 4, 4, 5, 6))
                .containsExactly(8f, 8f, 8f, 8f, 8f, 8f, 4f);
    }

    @Test
    void theFirstStepsLossIsComparedWithZero() {
        // Below the start's loss, but above 0.
        assertThat(stepSizes(0.75f, 5f, 1, 2, 3, 4)).endsWith(8f);
        // Above the start's loss, but below 0.
        assertThat(stepSizes(0.75f, -5f, -4, -3, -2, -1)).endsWith(4f);
    }

    @Test
    void aHighestLossThatStaysHasItsStepHalvedUnlessItJustWas() {
        // With rho 0 only a period without any rise oscillates. The start's loss stays the highest:
        // not halved at 4, where the second condition does not count yet; halved at 7; not at 9,
        // right after; halved at 10.
        double[] losses = {1, 2, 1, 2, 1, 2, 1, 2, 1, 2};
        assertThat(stepSizes(0, 9, losses)).containsExactly(8f, 8f, 8f, 8f, 8f, 8f, 4f, 4f, 4f, 2f);
        // The highest loss rises in each period.
        assertThat(stepSizes(0, 1.5f, 1, 2, 1, 2, 1, 3, 1, 4)).endsWith(8f);
    }

    @Test
    void imagesAreHalvedEachForItself() {
        try (ApgdSchedule schedule = new ApgdSchedule(array(0, 0), 8, 20, 0.75f)) {
            schedule.observe(array(1, 1));
            schedule.observe(array(2, 0));
            schedule.observe(array(3, 3));
            NDArray higher = schedule.observe(array(4, 2));

            assertThat(higher.toBooleanArray()).containsExactly(true, false);
            assertThat(schedule.isCheckpoint()).isTrue();
            assertThat(schedule.halve().toBooleanArray()).containsExactly(false, true);
            assertThat(schedule.stepSizes().toFloatArray()).containsExactly(8, 4);
            assertThat(schedule.highest().toFloatArray()).containsExactly(4, 3);
            assertThat(schedule.isCheckpoint()).isFalse();
        }
    }
}
