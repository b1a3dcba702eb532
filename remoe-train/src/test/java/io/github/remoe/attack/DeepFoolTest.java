package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeepFoolTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static DeepFool.Builder deepFool(Norm norm) {
        return DeepFool.builder(new ThreatModel(norm, 1, 0, 1));
    }

    private double[] linear(DeepFool deepFool) {
        TargetModel model = new TargetModel(LinearNetwork.create(manager), manager);
        NDArray images = Tensors.array(manager, new Shape(1, 1, 1, 3), LinearNetwork.MIDDLE);
        NDArray labels = manager.create(new long[] {0});
        return Tensors.doubles(deepFool.nearest(model, images, labels).sub(images));
    }

    @Test
    void onALinearClassifierOneStepReachesTheNearestBoundary() {
        // 0.18 for each pixel and 0.3 along (1, 2, -2) / 3, and 1e-4 more.
        assertThat(linear(deepFool(Norm.LINF).optOvershoot(0).optSteps(1).build()))
                .containsExactly(new double[] {0.1801, 0.1801, -0.1801}, within(1e-6));
        double third = 0.3001 / 3;
        assertThat(linear(deepFool(Norm.L2).optOvershoot(0).optSteps(1).build()))
                .containsExactly(new double[] {third, 2 * third, -2 * third}, within(1e-6));
    }

    @Test
    void theOvershootLengthensTheWholeWay() {
        assertThat(linear(deepFool(Norm.LINF).build()))
                .containsExactly(new double[] {0.183702, 0.183702, -0.183702}, within(1e-6));
        assertThat(linear(deepFool(Norm.LINF).optOvershoot(0.5f).build()))
                .containsExactly(new double[] {0.27015, 0.27015, -0.27015}, within(1e-6));
    }

    @Test
    void candidatesAreTheLikeliestClasses() {
        // The second candidate is class 2, which is farther.
        assertThat(linear(deepFool(Norm.L2).optCandidates(2).optOvershoot(0).build()))
                .containsExactly(new double[] {0.4501, 0, 0}, within(1e-6));
    }

    @ParameterizedTest
    @EnumSource
    void moreStepsNeverLoseAnImage(Norm norm) {
        int count = 8;
        TargetModel model =
                new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        NDArray images = Golden.initializer("deepFool", -0.3, 1.3)
                .initialize(manager, new Shape(count, 3, 8, 8), DataType.FLOAT32)
                .clip(0, 1);
        NDArray labels = model.predict(images).head().argMax(1);

        int[] found = new int[6];
        double[][] distances = new double[found.length][];
        for (int steps = 1; steps < found.length; steps++) {
            DeepFool deepFool = deepFool(norm).optSteps(steps).build();
            NDArray nearest = deepFool.nearest(model, images, labels);
            distances[steps] = Tensors.doubles(deepFool.threatModel().distance(nearest, images));
            boolean[] wrong =
                    model.predict(nearest).head().argMax(1).neq(labels).toBooleanArray();
            for (int i = 0; i < count; i++) {
                assertThat(distances[steps][i] > 0).isEqualTo(wrong[i]);
                found[steps] += wrong[i] ? 1 : 0;
                if (steps > 1 && distances[steps - 1][i] > 0) {
                    assertThat(distances[steps][i]).isEqualTo(distances[steps - 1][i]);
                }
            }
        }
        assertThat(found[1]).isLessThan(found[5]);
        assertThat(found[5]).isEqualTo(count);
    }

    @Test
    void theDefaultsAreThoseOfFoolbox() {
        ThreatModel threat = ThreatModel.l2(0.5f);

        assertThat(DeepFool.builder(threat).build()).isEqualTo(new DeepFool(threat, 50, 0.02f, 10));
    }

    @Test
    void settingsAreInTheirRanges() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> deepFool(Norm.L2).optSteps(0).build())
                .withMessageContaining("at least 1 step");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> deepFool(Norm.L2).optCandidates(1).build())
                .withMessageContaining("at least 2 candidates");
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.01f, Float.POSITIVE_INFINITY, Float.NaN})
    void theOvershootIsAPartOfTheWay(float wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> deepFool(Norm.L2).optOvershoot(wrong).build())
                .withMessageStartingWith("overshoot");
    }
}
