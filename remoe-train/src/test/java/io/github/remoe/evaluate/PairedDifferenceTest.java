package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PairedDifferenceTest {

    // Score intervals by hand: 0 of 100 goes up to 0.0370, 20 of 100 from 0.1334 to 0.2888.
    @ParameterizedTest
    @CsvSource({
        "0, 0, 100, 0, -0.0370, 0.0370",
        "20, 0, 100, 0.2, 0.1238, 0.2888",
        "0, 20, 100, -0.2, -0.2888, -0.1238"
    })
    void handWorked(long first, long second, long total, double value, double lower, double upper) {
        PairedDifference difference = new PairedDifference(first, second, total);

        assertThat(difference.value()).isCloseTo(value, within(1e-9));
        assertThat(difference.lower()).isCloseTo(lower, within(1e-4));
        assertThat(difference.upper()).isCloseTo(upper, within(1e-4));
    }

    @Test
    void whatCountsForOneCannotCountForTheOther() {
        // 50 and 50 of 100: each image is a fair coin, +1 or -1, so 1.96 / sqrt(100) either way.
        PairedDifference coins = new PairedDifference(50, 50, 100);

        assertThat(coins.value()).isZero();
        assertThat(coins.upper()).isCloseTo(0.196, within(0.005));
        assertThat(coins.lower()).isEqualTo(-coins.upper());
    }

    @Test
    void allOfOneStaysFinite() {
        assertThat(new PairedDifference(10, 0, 10).upper()).isEqualTo(1);
        assertThat(new PairedDifference(10, 0, 10).lower()).isBetween(0.5, 1.0);
    }
}
