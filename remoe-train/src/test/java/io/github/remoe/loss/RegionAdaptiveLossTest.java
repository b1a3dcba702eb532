package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Differences;
import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionAdaptiveLossTest {

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
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(1, 1, 1.6, 0.4));
        RegionAdaptiveLoss loss = new RegionAdaptiveLoss();

        // d = 0 and sqrt(0.36 + 0.36); the largest d is the second, so gamma = exp(-0), exp(-1).
        NDArray gamma = loss.gamma(predictions);
        // beta~ = 0.5 gamma / (0.5 gamma + 0.5) = 0.5 and 0.367879 / 1.367879.
        NDArray cleanWeight = loss.cleanWeight(gamma);
        NDArray value = loss.evaluate(labels(), predictions);

        assertThat(Tensors.doubles(gamma))
                .containsExactly(new double[] {1, 0.367879}, within(1e-6));
        assertThat(Tensors.doubles(cleanWeight))
                .containsExactly(new double[] {0.5, 0.268941}, within(1e-6));
        // Image 1: (0.693147 + 1.386294) / 2 = 1.039721.
        // Image 2: 0.268941 x 0.693147 + 0.731059 x 0.287682 = 0.396728.
        assertThat(Tensors.doubles(value)[0]).isCloseTo(0.718225, within(2e-6));
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

        assertThat(Tensors.doubles(new RegionAdaptiveLoss().gamma(predictions)))
                .containsExactly(new double[] {Math.exp(-0.5), Math.exp(-1)}, within(1e-6));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 0.3f, 0.5f, 1})
    void weightsThatDoNotMoveGiveGammaOneAndPlainBeta(float beta) {
        NDArray weights = twoByTwo(0.8, 1.2, 1.5, 0.5);
        NDList predictions = predictions(weights, weights.duplicate());
        RegionAdaptiveLoss loss = new RegionAdaptiveLoss(beta);

        NDArray gamma = loss.gamma(predictions);

        assertThat(Tensors.doubles(gamma)).containsExactly(1, 1);
        assertThat(Tensors.doubles(loss.cleanWeight(gamma)))
                .containsExactly(new double[] {beta, beta}, within(1e-7));
        // Mean cross-entropies: clean ln 2, adversarial (1.386294 + 0.287682) / 2 = 0.836988.
        assertThat(Tensors.doubles(loss.evaluate(labels(), predictions))[0])
                .isCloseTo(beta * LN2 + (1 - beta) * 0.836988, within(1e-6));
    }

    @Test
    void betaOneIsTheCleanLossHoweverTheWeightsMove() {
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(0, 2, 1.6, 0.4));

        assertThat(Tensors.doubles(new RegionAdaptiveLoss(1).evaluate(labels(), predictions))[0])
                .isCloseTo(LN2, within(1e-6));
    }

    @Test
    void noGradientReachesTheRegionWeights() {
        NDList predictions = predictions(twoByTwo(1, 1, 1, 1), twoByTwo(1, 1, 1.6, 0.4));
        predictions.forEach(array -> array.setRequiresGradient(true));

        Tensors.backward(() -> new RegionAdaptiveLoss().evaluate(labels(), predictions));

        assertThat(Tensors.doubles(predictions.get(1).getGradient())).containsOnly(0);
        assertThat(Tensors.doubles(predictions.get(3).getGradient())).containsOnly(0);
        // beta~ / B (softmax - 1) of the second image's clean logits: 0.134471 x -1/2.
        assertThat(Tensors.doubles(predictions.get(0).getGradient())[2])
                .isCloseTo(-0.067235, within(1e-6));
    }

    @Test
    void gradientsAreTheCentralDifferences() {
        NDArray clean = Golden.tensor(manager, DataType.FLOAT64, "clean", 3, 4);
        NDArray adversarial = Golden.tensor(manager, DataType.FLOAT64, "adversarial", 3, 4);
        NDArray cleanWeights =
                Golden.tensor(manager, DataType.FLOAT64, "w", 3, 2).add(2);
        NDArray advWeights =
                Golden.tensor(manager, DataType.FLOAT64, "w'", 3, 2).add(2);
        NDList labels = new NDList(manager.create(new long[] {3, 0, 1}));
        NDList predictions = new NDList(clean, cleanWeights, adversarial, advWeights);

        for (NDArray logits : new NDArray[] {clean, adversarial}) {
            Differences.check(
                    logits, () -> new RegionAdaptiveLoss(0.4f).evaluate(labels, predictions));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1.1f, Float.NaN, Float.POSITIVE_INFINITY})
    void betaMustBeAWeight(float beta) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionAdaptiveLoss(beta))
                .withMessageContaining("beta must be 0 to 1");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5})
    void predictionsWithoutRegionWeightsForBothSidesAreRefused(int arrays) {
        NDList predictions = new NDList();
        for (int i = 0; i < arrays; i++) {
            predictions.add(twoByTwo(1, 1, 1, 1));
        }

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionAdaptiveLoss().evaluate(labels(), predictions))
                .withMessageContaining("got " + arrays + " arrays")
                .withMessageContaining("ReMoE");
    }

    @Test
    void cleanAndAdversarialLogitsMustBeOfOneShape() {
        NDArray ones = twoByTwo(1, 1, 1, 1);
        NDArray threeClasses = manager.zeros(new Shape(2, 3));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionAdaptiveLoss()
                        .evaluate(labels(), new NDList(ones, ones, threeClasses, ones)))
                .withMessageContaining("(2, 2)")
                .withMessageContaining("(2, 3)");
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        NDArray ones = twoByTwo(1, 1, 1, 1);
        NDList labels = new NDList(manager.create(new long[] {0, 2}));

        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new RegionAdaptiveLoss().evaluate(labels, predictions(ones, ones)))
                .withMessageContaining("Label 2");
    }
}
