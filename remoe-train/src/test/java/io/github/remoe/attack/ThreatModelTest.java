package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ThreatModelTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Images of two pixels. */
    private NDArray images(double... pixels) {
        return Tensors.array(manager, new Shape(pixels.length / 2, 1, 1, 2), pixels);
    }

    @Test
    void distancesAreThoseOfTheNorm() {
        NDArray images = images(0, 0, 0.5, 0.5);
        NDArray moved = images(0.3, 0.4, 0.5, 0.4);

        assertThat(Tensors.doubles(ThreatModel.linf(1).distance(moved, images)))
                .containsExactly(new double[] {0.4, 0.1}, within(1e-6));
        assertThat(Tensors.doubles(ThreatModel.l2(1).distance(moved, images)))
                .containsExactly(new double[] {0.5, 0.1}, within(1e-6));
    }

    @Test
    void pointsAreProjectedOntoTheBallAndThenIntoTheRange() {
        NDArray images = images(0.2, 0.2, 0.9, 0.5);
        NDArray moved = images(0.5, 0.6, 1.5, 1.3);

        assertThat(Tensors.doubles(ThreatModel.linf(0.2f).project(moved, images)))
                .containsExactly(new double[] {0.4, 0.4, 1, 0.7}, within(1e-6));
        assertThat(Tensors.doubles(ThreatModel.l2(0.25f).project(moved, images)))
                .containsExactly(
                        new double[] {0.2 + 0.15, 0.2 + 0.2, 1, 0.5 + 0.25 * 0.8}, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.3f})
    void pointsInsideStayToTheLastBit(float epsilon) {
        NDArray images = images(0.2, 0.2, 0.9, 0.5);
        NDArray inside = images.add(epsilon / 3);

        for (ThreatModel threat :
                new ThreatModel[] {ThreatModel.linf(epsilon), ThreatModel.l2(epsilon)}) {
            // Moved by the difference, which rounds.
            float[] expected = images.add(inside.sub(images)).toFloatArray();
            assertThat(threat.project(inside, images).toFloatArray()).isEqualTo(expected);
        }
    }

    @Test
    void theSteepestAscentHasLengthOne() {
        NDArray gradient = images(3, -4, 3e-30, -4e-30, 3e30, -4e30, 0, 0);

        assertThat(Tensors.doubles(ThreatModel.l2(1).steepestAscent(gradient)))
                .containsExactly(
                        new double[] {0.6, -0.8, 0.6, -0.8, 0.6, -0.8, 0, 0}, within(1e-6));
        assertThat(Tensors.doubles(ThreatModel.linf(1).steepestAscent(gradient)))
                .containsExactly(1, -1, 1, -1, 1, -1, 0, 0);
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.01f, Float.POSITIVE_INFINITY, Float.NaN})
    void epsilonIsFiniteAndNotNegative(float epsilon) {
        for (Norm norm : Norm.values()) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new ThreatModel(norm, epsilon, 0, 1))
                    .withMessageContaining("epsilon")
                    .withMessageContaining("8/255f");
        }
    }

    @Test
    void inLinfEpsilonIsNoWiderThanTheRange() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ThreatModel.linf(8))
                .withMessageContaining("at most 1.0; got 8.0");
        assertThat(new ThreatModel(Norm.LINF, 8, 0, 255).epsilon()).isEqualTo(8);
        assertThat(ThreatModel.l2(8).epsilon()).isEqualTo(8);
    }

    @ParameterizedTest
    @CsvSource({"1, 0", "0, 0", "NaN, 1", "0, Infinity"})
    void theRangeGoesUp(float pixelMin, float pixelMax) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ThreatModel(Norm.L2, 0.1f, pixelMin, pixelMax))
                .withMessageContaining("smaller to a larger");
    }

    @Test
    void anotherRadiusKeepsTheRest() {
        assertThat(new ThreatModel(Norm.L2, 1, -1, 2).withEpsilon(3))
                .isEqualTo(new ThreatModel(Norm.L2, 3, -1, 2));
    }
}
