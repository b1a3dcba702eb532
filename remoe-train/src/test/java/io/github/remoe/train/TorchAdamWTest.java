package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TorchAdamWTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray weight(double... numbers) {
        NDArray weight = Tensors.array(manager, new Shape(numbers.length), numbers);
        weight.setRequiresGradient(true);
        return weight;
    }

    // The gradient is the factors, whatever the weight.
    private void update(TorchAdamW adamW, NDArray weight, double... factors) {
        NDArray gradient = Tensors.array(manager, weight.getShape(), factors);
        Tensors.backward(() -> weight.mul(gradient).sum());
        adamW.update("w", weight, weight.getGradient());
    }

    private static TorchAdamW.Builder rate(float rate) {
        return TorchAdamW.builder().setLearningRateTracker(Tracker.fixed(rate));
    }

    @Test
    void theFirstStepHasTheLengthOfTheRateWhateverTheGradient() {
        NDArray weight = weight(1, 1, 1);

        update(rate(0.5f).build(), weight, 1000, -1, 0.001);

        // Corrected, m is the gradient and v its square: 1 -+ 0.5.
        assertThat(Tensors.doubles(weight))
                .containsExactly(new double[] {0.5, 1.5, 0.5}, within(1e-5));
    }

    @Test
    void bothMomentsAreKeptAndCorrected() {
        NDArray weight = weight(0);
        TorchAdamW adamW = rate(1).optBeta1(0.5f).optBeta2(0.75f).build();

        update(adamW, weight, 4);
        update(adamW, weight, 0);

        // m = 2, then 1, corrected by 1 - 0.25: 4/3. v = 4, then 3, corrected by 1 - 0.5625: 48/7.
        double second = 4.0 / 3 / Math.sqrt(48.0 / 7);
        assertThat(Tensors.doubles(weight))
                .containsExactly(new double[] {-1 - second}, within(1e-6));
    }

    @Test
    void epsilonIsAddedToTheCorrectedRoot() {
        NDArray weight = weight(0);

        update(rate(1).optEpsilon(3).build(), weight, 1);

        // 1 / (sqrt(1) + 3)
        assertThat(Tensors.doubles(weight)).containsExactly(new double[] {-0.25}, within(1e-6));
    }

    @Test
    void weightDecayDoesNotPassThroughTheMoments() {
        NDArray weight = weight(4);

        update(rate(0.5f).optWeightDecays(0.25f).build(), weight, 1);

        // 4 (1 - 0.5 x 0.25) - 0.5
        assertThat(Tensors.doubles(weight)).containsExactly(new double[] {3}, within(1e-6));
    }

    @Test
    void updatesLeaveNothingOpenButTheMoments() {
        NDArray weight = weight(1, 2);
        TorchAdamW adamW = rate(0.1f).optWeightDecays(0.1f).build();
        update(adamW, weight, 1, 1);
        NDArray gradient = weight.getGradient();
        int before = manager.getManagedArrays().size();

        for (int step = 0; step < 20; step++) {
            adamW.update("w", weight, gradient);
        }

        assertThat(manager.getManagedArrays()).hasSize(before);
        assertThat(Tensors.doubles(gradient)).containsExactly(0, 0);
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1, Float.NaN})
    void betasMustBeBelowOne(float beta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optBeta1(beta).build())
                .withMessageContaining("beta1 must be 0 to less than 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optBeta2(beta).build())
                .withMessageContaining("beta2 must be 0 to less than 1");
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void epsilonMustBePositive(float epsilon) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optEpsilon(epsilon).build())
                .withMessageContaining("epsilon must be greater than 0");
    }

    @Test
    void settingsOfEveryOptimizerAreChecked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TorchAdamW.builder().build())
                .withMessageContaining("learning rate");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optClipGrad(1).build())
                .withMessageContaining("TorchAdamW neither rescales nor clips");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optWeightDecays(-1).build())
                .withMessageContaining("weight decay must be 0 or more");
    }
}
