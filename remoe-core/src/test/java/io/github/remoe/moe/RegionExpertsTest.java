package io.github.remoe.moe;

import static io.github.remoe.Tensors.array;
import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;
import static io.github.remoe.Tensors.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RegionExpertsTest {

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
    void eachRegionGoesThroughItsOwnExpert() {
        // D = h = 1, two experts.
        RegionExperts experts = new RegionExperts(2, 1);
        start(experts.getParameters().get("weight1"), 1, 2);
        start(experts.getParameters().get("bias1"), 0, -20);
        start(experts.getParameters().get("weight2"), 3, -1);
        start(experts.getParameters().get("bias2"), 1, 0.5);
        // Two tokens, each of both regions.
        NDArray tokens = array(manager, new Shape(1, 2, 2, 1), 10, 20, 0, 10);
        experts.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDArray output = forward(experts, tokens).head();

        // GELU(0) = 0 and GELU(x) = x for these large x.
        // Expert 1: 3 x 10 + 1, 3 x 0 + 1. Expert 2: -(40 - 20) + 0.5, -(20 - 20) + 0.5.
        assertThat(doubles(output)).containsExactly(new double[] {31, -19.5, 1, 0.5}, within(1e-5));
    }

    @Test
    void geluIsTheExactOne() {
        RegionExperts experts = new RegionExperts(1, 1);
        start(experts.getParameters().get("weight1"), 1);
        start(experts.getParameters().get("weight2"), 1);
        experts.initialize(manager, DataType.FLOAT64, new Shape(1, 2, 1, 1));

        NDArray output = forward(
                        experts, manager.create(new double[] {1, -2}, new Shape(1, 2, 1, 1)))
                .head();

        // x Phi(x) with Phi(1) = 0.8413447461 and Phi(-2) = 0.0227501319; the tanh approximation
        // would give 0.8411919906 and -0.0454023059.
        assertThat(doubles(output))
                .containsExactly(new double[] {0.8413447461, -0.0455002639}, within(1e-9));
    }

    // 150 tokens of 3 regions and 6 numbers are enough for oneDNN.
    @ParameterizedTest
    @ValueSource(ints = {5, 150})
    void stackedExpertsEqualALoopOfSeparateNetworks(int count) {
        RegionExperts experts = randomExperts(3);
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, count, 3, 6);
        experts.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDList outputs = new NDList();
        for (int k = 0; k < 3; k++) {
            NDArray hidden = tokens.get(":, :, {}", k)
                    .matMul(parameter(experts, "weight1", k))
                    .add(parameter(experts, "bias1", k));
            outputs.add(Activation.gelu(hidden)
                    .matMul(parameter(experts, "weight2", k))
                    .add(parameter(experts, "bias2", k)));
        }

        assertThat(doubles(forward(experts, tokens).head()))
                .containsExactly(doubles(NDArrays.stack(outputs, 2)), within(1e-5));
    }

    private static RegionExperts randomExperts(int count) {
        RegionExperts experts = new RegionExperts(count, 0.36f);
        for (String name : experts.getParameters().keys()) {
            experts.getParameters().get(name).setInitializer(Golden.initializer(name, -1, 1));
        }
        return experts;
    }

    private static NDArray parameter(RegionExperts experts, String name, int k) {
        return experts.getParameters().get(name).getArray().get(k);
    }

    @Test
    void freshExpertsGiveZeroBecauseOfTheirOutputProjection() {
        RegionExperts experts = new RegionExperts(4, 0.36f);
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 5, 4, 12);
        experts.initialize(manager, DataType.FLOAT32, tokens.getShape());

        assertThat(doubles(forward(experts, tokens).head())).containsOnly(0);
        // The input projection is random: were it zero too, nothing would ever learn.
        assertThat(doubles(experts.getParameters().get("weight1").getArray())).doesNotContain(0);
    }

    @Test
    void theHiddenWidthIsTheRoundedRatioButAtLeastOne() {
        assertThat(RegionExperts.hiddenDim(192, 0.36f)).isEqualTo(69);
        assertThat(RegionExperts.hiddenDim(6, 0.36f)).isEqualTo(2);
        assertThat(RegionExperts.hiddenDim(1, 0.36f)).isEqualTo(1);
    }
}
