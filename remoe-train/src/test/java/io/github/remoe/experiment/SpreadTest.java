package io.github.remoe.experiment;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;

class SpreadTest {

    @Test
    void deviationIsTheSamples() {
        // Mean 50, squares 4 + 0 + 4, over 3 - 1.
        assertThat(Spread.of(List.of(48.0, 50.0, 52.0))).isEqualTo(new Spread(3, 50, 2));
        assertThat(Spread.of(List.of(48.0, 50.0, 52.0))).hasToString("50.0 ± 2.0");
        assertThat(Spread.of(List.of(-1.0, -2.0)).signed()).isEqualTo("-1.5 ± 0.7");
    }

    @Test
    void oneRunHasNoDeviation() {
        assertThat(Spread.of(List.of(47.25))).isEqualTo(new Spread(1, 47.25, Double.NaN));
        assertThat(Spread.of(List.of(47.2))).hasToString("47.2");
        assertThat(Spread.of(List.of(2.0)).signed()).isEqualTo("+2.0");
    }

    @Test
    void noRunHasNoMean() {
        assertThat(Spread.of(List.of())).isEqualTo(new Spread(0, Double.NaN, Double.NaN));
    }
}
