package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Differences;
import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.function.Function;

/** {@code src/test/python/attack_losses.py} made the golden numbers. */
class LogitLossTest {

    private static final JsonObject FILE = Golden.read("attack_losses");

    private NDManager manager;
    private TargetModel identity;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        // An image's pixels are its logits.
        identity = new TargetModel(Blocks.batchFlattenBlock(), manager);
    }

    @AfterEach
    void close() {
        identity.close();
        manager.close();
    }

    private NDArray classes(String name) {
        return manager.create(new Gson().fromJson(FILE.get(name), long[].class));
    }

    private NDArray logits(String name) {
        return Golden.input(manager, DataType.FLOAT64, FILE, name);
    }

    private Function<NDList, NDArray> prepare(LogitLoss loss, boolean targeted) {
        NDArray images = logits("cleanLogits").reshape(8, 6, 1, 1);
        return loss.prepare(
                identity, images, classes("labels"), targeted ? classes("targets") : null);
    }

    private double[] losses(LogitLoss loss, long[] labels, long[] targets, double... logits) {
        NDArray rows = Tensors.array(
                manager, new Shape(labels.length, logits.length / labels.length), logits);
        NDArray goals = targets == null ? null : manager.create(targets);
        return Tensors.doubles(loss.prepare(identity, null, manager.create(labels), goals)
                .apply(new NDList(rows)));
    }

    @ParameterizedTest
    @CsvSource({
        "crossEntropy, CROSS_ENTROPY, false",
        "targetedCrossEntropy, CROSS_ENTROPY, true",
        "margin, MARGIN, false",
        "targetedMargin, MARGIN, true",
        "dlr, DLR, false",
        "targetedDlr, DLR, true",
        "kl, KL, false"
    })
    void valuesAndGradientsAreTheReferences(String name, LogitLoss loss, boolean targeted) {
        JsonObject golden = FILE.getAsJsonObject("losses").getAsJsonObject(name);
        NDArray logits = logits("logits");
        Function<NDList, NDArray> objective = prepare(loss, targeted);

        Golden.assertGolden(
                objective.apply(new NDList(logits)), golden.getAsJsonObject("values"), 1e-7);
        logits.setRequiresGradient(true);
        Tensors.backward(() -> objective.apply(new NDList(logits)).sum());
        Golden.assertGolden(logits.getGradient(), golden.getAsJsonObject("gradient"), 1e-7);
    }

    @ParameterizedTest
    @CsvSource({
        "CROSS_ENTROPY, false",
        "CROSS_ENTROPY, true",
        "MARGIN, false",
        "MARGIN, true",
        "DLR, false",
        "DLR, true",
        "KL, false"
    })
    void theGradientIsTheCentralDifference(LogitLoss loss, boolean targeted) {
        NDArray logits = logits("logits");
        NDArray weights = Golden.tensor(manager, DataType.FLOAT64, "weights", 8);
        Function<NDList, NDArray> objective = prepare(loss, targeted);

        Differences.check(
                logits, () -> objective.apply(new NDList(logits)).mul(weights).sum());
    }

    @Test
    void crossEntropyByHand() {
        // softmax(0, ln 3) is (1/4, 3/4).
        double ln3 = Math.log(3);

        assertThat(losses(LogitLoss.CROSS_ENTROPY, new long[] {0, 1}, null, 0, ln3, 0, ln3))
                .containsExactly(new double[] {Math.log(4), Math.log(4 / 3.0)}, within(1e-6));
        assertThat(losses(
                        LogitLoss.CROSS_ENTROPY,
                        new long[] {0, 1},
                        new long[] {1, 0},
                        0,
                        ln3,
                        0,
                        ln3))
                .containsExactly(new double[] {-Math.log(4 / 3.0), -Math.log(4)}, within(1e-6));
    }

    @Test
    void theMarginByHand() {
        double[] logits = {5, 2, 1, 5, 2, 1};

        // The label on top, and not.
        assertThat(losses(LogitLoss.MARGIN, new long[] {0, 1}, null, logits))
                .containsExactly(2 - 5, 5 - 2);
        // The target on top, and not.
        assertThat(losses(LogitLoss.MARGIN, new long[] {1, 1}, new long[] {0, 2}, logits))
                .containsExactly(5 - 2, 1 - 5);
    }

    @Test
    void dlrByHand() {
        double[] logits = {5, 2, 1, -3, 5, 2, 1, -3};

        assertThat(losses(LogitLoss.DLR, new long[] {0, 2}, null, logits))
                .containsExactly(
                        new double[] {-(5 - 2) / (5 - 1.0), -(1 - 5) / (5 - 1.0)}, within(1e-6));
        // z(1) = 5, z(3) = 1, z(4) = -3.
        assertThat(losses(LogitLoss.DLR, new long[] {0, 3}, new long[] {1, 0}, logits))
                .containsExactly(
                        new double[] {-(5 - 2) / (5 - -1.0), -(-3 - 5) / (5 - -1.0)}, within(1e-6));
    }

    @Test
    void tiesGiveNumbers() {
        // The label shares the top, the target too; then all logits are the same.
        double[] logits = {4, 4, 1, 0, 2, 2, 2, 2};
        long[] labels = {0, 0};
        long[] targets = {1, 1};

        assertThat(losses(LogitLoss.MARGIN, labels, null, logits))
                .containsExactly(new double[2], within(0.0));
        assertThat(losses(LogitLoss.MARGIN, labels, targets, logits))
                .containsExactly(new double[2], within(0.0));
        assertThat(losses(LogitLoss.DLR, labels, null, logits))
                .containsExactly(new double[2], within(0.0));
        assertThat(losses(LogitLoss.DLR, labels, targets, logits))
                .containsExactly(new double[2], within(0.0));
        // The three that decide the scale tie: auto-attack's 1e-12 keeps it from 1 / 0.
        assertThat(losses(LogitLoss.DLR, new long[] {3}, null, 2, 2, 2, 1)[0])
                .isCloseTo(1e12, within(1e7));
    }

    @ParameterizedTest
    @EnumSource(
            value = LogitLoss.class,
            names = {"MARGIN", "DLR"})
    void gradientsAtTiesAreFinite(LogitLoss loss) {
        NDArray logits = manager.create(new float[] {4, 4, 1, 0, 2, 2, 2, 2}, new Shape(2, 4));
        for (boolean targeted : new boolean[] {false, true}) {
            NDArray input = logits.duplicate();
            input.setRequiresGradient(true);
            NDArray targets = targeted ? manager.create(new long[] {1, 1}) : null;
            Function<NDList, NDArray> objective =
                    loss.prepare(identity, null, manager.zeros(new Shape(2)), targets);

            Tensors.backward(() -> objective.apply(new NDList(input)).sum());

            for (double slope : Tensors.doubles(input.getGradient())) {
                assertThat(slope).isFinite();
            }
        }
    }

    @Test
    void klByHand() {
        // softmax(0, ln 3) = (1/4, 3/4) against (1/2, 1/2).
        NDArray clean = Tensors.array(manager, new Shape(1, 2, 1, 1), 0, Math.log(3));
        NDArray even = Tensors.array(manager, new Shape(1, 2), 1, 1);
        NDArray label = manager.create(new long[] {0});
        Function<NDList, NDArray> kl = LogitLoss.KL.prepare(identity, clean, label, null);

        assertThat(Tensors.doubles(kl.apply(new NDList(even)))[0])
                .isCloseTo(0.25 * Math.log(0.5) + 0.75 * Math.log(1.5), within(1e-6));
        assertThat(Tensors.doubles(kl.apply(new NDList(clean.reshape(1, 2))))[0])
                .isZero();
    }

    @Test
    void klHasNoTargetedForm() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> prepare(LogitLoss.KL, true))
                .withMessageContaining("no targeted form");
    }

    @ParameterizedTest
    @CsvSource({"DLR, false, 2, 3", "DLR, true, 3, 4", "MARGIN, false, 1, 2", "MARGIN, true, 1, 2"})
    void tooFewClassesAreRefused(LogitLoss loss, boolean targeted, int classes, int needed) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> losses(
                        loss, new long[1], targeted ? new long[1] : null, new double[classes]))
                .withMessageContaining(
                        "needs at least %d classes, the model has %d", needed, classes)
                .withMessageContaining("cross-entropy");
    }

    @ParameterizedTest
    @CsvSource({
        "CROSS_ENTROPY, false",
        "CROSS_ENTROPY, true",
        "MARGIN, false",
        "MARGIN, true",
        "DLR, false",
        "DLR, true"
    })
    void classesAreChecked(LogitLoss loss, boolean targeted) {
        for (long wrong : new long[] {-1, 4}) {
            long[] bad = {wrong};
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> losses(
                            loss, targeted ? new long[1] : bad, targeted ? bad : null, 1, 2, 3, 4))
                    .withMessageContaining("Label " + wrong + " is out of range")
                    .withMessageContaining("0 to 3");
        }
    }
}
