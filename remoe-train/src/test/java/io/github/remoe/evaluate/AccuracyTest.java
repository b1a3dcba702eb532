package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AccuracyTest {

    /** The bounds are those of SciPy's {@code binomtest(...).proportion_ci(method="wilson")}. */
    @ParameterizedTest
    @CsvSource({
        "5, 10, 0.236593090512564, 0.763406909487436",
        "81, 263, 0.2552885198782742, 0.3662095769828",
        "0, 10, 0, 0.2775327998628893",
        "10, 10, 0.7224672001371109, 1",
        "1, 1, 0.2065493143772375, 1",
        "5953, 10000, 0.5856450150638163, 0.604881794846733"
    })
    void theIntervalIsWilsons(long correct, long total, double lower, double upper) {
        Accuracy accuracy = new Accuracy(correct, total);

        assertThat(accuracy.value()).isEqualTo((double) correct / total);
        assertThat(accuracy.lower()).isEqualTo(lower, within(1e-14));
        assertThat(accuracy.upper()).isEqualTo(upper, within(1e-14));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "-1, 3", "4, 3"})
    void countsThatAreNoShareAreRefused(long correct, long total) {
        assertThatIllegalArgumentException().isThrownBy(() -> new Accuracy(correct, total));
    }
}
