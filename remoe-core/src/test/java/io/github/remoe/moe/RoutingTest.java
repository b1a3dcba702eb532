package io.github.remoe.moe;

import static io.github.remoe.Tensors.array;
import static io.github.remoe.Tensors.backward;
import static io.github.remoe.Tensors.doubles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RoutingTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray weights(double... weights) {
        return array(manager, new Shape(weights.length / 4, 4), weights);
    }

    private static ReMoEBlock topK(int topK) {
        return ReMoEBlock.builder()
                .setGrid(new RegionGrid(2, 2, 2, 2))
                .optTopK(topK)
                .build();
    }

    @Test
    void theLargestWeightsStayAndAreRescaledToMeanOne() {
        NDArray routed = topK(2).route(weights(0.4, 1.8, 0.6, 1.2));

        // 1.8 + 1.2 = 3 becomes 4, the number of regions.
        assertThat(doubles(routed)).containsExactly(new double[] {0, 2.4, 0, 1.6}, within(1e-6));
    }

    @Test
    void eachImageIsRoutedByItself() {
        NDArray routed = topK(1).route(weights(0.4, 1.8, 0.6, 1.2, 1.5, 0.9, 0.8, 0.8));

        assertThat(doubles(routed)).containsExactly(0, 4, 0, 0, 4, 0, 0, 0);
    }

    @Test
    void regionsTiedWithTheLastOneKeptStayToo() {
        NDArray routed = topK(2).route(weights(0.8, 2, 0.8, 0.4));

        // 2 + 0.8 + 0.8 = 3.6 becomes 4.
        assertThat(doubles(routed))
                .containsExactly(new double[] {0.8 / 0.9, 2 / 0.9, 0.8 / 0.9, 0}, within(1e-6));
    }

    @Test
    void uniformWeightsAllTieAndStayOne() {
        assertThat(doubles(topK(2).route(weights(1, 1, 1, 1)))).containsExactly(1, 1, 1, 1);
    }

    @Test
    void denseRoutingIsTheIdentity() {
        NDArray weights = weights(0.4, 1.8, 0.6, 1.2);

        assertThat(doubles(topK(4).route(weights))).isEqualTo(doubles(weights));
    }

    @Test
    void gradientsReachTheWeightsThatStayAlone() {
        NDArray weights = weights(0.4, 1.8, 0.6, 1.2);
        weights.setRequiresGradient(true);

        backward(() -> topK(2).route(weights).get(":, 1").sum());

        // r = 4 w2 / (w2 + w4): dr/dw2 = 4 w4 / (w2 + w4)^2 = 4.8 / 9, dr/dw4 = -4 w2 / 9 = -7.2 /
        // 9.
        assertThat(doubles(weights.getGradient()))
                .containsExactly(new double[] {0, 4.8 / 9, 0, -7.2 / 9}, within(1e-6));
    }
}
