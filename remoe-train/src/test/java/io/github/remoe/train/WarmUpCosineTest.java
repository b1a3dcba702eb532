package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class WarmUpCosineTest {

    // Steps count from 1. The rate rises over 2 steps, then falls from 1 to 0.2 over 4: the cosines
    // of 0, 45, 90, 135 and 180 degrees.
    @ParameterizedTest
    @CsvSource({
        "1, 0.5",
        "2, 1",
        "3, 1",
        "4, 0.8828427",
        "5, 0.6",
        "6, 0.3171573",
        "7, 0.2",
        "8, 0.2",
        "1000000, 0.2"
    })
    void theRateRisesFallsAndStays(int step, double rate) {
        WarmUpCosine rates = new WarmUpCosine(1, 2, 6, 0.2f);

        assertThat((double) rates.getNewValue(step)).isCloseTo(rate, within(1e-6));
    }

    @Test
    void withoutWarmUpTheFirstStepHasTheFullRate() {
        assertThat(new WarmUpCosine(0.1f, 0, 5, 0).getNewValue(1)).isEqualTo(0.1f);
    }

    @Test
    void theWarmUpLeavesSteps() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new WarmUpCosine(0.1f, 5, 5, 0))
                .withMessageContaining("warm-up of 5 steps leaves none of all 5 steps");
    }
}
