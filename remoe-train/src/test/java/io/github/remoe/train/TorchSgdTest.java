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

import java.util.concurrent.CompletableFuture;

class TorchSgdTest {

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
    private void update(TorchSgd sgd, NDArray weight, double... factors) {
        NDArray gradient = Tensors.array(manager, weight.getShape(), factors);
        Tensors.backward(() -> weight.mul(gradient).sum());
        sgd.update("w", weight, weight.getGradient());
    }

    private static TorchSgd.Builder rate(float rate) {
        return TorchSgd.builder().setLearningRateTracker(Tracker.fixed(rate));
    }

    @Test
    void withoutMomentumTheStepIsTheGradient() {
        NDArray weight = weight(1, 2);
        TorchSgd sgd = rate(0.5f).build();

        update(sgd, weight, 1, -2);
        update(sgd, weight, 1, -2);

        // 1 - 2 x 0.5 x 1, 2 + 2 x 0.5 x 2
        assertThat(Tensors.doubles(weight)).containsExactly(0, 4);
    }

    @Test
    void momentumKeepsTheVelocityAndNotTheRate() {
        NDArray weight = weight(0);
        // Rates 1, then 0.1: v = 1, then 0.5 x 1 + 1 = 1.5; w = -1, then -1 - 0.15. DJL's Sgd,
        // whose
        // state holds the rate, would come to -1 - 0.6.
        TorchSgd sgd = TorchSgd.builder()
                .setLearningRateTracker(new WarmUpMilestones(1, 0, 0.1f, 1))
                .optMomentum(0.5f)
                .build();

        update(sgd, weight, 1);
        update(sgd, weight, 1);

        assertThat(Tensors.doubles(weight)).containsExactly(new double[] {-1.15}, within(1e-6));
    }

    @Test
    void weightDecayAddsToTheGradient() {
        NDArray weight = weight(4);
        TorchSgd sgd = rate(0.5f).optWeightDecays(0.25f).build();

        update(sgd, weight, 1);

        // 4 - 0.5 (1 + 0.25 x 4)
        assertThat(Tensors.doubles(weight)).containsExactly(3);
    }

    @Test
    void theGradientIsZeroAfterwardsEvenWhereItWasNotANumber() {
        NDArray weight = weight(1, 2, 3);

        update(rate(0.5f).build(), weight, Double.NaN, Double.POSITIVE_INFINITY, 1);

        assertThat(Tensors.doubles(weight.getGradient())).containsExactly(0, 0, 0);
    }

    @Test
    void theGradientIsZeroAfterwardsWithEverySetting() {
        TorchSgd sgd = rate(0.5f).optMomentum(0.9f).optWeightDecays(0.1f).build();
        NDArray weight = weight(1, 2);

        update(sgd, weight, 1, 1);

        assertThat(Tensors.doubles(weight.getGradient())).containsExactly(0, 0);
    }

    @Test
    void eachParameterHasItsOwnVelocity() {
        TorchSgd sgd = rate(1).optMomentum(0.5f).build();
        NDArray first = weight(0);
        NDArray second = weight(0);
        NDArray two = Tensors.array(manager, new Shape(1), 2);

        for (int step = 0; step < 2; step++) {
            Tensors.backward(() -> first.add(second.mul(two)).sum());
            sgd.update("first", first, first.getGradient());
            sgd.update("second", second, second.getGradient());
        }

        // v = 1, 1.5 and 2, 3.
        assertThat(Tensors.doubles(first)).containsExactly(-2.5);
        assertThat(Tensors.doubles(second)).containsExactly(-5);
    }

    @Test
    void updatesLeaveNothingOpenButTheVelocity() {
        NDArray weight = weight(1, 2);
        TorchSgd sgd = rate(0.1f).optMomentum(0.9f).optWeightDecays(0.1f).build();
        Tensors.backward(() -> weight.sum());
        sgd.update("w", weight, weight.getGradient());
        NDArray gradient = weight.getGradient();
        int before = manager.getManagedArrays().size();

        for (int step = 0; step < 20; step++) {
            sgd.update("w", weight, gradient);
        }

        assertThat(manager.getManagedArrays()).hasSize(before);
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1, Float.NaN})
    void momentumMustBeBelowOne(float momentum) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optMomentum(momentum).build())
                .withMessageContaining("momentum must be 0 to less than 1");
    }

    @Test
    void clippingAndRescalingByItselfAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).optClipGrad(1).build())
                .withMessageContaining("GradientClipping");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> rate(1).setRescaleGrad(0.5f).build());
    }

    @Test
    void anotherThreadCanTrain() throws Exception {
        // Autograd records on every thread but the one that loaded DJL.
        NDArray weight = weight(1);
        TorchSgd sgd = rate(0.5f).optMomentum(0.9f).optWeightDecays(0.1f).build();

        CompletableFuture.runAsync(() -> update(sgd, weight, 1)).get();

        // 1 - 0.5 (1 + 0.1)
        assertThat(Tensors.doubles(weight)).containsExactly(new double[] {0.45}, within(1e-6));
    }

    @Test
    void aLearningRateIsNeeded() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TorchSgd.builder().build())
                .withMessageContaining("learning rate");
    }
}
