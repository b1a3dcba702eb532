package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class MedianRangeTest {

    @Test
    void isTheMiddleOrTheMeanOfTheTwoThere() {
        assertThat(MedianRange.of(List.of(5.0, 1.0, 2.0))).isEqualTo(new MedianRange(2, 1, 5));
        assertThat(MedianRange.of(List.of(5.0, 1.0, 2.0, 4.0))).isEqualTo(new MedianRange(3, 1, 5));
        assertThat(MedianRange.of(List.of(7.0))).isEqualTo(new MedianRange(7, 7, 7));
    }

    @Test
    void ratiosAreOfPairsNotOfMedians() {
        // 4/1, 4/8, 9/3; the medians' ratio would be 4/3.
        assertThat(MedianRange.ofRatios(List.of(4.0, 4.0, 9.0), List.of(1.0, 8.0, 3.0)))
                .isEqualTo(new MedianRange(3, 0.5, 4));
    }

    @Test
    void refusesNothingAndWhatIsNotPaired() {
        assertThatThrownBy(() -> MedianRange.of(List.of()))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> MedianRange.ofRatios(List.of(1.0), List.of(1.0, 2.0)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Ratios are of pairs, but there are 1 and 2 values.");
    }
}
