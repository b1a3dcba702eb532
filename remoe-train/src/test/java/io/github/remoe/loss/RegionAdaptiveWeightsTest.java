package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionAdaptiveWeightsTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray twoByTwo(double... numbers) {
        return Tensors.array(manager, new Shape(2, 2), numbers);
    }

    private NDList predictions(NDArray cleanWeights, NDArray adversarialWeights) {
        NDArray logits = manager.zeros(new Shape(2, 3));
        return new NDList(logits, cleanWeights, logits, adversarialWeights);
    }

    @Test
    void twoImagesComeOutAsByHand() {
        // d = 0 and sqrt(0.36 + 0.36); the largest d is the second, so gamma = exp(-0), exp(-1).
        NDArray gamma = RegionAdaptiveWeights.gamma(
                predictions(twoByTwo(1, 1, 1, 1), twoByTwo(1, 1, 1.6, 0.4)));

        assertThat(Tensors.doubles(gamma))
                .containsExactly(new double[] {1, 0.367879}, within(1e-6));
        // beta~ = 0.5 gamma / (0.5 gamma + 0.5) = 0.5 and 0.367879 / 1.367879.
        assertThat(Tensors.doubles(new RegionAdaptiveWeights(0.5f).cleanWeight(gamma)))
                .containsExactly(new double[] {0.5, 0.268941}, within(1e-6));
    }

    @Test
    void distancesAreAveragedOverTheLayers() {
        // Layer 1 moves image 1 by (0.3, -0.4), which is 0.5; layer 2 image 2 by (0.6, -0.8).
        // d = 0.25 and 0.5, so gamma = exp(-1/2) and exp(-1).
        NDArray ones = twoByTwo(1, 1, 1, 1);
        NDList predictions = new NDList(
                twoByTwo(0, 0, 0, 0),
                ones,
                ones,
                twoByTwo(0, 0, 0, 0),
                twoByTwo(1.3, 0.6, 1, 1),
                twoByTwo(1, 1, 1.6, 0.2));

        assertThat(Tensors.doubles(RegionAdaptiveWeights.gamma(predictions)))
                .containsExactly(new double[] {Math.exp(-0.5), Math.exp(-1)}, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.3f, 0.5f, 1})
    void weightsThatDoNotMoveGiveGammaOneAndPlainBeta(float beta) {
        NDArray weights = twoByTwo(0.8, 1.2, 1.5, 0.5);

        NDArray gamma = RegionAdaptiveWeights.gamma(predictions(weights, weights.duplicate()));

        assertThat(Tensors.doubles(gamma)).containsExactly(1, 1);
        assertThat(Tensors.doubles(new RegionAdaptiveWeights(beta).cleanWeight(gamma)))
                .containsExactly(new double[] {beta, beta}, within(1e-7));
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1.1f, Float.NaN, Float.POSITIVE_INFINITY})
    void betaMustBeAWeight(float beta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionAdaptiveWeights(beta))
                .withMessageContaining("beta must be 0 to 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionLosses(false, beta, 0))
                .withMessageContaining("beta must be 0 to 1");
    }

    @Test
    void logitsAloneAreRefused() {
        NDArray logits = manager.zeros(new Shape(2, 3));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> RegionAdaptiveWeights.gamma(new NDList(logits, logits)))
                .withMessageContaining("Insert ReMoE blocks");
    }
}
