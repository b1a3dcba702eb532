package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WarmUpMilestonesTest {

    private static final double TOLERANCE = 1e-8;

    // Steps count from 1. The rate rises over 4 steps and falls after steps 6 and 8.
    @ParameterizedTest
    @CsvSource({
        "1, 0.025",
        "2, 0.05",
        "3, 0.075",
        "4, 0.1",
        "5, 0.1",
        "6, 0.1",
        "7, 0.01",
        "8, 0.01",
        "9, 0.001",
        "1000000, 0.001"
    })
    void theRateRisesStaysAndFalls(int step, double rate) {
        WarmUpMilestones rates = new WarmUpMilestones(0.1f, 4, 0.1f, 8, 6);

        assertThat((double) rates.getNewValue(step)).isCloseTo(rate, within(TOLERANCE));
    }

    @Test
    void withoutWarmUpTheFirstStepHasTheFullRate() {
        assertThat(new WarmUpMilestones(0.1f, 0, 0.1f).getNewValue(1)).isEqualTo(0.1f);
    }

    @Test
    void theRateDependsOnTheStepAlone() {
        WarmUpMilestones rates = new WarmUpMilestones(0.1f, 4, 0.1f, 6);
        rates.getNewValue(100);

        assertThat(rates.getNewValue(2)).isEqualTo(0.05f);
    }

    @Test
    void milestonesAreCopied() {
        int[] milestones = {6};
        WarmUpMilestones rates = new WarmUpMilestones(0.1f, 0, 0.1f, milestones);
        milestones[0] = 0;

        assertThat(rates.getNewValue(6)).isEqualTo(0.1f);
    }
}
