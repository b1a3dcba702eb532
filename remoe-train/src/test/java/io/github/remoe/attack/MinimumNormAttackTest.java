package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** What every attack promises, of FAB and DeepFool. */
class MinimumNormAttackTest {

    private static final int COUNT = 10;
    private static final int SIZE = 3 * 8 * 8;
    // Half of the images are wrong within these.
    private static final ThreatModel LINF = ThreatModel.linf(0.015f);
    private static final ThreatModel L2 = ThreatModel.l2(0.15f);

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.initializer("minimumNorm", -0.3, 1.3)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32)
                .clip(0, 1);
        NDArray predicted = model.predict(images).head().argMax(1);
        // The last two are misclassified already.
        NDArray others = predicted.get((COUNT - 2) + ":").add(1).mod(5);
        labels = NDArrays.concat(new NDList(predicted.get(":" + (COUNT - 2)), others));
        seeds = LongStream.range(100, 100 + COUNT).toArray();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    static Stream<Attack> attacks() {
        return Stream.of(LINF, L2)
                .flatMap(threat -> Stream.of(
                        Fab.builder(threat).optSteps(2).optRestarts(2).build(),
                        Fab.builder(threat).optSteps(2).optTargeted(false).build(),
                        DeepFool.builder(threat).build()));
    }

    private static ThreatModel threatModel(Attack attack) {
        return attack instanceof Fab fab ? fab.threatModel() : ((DeepFool) attack).threatModel();
    }

    private NDArray nearest(Attack attack) {
        return attack instanceof Fab fab
                ? fab.nearest(model, images, labels, seeds)
                : ((DeepFool) attack).nearest(model, images, labels);
    }

    private NDArray attacked(Attack attack) {
        return attack.perturb(model, images, labels, seeds);
    }

    private boolean[] wrong(NDArray adversarial) {
        return model.predict(adversarial).head().argMax(1).neq(labels).toBooleanArray();
    }

    private static int count(boolean... values) {
        int count = 0;
        for (boolean value : values) {
            count += value ? 1 : 0;
        }
        return count;
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void adversarialImagesLieInTheBallAndTheOthersAreTheCleanOnes(Attack attack) {
        ThreatModel threat = threatModel(attack);
        double[] clean = Tensors.doubles(images);

        NDArray adversarial = attacked(attack);

        boolean[] wrong = wrong(adversarial);
        double[] distances = Tensors.doubles(threat.distance(adversarial, images));
        assertThat(count(wrong)).isBetween(4, COUNT - 2);
        for (int i = 0; i < COUNT; i++) {
            assertThat(distances[i]).isLessThanOrEqualTo(threat.epsilon());
            // The last two were wrong from the beginning.
            assertThat(distances[i] > 0).isEqualTo(wrong[i] && i < COUNT - 2);
        }
        assertThat(wrong[COUNT - 2] && wrong[COUNT - 1]).isTrue();
        for (double pixel : Tensors.doubles(adversarial)) {
            assertThat(pixel).isBetween(0.0, 1.0);
        }
        assertThat(Tensors.doubles(images)).isEqualTo(clean);
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void nearestGoesAsFarAsItTakes(Attack attack) {
        ThreatModel threat = threatModel(attack);
        NDArray nearest = nearest(attack);
        double[] distances = Tensors.doubles(threat.distance(nearest, images));
        boolean[] within = wrong(attacked(attack));
        boolean[] wrong = wrong(nearest);

        int beyond = 0;
        for (int i = 0; i < COUNT; i++) {
            if (distances[i] > threat.epsilon()) {
                beyond++;
                assertThat(wrong[i]).isTrue();
                assertThat(within[i]).isFalse();
            } else {
                assertThat(within[i]).isEqualTo(wrong[i]);
            }
        }
        assertThat(beyond).isPositive();
        assertThat(distances[COUNT - 1]).isZero();
        for (double pixel : Tensors.doubles(nearest)) {
            assertThat(pixel).isBetween(0.0, 1.0);
        }
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void anImagesResultDependsNeitherOnItsBatchNorOnItsPlace(Attack attack) {
        double[] together = Tensors.doubles(attacked(attack));

        assertThat(Tensors.doubles(attacked(attack))).isEqualTo(together);
        int[] rows = {7, 0, 3};
        NDArray some = attack.perturb(
                model,
                Rows.select(images, rows),
                Rows.select(labels, rows),
                Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray());
        double[] actual = Tensors.doubles(some);
        for (int i = 0; i < rows.length; i++) {
            assertThat(Arrays.copyOfRange(actual, i * SIZE, (i + 1) * SIZE))
                    .containsExactly(
                            Arrays.copyOfRange(together, rows[i] * SIZE, (rows[i] + 1) * SIZE),
                            within(1e-6));
        }
    }

    @Test
    void withoutRestartsNothingIsRandom() {
        long[] otherSeeds = Arrays.stream(seeds).map(seed -> seed + 1000).toArray();
        for (Attack attack : List.of(
                Fab.builder(LINF).optSteps(3).build(), DeepFool.builder(LINF).build())) {
            assertThat(Tensors.doubles(attack.perturb(model, images, labels, otherSeeds)))
                    .isEqualTo(Tensors.doubles(attacked(attack)));
        }
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void theResultIsAllThatStaysOpen(Attack attack) {
        attacked(attack).close();
        nearest(attack).close();
        int held = manager.getManagedArrays().size();
        for (int call = 0; call < 3; call++) {
            for (NDArray result : List.of(attacked(attack), nearest(attack))) {
                assertThat(result.getManager()).isSameAs(manager);
                result.close();
            }
        }
        assertThat(manager.getManagedArrays()).hasSize(held);
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void insideAScopeTheResultEndsWithIt(Attack attack) {
        double[] outside = Tensors.doubles(attacked(attack));
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = attacked(attack);
            assertThat(Tensors.doubles(adversarial)).isEqualTo(outside);
        }

        assertThat(adversarial.isReleased()).isTrue();
        assertThat(images.isReleased()).isFalse();
        assertThat(labels.isReleased()).isFalse();
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void labelsOfOtherTypesWillDo(Attack attack) {
        double[] expected = Tensors.doubles(attacked(attack));
        labels = labels.toType(DataType.INT32, true);

        assertThat(Tensors.doubles(attacked(attack))).isEqualTo(expected);
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void labelsAreClassesOfTheModel(Attack attack) {
        labels = labels.add(3);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> attacked(attack))
                .withMessageContaining("labels from 0 to 4");
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void everyImageNeedsASeed(Attack attack) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> attack.perturb(model, images, labels, new long[3]))
                .withMessageContaining("3 seeds for images (10, 3, 8, 8)");
    }

    @Test
    void epsilonZeroGivesTheCleanImages() {
        ThreatModel none = ThreatModel.l2(0);
        double[] clean = Tensors.doubles(images);

        assertThat(Tensors.doubles(
                        attacked(Fab.builder(none).optSteps(2).optRestarts(2).build())))
                .isEqualTo(clean);
        assertThat(Tensors.doubles(attacked(DeepFool.builder(none).build()))).isEqualTo(clean);
    }
}
