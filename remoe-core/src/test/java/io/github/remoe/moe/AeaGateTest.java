package io.github.remoe.moe;

import static io.github.remoe.Tensors.array;
import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class AeaGateTest {

    private static final RegionGrid PATCHES = new RegionGrid(2, 2, 2, 2);

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray tokens(int count) {
        return Golden.tensor(manager, DataType.FLOAT32, "x", 1, count, 3);
    }

    @Test
    void withAClassTokenTheWeightsAreItsAttentionOverTheHeads() {
        // Two heads; only the row of the class token may count.
        NDArray attention =
                Golden.tensor(manager, DataType.FLOAT32, "a", 1, 2, 5, 5).abs();
        NDArray classRows = array(
                manager, new Shape(1, 2, 5), 0.2, 0.4, 0.2, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1, 0.3);
        attention.set(new NDIndex(":, :, 0"), classRows);

        NDArray weights = forward(new AeaGate(PATCHES, 1), tokens(5), attention).head();

        // Mean over the heads: 0.3, 0.2, 0.1, 0.2, whose mean is 0.2.
        assertThat(weights.getShape()).isEqualTo(new Shape(1, 4));
        assertThat(doubles(weights)).containsExactly(new double[] {1.5, 1, 0.5, 1}, within(1e-6));
    }

    @Test
    void withADistillationTokenTooTheClassTokenAttends() {
        NDArray attention = manager.zeros(new Shape(1, 1, 6, 6));
        NDArray classRow = array(manager, new Shape(1, 1, 6), 0.5, 0.1, 0.2, 0.1, 0.05, 0.05);
        attention.set(new NDIndex(":, :, 0"), classRow);
        attention.set(new NDIndex(":, :, 1"), 1f);

        NDArray weights = forward(new AeaGate(PATCHES, 2), tokens(6), attention).head();

        // 0.2, 0.1, 0.05, 0.05, whose mean is 0.1.
        assertThat(doubles(weights)).containsExactly(new double[] {2, 1, 0.5, 0.5}, within(1e-6));
    }

    @Test
    void withoutAClassTokenTheWeightsAreTheAttentionReceived() {
        NDArray attention = array(
                manager,
                new Shape(1, 1, 4, 4),
                0.7,
                0.1,
                0.1,
                0.1,
                0.5,
                0.3,
                0.1,
                0.1,
                0.4,
                0.2,
                0.2,
                0.2,
                0.4,
                0.2,
                0.0,
                0.4);

        NDArray weights = forward(new AeaGate(PATCHES, 0), tokens(4), attention).head();

        // The columns add up to 2, 0.8, 0.4 and 0.8, whose mean is 1.
        assertThat(doubles(weights)).containsExactly(new double[] {2, 0.8, 0.4, 0.8}, within(1e-6));
    }

    @Test
    void withoutAttentionTheTokensOwnSimilarityStandsIn() {
        // D = 4, so x x^T / sqrt(D) of the first patch is 2 ln 2 / 2 = ln 2, and all others are 0.
        NDArray tokens = manager.zeros(new Shape(1, 4, 4));
        tokens.set(new NDIndex("0, 0, 0"), (float) Math.sqrt(2 * Math.log(2)));

        NDArray weights = forward(new AeaGate(PATCHES, 0), tokens).head();

        // Softmax rows: 2/5 1/5 1/5 1/5, then three times 1/4 each. Columns: 1.15, 0.95 x 3.
        assertThat(doubles(weights))
                .containsExactly(new double[] {1.15, 0.95, 0.95, 0.95}, within(1e-6));
    }

    @Test
    void aRegionWeighsTheMeanOfItsPatches() {
        // 1 | 2 3: region 1 is one patch, region 2 two.
        NDArray attention = manager.zeros(new Shape(1, 1, 4, 4));
        NDArray classRow = array(manager, new Shape(1, 1, 4), 0.1, 0.3, 0.2, 0.4);
        attention.set(new NDIndex(":, :, 0"), classRow);
        AeaGate gate = new AeaGate(new RegionGrid(1, 3, 1, 2), 1);

        NDArray weights = forward(gate, tokens(4), attention).head();

        // Means 0.3 and (0.2 + 0.4) / 2 = 0.3.
        assertThat(doubles(weights)).containsExactly(new double[] {1, 1}, within(1e-6));
    }

    @Test
    void theScaleOfTheAttentionDoesNotMatter() {
        NDArray attention =
                Golden.tensor(manager, DataType.FLOAT32, "a", 2, 2, 5, 5).abs();
        AeaGate gate = new AeaGate(PATCHES, 1);
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 5, 3);

        double[] weights = doubles(forward(gate, tokens, attention).head());

        assertThat(doubles(forward(gate, tokens, attention.mul(1e-3f)).head()))
                .containsExactly(weights, within(1e-5));
    }

    @Test
    void noSaliencyAtAllGivesOneEverywhere() {
        NDArray attention = manager.zeros(new Shape(1, 2, 5, 5));

        NDArray weights = forward(new AeaGate(PATCHES, 1), tokens(5), attention).head();

        assertThat(doubles(weights)).containsExactly(1, 1, 1, 1);
    }

    @Test
    void thereAreNoParameters() {
        assertThat(new AeaGate(PATCHES, 1).getParameters()).isEmpty();
    }
}
