package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SoftLabelsTest {

    private NDManager manager;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        labels = manager.create(new long[] {2, 0});
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void theTrueClassKeepsMostAndAllGetAShare() {
        NDArray smoothed = SoftLabels.smoothed(labels, 4, 0.1f);

        assertThat(smoothed.getShape()).isEqualTo(new Shape(2, 4));
        assertThat(smoothed.getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(Tensors.doubles(smoothed))
                .containsExactly(
                        new double[] {
                            0.025, 0.025, 0.925, 0.025, //
                            0.925, 0.025, 0.025, 0.025
                        },
                        within(1e-7));
    }

    @Test
    void withoutSmoothingTheyAreOneHot() {
        assertThat(Tensors.doubles(SoftLabels.smoothed(labels, 3, 0)))
                .containsExactly(0, 0, 1, 1, 0, 0);
    }

    @Test
    void labelsMayBeOfAnyNumberType() {
        assertThat(Tensors.doubles(
                        SoftLabels.smoothed(labels.toType(DataType.FLOAT32, false), 3, 0.3f)))
                .isEqualTo(Tensors.doubles(SoftLabels.smoothed(labels, 3, 0.3f)));
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SoftLabels.smoothed(labels, 2, 0.1f))
                .withMessageContaining("Label 2");
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1.1f, Float.NaN})
    void theStrengthIsAShare(float smoothing) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SoftLabels.smoothed(labels, 3, smoothing))
                .withMessageContaining("smoothing must be 0 to 1");
    }
}
