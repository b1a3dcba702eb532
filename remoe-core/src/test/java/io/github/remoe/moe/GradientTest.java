package io.github.remoe.moe;

import static io.github.remoe.Tensors.forward;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;

import io.github.remoe.Differences;
import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

/** Gradients against central differences, in float64. */
class GradientTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray tensor(String name, long... shape) {
        return Golden.tensor(manager, DataType.FLOAT64, name, shape);
    }

    // A sum of the outputs, each number with its own factor.
    private NDArray weighed(NDList outputs) {
        NDArray sum = null;
        for (NDArray output : outputs) {
            NDArray factors = tensor("factors", output.getShape().getShape());
            NDArray part = output.mul(factors).sum();
            sum = sum == null ? part : sum.add(part);
        }
        return sum;
    }

    private void start(Block block, Shape... inputs) {
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        block.initialize(manager, DataType.FLOAT64, inputs);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void regionWeightsFollowTheAttention(int prefixTokens) {
        AeaGate gate = new AeaGate(new RegionGrid(3, 3, 2, 2), prefixTokens);
        int count = 9 + prefixTokens;
        NDArray tokens = tensor("x", 2, count, 4);
        NDArray attention = tensor("attention", 2, 2, count, count).exp();

        Differences.check(attention, () -> weighed(forward(gate, tokens, attention)));
    }

    @Test
    void regionWeightsFollowTheTokensThemselvesWithoutAttention() {
        AeaGate gate = new AeaGate(new RegionGrid(3, 3, 2, 2), 0);
        NDArray tokens = tensor("x", 2, 9, 4);

        Differences.check(tokens, () -> weighed(forward(gate, tokens)));
    }

    @Test
    void theMlpGateFollowsTokensAndWeights() {
        MlpGate gate = new MlpGate(new RegionGrid(3, 3, 2, 2), 1, 0.5f);
        NDArray tokens = tensor("x", 2, 10, 4);
        start(gate, tokens.getShape());

        Differences.check(tokens, () -> weighed(forward(gate, tokens)));
        for (String name : gate.getParameters().keys()) {
            NDArray weight = gate.getParameters().get(name).getArray();
            Differences.check(weight, () -> weighed(forward(gate, tokens)));
        }
    }

    @Test
    void expertsFollowTokensAndWeights() {
        RegionExperts experts = new RegionExperts(3, 0.5f);
        NDArray tokens = tensor("x", 2, 5, 3, 6);
        start(experts, tokens.getShape());

        Differences.check(tokens, () -> weighed(forward(experts, tokens)));
        for (String name : List.of("weight1", "bias1", "weight2", "bias2")) {
            NDArray weight = experts.getParameters().get(name).getArray();
            Differences.check(weight, () -> weighed(forward(experts, tokens)));
        }
    }

    @ParameterizedTest
    @CsvSource({"1,4", "1,2", "0,4", "0,2"})
    void theWholeBlockFollowsTokensAndAttention(int prefixTokens, int topK) {
        ReMoEBlock block = block(prefixTokens, topK);
        int count = 9 + prefixTokens;
        NDArray tokens = tensor("x", 2, count, 6);
        NDArray attention = tensor("attention", 2, 2, count, count).exp();
        start(block, tokens.getShape(), attention.getShape());

        Differences.check(tokens, () -> weighed(forward(block, tokens, attention)));
        // The tokens alone, so that W counts through the integration only.
        Differences.check(
                attention, () -> weighed(forward(block, tokens, attention).subNDList(0, 1)));
    }

    @Test
    void theWholeBlockFollowsTheTokensThroughTheirSelfSimilarity() {
        ReMoEBlock block = block(0, 4);
        NDArray tokens = tensor("x", 2, 9, 6);
        start(block, tokens.getShape());

        Differences.check(tokens, () -> weighed(forward(block, tokens)));
    }

    private static ReMoEBlock block(int prefixTokens, int topK) {
        return ReMoEBlock.builder()
                .setGrid(new RegionGrid(3, 3, 2, 2))
                .optPrefixTokens(prefixTokens)
                .optGlobalExpert(new PointwiseFeedForwardBlock(List.of(12), 6, Activation::gelu))
                .optTopK(topK)
                .optLambda1(0.5f)
                .optLambda2(1.5f)
                .build();
    }
}
