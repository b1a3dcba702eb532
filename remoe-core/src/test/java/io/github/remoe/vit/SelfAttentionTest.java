package io.github.remoe.vit;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;
import static io.github.remoe.Tensors.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SelfAttentionTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    // D = 2, two heads of width 1: q = k = x in both, v = 10 x in the first and 100 x in the
    // second.
    private SelfAttention attention() {
        SelfAttention attention = new SelfAttention(2, 2);
        start(attention.getParameters().get("01qkv_weight"), 1, 0, 0, 1, 1, 0, 0, 1, 10, 0, 0, 100);
        start(attention.getParameters().get("01qkv_bias"), 0, 0, 0, 0, 0, 0);
        start(attention.getParameters().get("02proj_weight"), 1, 0, 0, 1);
        start(attention.getParameters().get("02proj_bias"), 0, 1);
        attention.initialize(manager, DataType.FLOAT32, new Shape(1, 2, 2));
        return attention;
    }

    // Head 1 sees sqrt(ln 3) and 0, head 2 sees 0 and 0.
    private NDArray tokens() {
        return manager.create(
                new float[] {(float) Math.sqrt(Math.log(3)), 0, 0, 0}, new Shape(1, 2, 2));
    }

    @Test
    void probabilitiesFollowTheTokensOnceExposed() {
        SelfAttention attention = attention();
        attention.setExposeProbabilities(true);

        NDList output = forward(attention, tokens());

        // Head 1: scores (ln 3, 0), (0, 0). Head 2: all 0.
        assertThat(output.get(1).getShape()).isEqualTo(new Shape(1, 2, 2, 2));
        assertThat(doubles(output.get(1)))
                .containsExactly(
                        new double[] {0.75, 0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5}, within(1e-6));
        // Head 1: 0.75 and 0.5 of 10 sqrt(ln 3); head 2: 0, and the bias 1.
        double value = 10 * Math.sqrt(Math.log(3));
        assertThat(doubles(output.get(0)))
                .containsExactly(new double[] {0.75 * value, 1, 0.5 * value, 1}, within(1e-5));
        assertThat(attention.getOutputShapes(new Shape[] {new Shape(5, 7, 2)}))
                .containsExactly(new Shape(5, 7, 2), new Shape(5, 2, 7, 7));
    }

    @Test
    void tokensStandAloneUnlessProbabilitiesAreAskedFor() {
        assertThat(forward(attention(), tokens())).hasSize(1);
        assertThat(attention().getOutputShapes(new Shape[] {new Shape(5, 7, 2)}))
                .containsExactly(new Shape(5, 7, 2));
    }

    @Test
    void scoresAreScaledByTheRootOfTheHeadsWidth() {
        // One head of width 4 with q = k = x: x x^T / sqrt(4) = 2 ln 3 / 2 = ln 3.
        SelfAttention attention = new SelfAttention(4, 1);
        attention.getParameters().get("01qkv_weight").setInitializer((m, shape, type) -> {
            NDArray identity = m.eye(4);
            return identity.concat(identity, 0).concat(identity, 0);
        });
        attention.initialize(manager, DataType.FLOAT32, new Shape(1, 2, 4));
        attention.setExposeProbabilities(true);
        float x = (float) Math.sqrt(2 * Math.log(3));

        NDList output = forward(
                attention,
                manager.create(new float[] {x, 0, 0, 0, 0, 0, 0, 0}, new Shape(1, 2, 4)));

        assertThat(doubles(output.get(1)))
                .containsExactly(new double[] {0.75, 0.25, 0.5, 0.5}, within(1e-6));
    }
}
