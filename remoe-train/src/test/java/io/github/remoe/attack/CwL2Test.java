package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

class CwL2Test {

    private static final int COUNT = 12;
    private static final int SIZE = 3 * 8 * 8;
    private static final float EPSILON = 0.15f;
    private static final TargetClass NEXT =
            (logits, labels, seeds) -> labels.add(1).mod(5);

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        // Some pixels at the ends of the range, where tanh is flat.
        images = Golden.initializer("cw", -0.2, 1.2)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32)
                .clip(0, 1);
        labels = predicted(images);
        seeds = LongStream.range(100, 100 + COUNT).toArray();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Few and large steps, since tests are many. */
    private static CwL2.Builder cw(ThreatModel threat) {
        return CwL2.builder(threat)
                .optBinarySearchSteps(4)
                .optInitialConst(0.05f)
                .optSteps(30)
                .optStepSize(0.03f);
    }

    private NDArray predicted(NDArray points) {
        return model.predict(points).head().argMax(1);
    }

    private boolean[] broken(NDArray points) {
        return predicted(points).neq(labels).toBooleanArray();
    }

    private static int count(boolean[] marks) {
        return (int) IntStream.range(0, marks.length).filter(i -> marks[i]).count();
    }

    @Test
    void imagesAreAdversarialWithinEpsilonOrAsTheyWere() {
        double[] clean = Tensors.doubles(images);
        for (CwL2 attack : new CwL2[] {
            cw(ThreatModel.l2(EPSILON)).build(),
            cw(ThreatModel.l2(EPSILON)).optAbortEarly(false).build(),
            cw(ThreatModel.l2(EPSILON)).optTarget(NEXT).build(),
            cw(ThreatModel.l2(0.3f)).optConfidence(0.1f).build()
        }) {
            NDArray adversarial = attack.perturb(model, images, labels, seeds);

            boolean[] broken = broken(adversarial);
            assertThat(count(broken)).isBetween(1, COUNT - 1);
            assertThat(Tensors.doubles(images)).isEqualTo(clean);
            double[] pixels = Tensors.doubles(adversarial);
            assertThat(pixels).doesNotContain(Double.NaN);
            assertThat(Arrays.stream(pixels)).allMatch(pixel -> pixel >= 0 && pixel <= 1);
            double[] distances =
                    Tensors.doubles(attack.threatModel().distance(adversarial, images));
            for (int i = 0; i < COUNT; i++) {
                assertThat(distances[i])
                        .isLessThanOrEqualTo(
                                attack.threatModel().epsilon() + ThreatModel.TOLERANCE);
                if (!broken[i]) {
                    assertThat(distances[i]).isZero();
                }
            }
        }
    }

    @Test
    void nearestGoesAsFarAsItTakes() {
        CwL2 attack = cw(ThreatModel.l2(EPSILON)).build();
        double[] within = Tensors.doubles(attack.perturb(model, images, labels, seeds));

        NDArray nearest = attack.nearest(model, images, labels, seeds);

        double[] found = Tensors.doubles(nearest);
        double[] clean = Tensors.doubles(images);
        double[] distances = Tensors.doubles(attack.threatModel().distance(nearest, images));
        assertThat(count(broken(nearest))).isEqualTo(COUNT);
        assertThat(Arrays.stream(distances)).anyMatch(d -> d > EPSILON).anyMatch(d -> d < EPSILON);
        for (int i = 0; i < COUNT; i++) {
            double[] expected = distances[i] <= EPSILON ? found : clean;
            assertThat(Arrays.copyOfRange(within, i * SIZE, (i + 1) * SIZE))
                    .isEqualTo(Arrays.copyOfRange(expected, i * SIZE, (i + 1) * SIZE));
        }
    }

    @Test
    void aConfidentAttackWinsByItsMargin() {
        CwL2 attack = cw(ThreatModel.l2(1)).optConfidence(0.2f).build();

        NDArray adversarial = attack.perturb(model, images, labels, seeds);

        NDList outputs = model.predict(adversarial);
        assertThat(Arrays.stream(Tensors.doubles(
                        LogitLoss.MARGIN.prepare(model, images, labels, null).apply(outputs))))
                .allMatch(margin -> margin > 0.2);
        assertThat(Arrays.stream(
                        Tensors.doubles(attack.threatModel().distance(adversarial, images))))
                .allMatch(distance -> distance > 0);
    }

    @Test
    void aTargetedAttackReachesTheClass() {
        NDArray adversarial =
                cw(ThreatModel.l2(2)).optTarget(NEXT).build().perturb(model, images, labels, seeds);

        assertThat(predicted(adversarial)).isEqualTo(labels.add(1).mod(5));
    }

    @Test
    void misclassifiedImagesComeBackMisclassified() {
        NDArray wrong = labels.add(1).mod(5);

        assertThat(Tensors.doubles(
                        cw(ThreatModel.l2(1)).build().perturb(model, images, wrong, seeds)))
                .isEqualTo(Tensors.doubles(images));
        for (CwL2 attack : new CwL2[] {
            cw(ThreatModel.l2(1)).optConfidence(0.3f).build(),
            cw(ThreatModel.l2(0.1f)).optTarget(NEXT).build()
        }) {
            NDArray adversarial = attack.perturb(model, images, wrong, seeds);
            assertThat(predicted(adversarial).neq(wrong).all().getBoolean()).isTrue();
        }
    }

    @Test
    void anImagesResultDependsOnItsPixelsLabelAndSeedAlone() {
        CwL2 attack = cw(ThreatModel.l2(EPSILON)).build();
        double[] together = Tensors.doubles(attack.perturb(model, images, labels, seeds));
        assertThat(Tensors.doubles(attack.perturb(model, images, labels, seeds)))
                .isEqualTo(together);

        for (int[] rows : new int[][] {{7}, {5, 2, 11, 0, 3, 8, 1}}) {
            double[] some = Tensors.doubles(attack.perturb(
                    model,
                    Rows.select(images, rows),
                    Rows.select(labels, rows),
                    Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray()));
            for (int i = 0; i < rows.length; i++) {
                assertThat(Arrays.copyOfRange(some, i * SIZE, (i + 1) * SIZE))
                        .isEqualTo(
                                Arrays.copyOfRange(together, rows[i] * SIZE, (rows[i] + 1) * SIZE));
            }
        }
    }

    @Test
    void moreConstantsNeverLoseAnImageNorALargerDistance() {
        double[] before = null;
        boolean[] brokenBefore = new boolean[COUNT];
        for (int tried = 1; tried <= 6; tried++) {
            CwL2 attack = cw(ThreatModel.l2(10)).optBinarySearchSteps(tried).build();
            NDArray adversarial = attack.perturb(model, images, labels, seeds);
            boolean[] broken = broken(adversarial);
            double[] distances =
                    Tensors.doubles(attack.threatModel().distance(adversarial, images));
            for (int i = 0; i < COUNT; i++) {
                if (brokenBefore[i]) {
                    assertThat(broken[i]).isTrue();
                    assertThat(distances[i]).isLessThanOrEqualTo(before[i]);
                }
            }
            before = distances;
            brokenBefore = broken;
        }
        assertThat(count(brokenBefore)).isEqualTo(COUNT);
    }

    @Test
    void onALinearModelTheDistanceIsThatToTheNearestHyperplane() {
        SequentialBlock linear = new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(3).build());
        linear.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        linear.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 4, 4));
        // Pixel values from -1 to 3, none near the ends.
        ThreatModel threat = new ThreatModel(Norm.L2, 10, -1, 3);
        NDArray points = Golden.initializer("points", 0.5, 1.5)
                .initialize(manager, new Shape(4, 3, 4, 4), DataType.FLOAT32);
        try (TargetModel target = new TargetModel(linear, manager)) {
            NDArray logits = target.predict(points).head();
            NDArray classes = logits.argMax(1);

            NDArray adversarial = CwL2.builder(threat)
                    .optInitialConst(0.1f)
                    .optBinarySearchSteps(6)
                    .optSteps(150)
                    .optStepSize(0.005f)
                    .optAbortEarly(false)
                    .build()
                    .perturb(target, points, classes, new long[4]);

            double[] distances = Tensors.doubles(threat.distance(adversarial, points));
            float[] weight = linear.getParameters().valueAt(0).getArray().toFloatArray();
            for (int i = 0; i < 4; i++) {
                int y = (int) classes.getLong(i);
                double nearest = Double.POSITIVE_INFINITY;
                for (int other = 0; other < 3; other++) {
                    if (other != y) {
                        double sum = 0;
                        for (int j = 0; j < 48; j++) {
                            double difference = weight[y * 48 + j] - weight[other * 48 + j];
                            sum += difference * difference;
                        }
                        double margin = logits.getFloat(i, y) - logits.getFloat(i, other);
                        nearest = Math.min(nearest, margin / Math.sqrt(sum));
                    }
                }
                assertThat(distances[i]).isBetween(nearest * (1 - 1e-5), nearest * 1.005);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 0", "false, 0.5", "true, 0.5"})
    void theGradientIsTheCentralDifference(boolean targeted, float confidence) {
        CwL2.Builder builder =
                CwL2.builder(new ThreatModel(Norm.L2, 1, -0.5f, 1.5f)).optConfidence(confidence);
        CwL2 attack = (targeted ? builder.optTarget(NEXT) : builder).build();
        try (TargetModel exact =
                new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT64), manager)) {
            NDArray start = images.toType(DataType.FLOAT64, true);
            NDArray classes = targeted ? labels.add(1).mod(5) : labels;
            NDArray w = attack.inTanhSpace(start)
                    .add(Golden.initializer("step", -0.3, 0.3)
                            .initialize(manager, start.getShape(), DataType.FLOAT64));
            double[] constants =
                    IntStream.range(0, COUNT).mapToDouble(i -> i + 1).toArray();
            double[] gradient = Tensors.doubles(
                    attack.objective(exact, w, start, classes, constants).gradient());
            double h = 1e-2;
            for (int pixel = 0; pixel < SIZE; pixel += 41) {
                double[] unit = new double[SIZE];
                unit[pixel] = h;
                NDArray step = manager.create(unit, new Shape(1, 3, 8, 8));
                double[] above = attack.objective(exact, w.add(step), start, classes, constants)
                        .losses();
                double[] below = attack.objective(exact, w.sub(step), start, classes, constants)
                        .losses();
                for (int i = 0; i < COUNT; i++) {
                    double largest = Arrays.stream(gradient, i * SIZE, (i + 1) * SIZE)
                            .map(Math::abs)
                            .max()
                            .orElseThrow();
                    assertThat(gradient[i * SIZE + pixel])
                            .isCloseTo((above[i] - below[i]) / (2 * h), within(1e-3 * largest));
                }
            }
        }
    }

    @Test
    void anyPixelRangeGivesTheSameAttack() {
        CwL2 attack = cw(ThreatModel.l2(EPSILON)).build();
        CwL2 scaled = cw(new ThreatModel(Norm.L2, 4 * EPSILON, -1, 3))
                // The distances' squares are 16 times as large.
                .optInitialConst(16 * 0.05f)
                .build();
        SequentialBlock rescaling = new SequentialBlock()
                .add(list -> new NDList(list.head().add(1).div(4)))
                .add(TinyNetworks.golden(manager, DataType.FLOAT32));
        try (TargetModel other = new TargetModel(rescaling, manager)) {
            double[] expected = Tensors.doubles(attack.perturb(model, images, labels, seeds));

            double[] actual = Tensors.doubles(
                    scaled.perturb(other, images.mul(4).sub(1).clip(-1, 3), labels, seeds)
                            .add(1)
                            .div(4));

            assertThat(actual).containsExactly(expected, within(1e-3));
        }
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        for (CwL2 attack : new CwL2[] {
            cw(ThreatModel.l2(EPSILON)).optSteps(12).build(),
            cw(ThreatModel.l2(EPSILON)).optSteps(12).optTarget(NEXT).build(),
            cw(ThreatModel.l2(EPSILON)).optSteps(3).optAbortEarly(false).build()
        }) {
            attack.perturb(model, images, labels, seeds).close();
            int held = manager.getManagedArrays().size();
            for (int call = 0; call < 4; call++) {
                NDArray adversarial = attack.perturb(model, images, labels, seeds);
                assertThat(adversarial.getManager()).isSameAs(manager);
                adversarial.close();
            }
            assertThat(manager.getManagedArrays()).hasSize(held);
        }
    }

    @Test
    void insideAScopeTheResultEndsWithIt() {
        CwL2 attack = cw(ThreatModel.l2(EPSILON)).optSteps(12).build();
        double[] outside = Tensors.doubles(attack.perturb(model, images, labels, seeds));
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = attack.perturb(model, images, labels, seeds);
            assertThat(Tensors.doubles(adversarial)).isEqualTo(outside);
        }

        assertThat(adversarial.isReleased()).isTrue();
        assertThat(images.isReleased()).isFalse();
    }

    @Test
    void labelsAreClassesOfTheModel() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> cw(ThreatModel.l2(EPSILON))
                        .build()
                        .perturb(model, images, labels.add(3), seeds))
                .withMessageContaining("classes 0 to 4");
    }

    @Test
    void epsilonZeroGivesTheCleanImages() {
        assertThat(Tensors.doubles(
                        cw(ThreatModel.l2(0)).build().perturb(model, images, labels, seeds)))
                .isEqualTo(Tensors.doubles(images));
    }

    @Test
    void lInfinityIsPgdsOnTheMargin() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CwL2.builder(ThreatModel.linf(8 / 255f)).build())
                .withMessageContaining("linf")
                .withMessageContaining("Pgd.builder(threatModel).optLoss(LogitLoss.MARGIN)");
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, Float.NaN, Float.POSITIVE_INFINITY})
    void settingsAreFiniteAndPositive(float wrong) {
        CwL2.Builder builder = CwL2.builder(ThreatModel.l2(1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optConfidence(wrong).build())
                .withMessageContaining("confidence");
        builder.optConfidence(0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optInitialConst(wrong).build())
                .withMessageContaining("initialConst");
        builder.optInitialConst(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optStepSize(wrong).build())
                .withMessageContaining("stepSize");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0"})
    void thereIsAtLeastOneConstantAndOneStep(int constants, int steps) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CwL2.builder(ThreatModel.l2(1))
                        .optBinarySearchSteps(constants)
                        .optSteps(steps)
                        .build())
                .withMessageContaining("at least 1 constant");
    }
}
