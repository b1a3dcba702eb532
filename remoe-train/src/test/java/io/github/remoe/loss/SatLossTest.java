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

class SatLossTest {

    private static final double LN2 = Math.log(2);
    private static final double LN3 = Math.log(3);

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static SatLoss adaptive(float beta) {
        return new SatLoss(new RegionLosses(true, beta, 0));
    }

    private NDArray twoByTwo(double... numbers) {
        return Tensors.array(manager, new Shape(2, 2), numbers);
    }

    private NDList labels() {
        return new NDList(manager.create(new long[] {0, 0}));
    }

    // Cross-entropies with label 0: clean ln 2 and ln 2, adversarial -ln(1/4) and -ln(3/4).
    private NDList predictions(NDArray cleanWeights, NDArray adversarialWeights) {
        return new NDList(
                twoByTwo(0, 0, 0, 0), cleanWeights, twoByTwo(0, LN3, LN3, 0), adversarialWeights);
    }

    @Test
    void twoImagesComeOutAsByHand() {
        // beta~ = 0.5 and 0.268941, as in RegionAdaptiveWeightsTest.
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(1, 1, 1.6, 0.4));

        NDArray value = adaptive(0.5f).evaluate(labels(), predictions);

        // Image 1: (0.693147 + 1.386294) / 2 = 1.039721.
        // Image 2: 0.268941 x 0.693147 + 0.731059 x 0.287682 = 0.396728.
        assertThat(Tensors.doubles(value)[0]).isCloseTo(0.718225, within(2e-6));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.3f, 0.5f, 1})
    void weightsThatDoNotMoveGiveThePlainMeanWithBeta(float beta) {
        NDArray weights = twoByTwo(0.8, 1.2, 1.5, 0.5);
        NDList predictions = predictions(weights, weights.duplicate());

        // Mean cross-entropies: clean ln 2, adversarial (1.386294 + 0.287682) / 2 = 0.836988.
        assertThat(Tensors.doubles(adaptive(beta).evaluate(labels(), predictions))[0])
                .isCloseTo(beta * LN2 + (1 - beta) * 0.836988, within(1e-6));
    }

    @Test
    void betaOneIsTheCleanLossHoweverTheWeightsMove() {
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(0, 2, 1.6, 0.4));

        assertThat(Tensors.doubles(adaptive(1).evaluate(labels(), predictions))[0])
                .isCloseTo(LN2, within(1e-6));
    }

    @Test
    void alignmentAloneAddsToTheAdversarialCrossEntropy() {
        // Orthogonal weights: L_align = -log 1/2, so 0.836988 + 0.5 ln 2.
        NDList predictions = predictions(twoByTwo(1, 0, 1, 0), twoByTwo(0, 1, 0, 1));

        NDArray value =
                new SatLoss(new RegionLosses(false, 0.5f, 0.5f)).evaluate(labels(), predictions);

        assertThat(Tensors.doubles(value)[0]).isCloseTo(0.836988 + 0.5 * LN2, within(1e-5));
    }

    @Test
    void noGradientOfTheWeightedTermsReachesTheRegionWeights() {
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(1, 1, 1.6, 0.4));
        predictions.forEach(array -> array.setRequiresGradient(true));

        Tensors.backward(() -> adaptive(0.5f).evaluate(labels(), predictions));

        assertThat(Tensors.doubles(predictions.get(1).getGradient())).containsOnly(0);
        assertThat(Tensors.doubles(predictions.get(3).getGradient())).containsOnly(0);
        // beta~ / B (softmax - 1) of the second image's clean logits: 0.134471 x -1/2.
        assertThat(Tensors.doubles(predictions.get(0).getGradient())[2])
                .isCloseTo(-0.067235, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 5})
    void predictionsOfOneSideAreRefused(int arrays) {
        NDList predictions = new NDList();
        for (int i = 0; i < arrays; i++) {
            predictions.add(twoByTwo(1, 1, 1, 1));
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> adaptive(0.5f).evaluate(labels(), predictions))
                .withMessageContaining("got " + arrays + " arrays");
    }

    @Test
    void cleanAndAdversarialLogitsMustBeOfOneShape() {
        NDArray ones = twoByTwo(1, 1, 1, 1);
        NDArray threeClasses = manager.zeros(new Shape(2, 3));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> adaptive(0.5f)
                        .evaluate(labels(), new NDList(ones, ones, threeClasses, ones)))
                .withMessageContaining("(2, 2)")
                .withMessageContaining("(2, 3)");
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        NDArray ones = twoByTwo(1, 1, 1, 1);
        NDList labels = new NDList(manager.create(new long[] {0, 2}));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> adaptive(0.5f).evaluate(labels, predictions(ones, ones)))
                .withMessageContaining("Label 2");
    }
}
