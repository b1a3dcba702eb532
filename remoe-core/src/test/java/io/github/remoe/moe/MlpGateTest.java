package io.github.remoe.moe;

import static io.github.remoe.Tensors.array;
import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;
import static io.github.remoe.Tensors.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

class MlpGateTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void weightsAreTheScaledSoftmaxOfTheMlpsScores() {
        // D = h = 1. A class token, then the patches of two regions: (8 10), (-1 -1).
        MlpGate gate = new MlpGate(new RegionGrid(2, 2, 2, 1), 1, 1);
        start(gate.getParameters().get("weight1"), 1);
        start(gate.getParameters().get("bias1"), 1);
        start(gate.getParameters().get("weight2"), Math.log(3) / 10);
        start(gate.getParameters().get("bias2"), 5);
        NDArray tokens = array(manager, new Shape(1, 5, 1), 99, 8, 10, -1, -1);
        gate.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDArray weights = forward(gate, tokens).head();

        // Means 9 and -1; + 1: 10 and 0; GELU: 10 and 0; scores: ln 3 + 5 and 5; softmax: 3/4, 1/4.
        assertThat(weights.getShape()).isEqualTo(new Shape(1, 2));
        assertThat(doubles(weights)).containsExactly(new double[] {1.5, 0.5}, within(1e-5));
    }

    @Test
    void theHiddenLayerIsAnExactGelu() {
        MlpGate gate = new MlpGate(new RegionGrid(1, 2, 1, 2), 0, 1);
        start(gate.getParameters().get("weight1"), 1);
        start(gate.getParameters().get("weight2"), 1);
        NDArray tokens = array(manager, new Shape(1, 2, 1), 1, -2);
        gate.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDArray weights = forward(gate, tokens).head();

        // The scores are 1 Phi(1) = 0.8413447 and -2 Phi(-2) = -0.0455003.
        double ratio = Math.exp(0.8413447 + 0.0455003);
        assertThat(doubles(weights))
                .containsExactly(
                        new double[] {2 * ratio / (1 + ratio), 2 / (1 + ratio)}, within(1e-6));
    }

    @Test
    void weightsHaveMeanOneForEachImage() {
        MlpGate gate = new MlpGate(new RegionGrid(4, 4, 2, 2), 0, 0.5f);
        for (String name : gate.getParameters().keys()) {
            gate.getParameters().get(name).setInitializer(Golden.initializer(name, -3, 3));
        }
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 3, 16, 6);
        gate.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDArray weights = forward(gate, tokens).head();

        assertThat(weights.getShape()).isEqualTo(new Shape(3, 4));
        assertThat(doubles(weights.mean(new int[] {1}))).containsExactly(one(3), within(1e-6));
        assertThat(weights.min().getFloat()).isPositive();
        assertThat(doubles(weights)).doesNotContain(1);
    }

    @Test
    void startsNearlyUniform() {
        MlpGate gate = new MlpGate(new RegionGrid(4, 4, 2, 2), 0, 0.36f);
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 16, 48);
        gate.initialize(manager, DataType.FLOAT32, tokens.getShape());

        assertThat(doubles(forward(gate, tokens).head())).containsExactly(one(8), within(0.05));
    }

    @Test
    void theHiddenWidthIsTheRatioOfTheTokensWidth() {
        MlpGate gate = new MlpGate(new RegionGrid(4, 4, 2, 2), 0, 0.36f);
        gate.initialize(manager, DataType.FLOAT32, new Shape(1, 16, 6));

        // round(0.36 x 6) = 2.
        assertThat(gate.getParameters().get("weight1").getShape()).isEqualTo(new Shape(2, 6));
        assertThat(gate.getParameters().get("weight2").getShape()).isEqualTo(new Shape(1, 2));
    }

    private static double[] one(int times) {
        double[] ones = new double[times];
        Arrays.fill(ones, 1);
        return ones;
    }
}
