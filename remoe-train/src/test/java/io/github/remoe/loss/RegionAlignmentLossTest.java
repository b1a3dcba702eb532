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

class RegionAlignmentLossTest {

    private static final double SIN_60 = Math.sqrt(0.75);

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray rows(int columns, double... numbers) {
        return Tensors.array(manager, new Shape(numbers.length / columns, columns), numbers);
    }

    // Labels and logits do not matter to this loss.
    private double loss(float weight, NDArray clean, NDArray adversarial) {
        NDArray logits = manager.zeros(new Shape(clean.getShape().get(0), 3));
        NDList predictions = new NDList(logits, clean, logits, adversarial);
        return Tensors.doubles(new RegionAlignmentLoss(weight).evaluate(null, predictions))[0];
    }

    @Test
    void orthogonalWeightsAreHalfWay() {
        // The angle is pi / 2: -log(1 - 1/2 + 1e-6).
        assertThat(loss(1, rows(2, 1, 0), rows(2, 0, 3)))
                .isCloseTo(-Math.log(0.5 + 1e-6), within(1e-6));
    }

    @Test
    void sixtyDegreesAreAThird() {
        assertThat(loss(1, rows(2, 2, 0), rows(2, 0.5, SIN_60)))
                .isCloseTo(-Math.log(2 / 3.0 + 1e-6), within(1e-6));
    }

    @Test
    void theLossCountsAsOftenAsLambdaSays() {
        assertThat(loss(2.5f, rows(2, 1, 0), rows(2, 0, 1)))
                .isCloseTo(-2.5 * Math.log(0.5), within(1e-5));
        assertThat(loss(0, rows(2, 1, 0), rows(2, 0, 1))).isZero();
    }

    @Test
    void layersAndImagesAreAveraged() {
        NDArray logits = manager.zeros(new Shape(2, 3));
        NDArray right = rows(2, 1, 0, 1, 0);
        // Layer 1 turns the images by 0 and 90 degrees, layer 2 both by 60.
        NDArray layer1 = rows(2, 1, 0, 0, 1);
        NDArray layer2 = rows(2, 0.5, SIN_60, 0.5, SIN_60);
        NDList predictions = new NDList(logits, right, right, logits, layer1, layer2);

        assertThat(Tensors.doubles(RegionAlignmentLoss.angles(predictions)))
                .containsExactly(
                        new double[] {0, Math.PI / 2, Math.PI / 3, Math.PI / 3}, within(2e-6));
        // (-log 1 - log 1/2 - 2 log 2/3) / 4 = (0 + 0.693147 + 0.810930) / 4
        assertThat(Tensors.doubles(new RegionAlignmentLoss(1).evaluate(null, predictions))[0])
                .isCloseTo(0.376019, within(2e-6));
    }

    @Test
    void weightsOfTheSameDirectionCostNothing() {
        NDArray weights = rows(4, 0.4, 1.6, 1, 1, 0, 2, 0, 2);

        assertThat(loss(1, weights, weights.duplicate())).isCloseTo(0, within(1e-5));
        assertThat(loss(1, weights, weights.mul(3))).isCloseTo(0, within(1e-5));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, 1e-7f, 1e-5f, 1e-3f})
    void gradientsStayFiniteWhereWeightsNearlyAgree(float distance) {
        NDArray clean = rows(4, 0.4, 1.6, 1, 1);
        NDArray adversarial = clean.add(rows(4, distance, -distance, 0, 0));
        clean.setRequiresGradient(true);
        adversarial.setRequiresGradient(true);
        NDArray logits = manager.zeros(new Shape(1, 3));

        Tensors.backward(() -> new RegionAlignmentLoss(1)
                .evaluate(null, new NDList(logits, clean, logits, adversarial)));

        // The steepest slope: 1 / (pi |w|), and |w| is about 2.2.
        for (NDArray weights : new NDArray[] {clean, adversarial}) {
            for (double slope : Tensors.doubles(weights.getGradient())) {
                assertThat(slope).isBetween(-0.15, 0.15);
            }
        }
    }

    @Test
    void gradientsAreTheCentralDifferences() {
        NDArray logits = manager.zeros(new Shape(3, 2));
        NDArray clean = Golden.tensor(manager, DataType.FLOAT64, "clean", 3, 4).add(1.5);
        NDArray adversarial =
                Golden.tensor(manager, DataType.FLOAT64, "adv", 3, 4).add(1.5);
        NDList predictions = new NDList(logits, clean, logits, adversarial);

        for (NDArray weights : new NDArray[] {clean, adversarial}) {
            Differences.check(
                    weights, () -> new RegionAlignmentLoss(2).evaluate(null, predictions));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {-1, Float.NaN, Float.POSITIVE_INFINITY})
    void lambdaMustBeAWeight(float lambda) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionAlignmentLoss(lambda))
                .withMessageContaining("lambda_align");
    }

    @Test
    void predictionsWithoutRegionWeightsAreRefused() {
        NDArray logits = manager.zeros(new Shape(1, 2));

        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new RegionAlignmentLoss(1).evaluate(null, new NDList(logits, logits)))
                .withMessageContaining("ReMoE");
    }
}
