package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.stream.LongStream;

class FabTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static Fab.Builder fab(Norm norm) {
        return Fab.builder(new ThreatModel(norm, 1, 0, 1));
    }

    private double[] linear(Fab fab, double... pixels) {
        TargetModel model = new TargetModel(LinearNetwork.create(manager), manager);
        NDArray images = Tensors.array(manager, new Shape(1, 1, 1, 3), pixels);
        NDArray labels = manager.create(new long[] {0});
        return Tensors.doubles(fab.nearest(model, images, labels, new long[1]).sub(images));
    }

    @Test
    void theFirstStepEndsEtaTimesAsFarAsTheBoundary() {
        // -0.9 / 5 for each pixel; -0.9 / 9 of (1, 2, -2); 1.05 times as far.
        assertThat(linear(fab(Norm.LINF).optSteps(1).build(), LinearNetwork.MIDDLE))
                .containsExactly(new double[] {0.189, 0.189, -0.189}, within(1e-6));
        assertThat(linear(fab(Norm.L2).optSteps(1).build(), LinearNetwork.MIDDLE))
                .containsExactly(new double[] {0.105, 0.21, -0.21}, within(1e-6));
    }

    @Test
    void theSecondStepStartsFromBetaOfTheWay() {
        // In parts of the way to the boundary: from 0.9 * 1.05 = 0.945, 0.055 are left, so alpha is
        // 0.055 / 1.055 and the step ends at (0.945 + 1.05 * 0.055) (1 - alpha) + 1.05 alpha.
        double alpha = 0.055 / 1.055;
        double part = (0.945 + 1.05 * 0.055) * (1 - alpha) + 1.05 * alpha;

        assertThat(linear(fab(Norm.L2).optSteps(2).build(), LinearNetwork.MIDDLE))
                .containsExactly(new double[] {0.1 * part, 0.2 * part, -0.2 * part}, within(1e-6));
    }

    @Test
    void theCleanImagesWeightIsLimited() {
        // From 0.5 * 1.05 = 0.525 of the way 0.475 are left: alpha would be 0.475 / 1.475 = 0.32.
        double part = (0.525 + 1.05 * 0.475) * 0.9 + 1.05 * 0.1;
        double whole = (0.525 + 1.05 * 0.475) * (1 / 1.475) + 1.05 * (0.475 / 1.475);
        Fab.Builder fab = fab(Norm.L2).optSteps(2).optBeta(0.5f);

        assertThat(linear(fab.build(), LinearNetwork.MIDDLE)[0])
                .isCloseTo(0.1 * part, within(1e-6));
        assertThat(linear(fab.optAlphaMax(1).build(), LinearNetwork.MIDDLE)[0])
                .isCloseTo(0.1 * whole, within(1e-6));
    }

    @ParameterizedTest
    @CsvSource({"true", "false"})
    void onALinearClassifierItFindsTheNearestPointOfTheBoundary(boolean targeted) {
        assertNear(fab(Norm.LINF).optSteps(30).optTargeted(targeted), 0.18, 0.18, -0.18);
        assertNear(fab(Norm.L2).optSteps(30).optTargeted(targeted), 0.1, 0.2, -0.2);
    }

    private void assertNear(Fab.Builder fab, double... expected) {
        assertThat(linear(fab.build(), LinearNetwork.MIDDLE))
                .containsExactly(expected, within(2e-3));
        assertThat(linear(fab.optEta(1.0005f).build(), LinearNetwork.MIDDLE))
                .containsExactly(expected, within(1e-4));
    }

    @Test
    void atTheBordersOfThePixelRangeItFindsTheNearestPointWithinIt() {
        // z_1 = 0.5 + 1.84 - 2 - 1.4 = -1.06; the second pixel gives 2 * 0.08, 0.9 are left.
        assertThat(linear(fab(Norm.LINF).optSteps(30).optEta(1.0005f).build(), 0.5, 0.92, 1))
                .containsExactly(new double[] {0.3, 0.08, -0.3}, within(2e-4));
        assertThat(linear(fab(Norm.L2).optSteps(30).optEta(1.0005f).build(), 0.5, 0.92, 1))
                .containsExactly(new double[] {0.18, 0.08, -0.36}, within(2e-4));
    }

    @Test
    void targetClassesAreTheLikeliest() {
        Fab likeliest = fab(Norm.L2).optTargetClasses(1).optSteps(1).build();

        assertThat(linear(likeliest, LinearNetwork.MIDDLE))
                .containsExactly(new double[] {1.05 * 0.45, 0, 0}, within(1e-6));
    }

    @ParameterizedTest
    @EnumSource
    void stepsAndTargetClassesOnlyEverHelp(Norm norm) {
        Attacked bent = new Attacked(BentNetwork.create(manager), manager, "fabImage", norm, 8);
        Fab few = bent.fab.optSteps(5).optTargetClasses(1).build();

        bent.assertHelps(few, bent.fab.optSteps(20).build());
        bent.assertHelps(few, bent.fab.optSteps(5).optTargetClasses(4).build());
    }

    @ParameterizedTest
    @EnumSource
    void restartsOnlyEverHelpAndAreRandom(Norm norm) {
        Attacked vit = new Attacked(TinyNetworks.reMoEVit(manager), manager, "fab", norm, 2);
        Fab once = vit.fab.optSteps(5).optTargetClasses(1).build();
        Fab thrice = vit.fab.optRestarts(3).build();

        vit.assertHelps(once, thrice);
        double[] distances = vit.distances(thrice);
        assertThat(vit.distances(thrice)).isEqualTo(distances);
        vit.seeds[0]++;
        assertThat(vit.distances(thrice)[0]).isNotEqualTo(distances[0]);
        assertThat(vit.distances(thrice)[1]).isEqualTo(distances[1]);
    }

    /** Images whose boundaries are bent, so that more effort makes a difference. */
    private static final class Attacked {

        private final TargetModel model;
        private final NDArray images;
        private final NDArray labels;
        private final long[] seeds;
        private final Fab.Builder fab;

        Attacked(Block network, NDManager manager, String name, Norm norm, int count) {
            model = new TargetModel(network, manager);
            images = Golden.initializer(name, -0.3, 1.3)
                    .initialize(manager, new Shape(count, 3, 8, 8), DataType.FLOAT32)
                    .clip(0, 1);
            labels = model.predict(images).head().argMax(1);
            seeds = LongStream.range(0, count).toArray();
            fab = Fab.builder(new ThreatModel(norm, norm == Norm.LINF ? 1 : 3, 0, 1));
        }

        double[] distances(Fab attack) {
            NDArray nearest = attack.nearest(model, images, labels, seeds);
            return Tensors.doubles(attack.threatModel().distance(nearest, images));
        }

        boolean[] wrong(Fab attack) {
            NDArray adversarial = attack.perturb(model, images, labels, seeds);
            return model.predict(adversarial).head().argMax(1).neq(labels).toBooleanArray();
        }

        void assertHelps(Fab few, Fab more) {
            double[] before = distances(few);
            double[] after = distances(more);
            int nearer = 0;
            for (int i = 0; i < before.length; i++) {
                assertThat(after[i]).isLessThanOrEqualTo(before[i]);
                nearer += after[i] < before[i] ? 1 : 0;
            }
            assertThat(nearer).isPositive();
            for (double epsilon : new double[] {before[0], before[1]}) {
                boolean[] wrong = wrong(withEpsilon(more, epsilon));
                for (int i = 0; i < before.length; i++) {
                    assertThat(wrong[i] || before[i] > epsilon).isTrue();
                }
            }
        }
    }

    private static Fab withEpsilon(Fab fab, double epsilon) {
        return new Fab(
                fab.threatModel().withEpsilon((float) epsilon),
                fab.targeted(),
                fab.targetClasses(),
                fab.steps(),
                fab.restarts(),
                fab.alphaMax(),
                fab.eta(),
                fab.beta());
    }

    @ParameterizedTest
    @EnumSource
    void otherPixelRangesGiveTheSameImagesScaled(Norm norm) {
        double[] expected = linear(fab(norm).optSteps(5).build(), 0.5, 0.92, 1);
        TargetModel model = new TargetModel(
                new SequentialBlock()
                        .add(pixels -> new NDList(pixels.head().add(1).div(4)))
                        .add(LinearNetwork.create(manager)),
                manager);
        NDArray images = Tensors.array(manager, new Shape(1, 1, 1, 3), 1, 2.68, 3);
        NDArray labels = manager.create(new long[] {0});
        Fab fab = Fab.builder(new ThreatModel(norm, 4, -1, 3)).optSteps(5).build();

        NDArray nearest = fab.nearest(model, images, labels, new long[1]);

        assertThat(Tensors.doubles(nearest.sub(images).div(4)))
                .containsExactly(expected, within(1e-5));
    }

    @Test
    void theDefaultsAreThoseOfAutoAttack() {
        ThreatModel threat = ThreatModel.linf(8 / 255f);

        assertThat(Fab.builder(threat).build())
                .isEqualTo(new Fab(threat, true, 9, 100, 1, 0.1f, 1.05f, 0.9f));
        assertThat(Fab.builder(threat).build().toString())
                .startsWith("Fab[threatModel=ThreatModel[norm=linf, epsilon=0.03137255")
                .endsWith("targeted=true, targetClasses=9, steps=100, restarts=1, alphaMax=0.1,"
                        + " eta=1.05, beta=0.9]");
    }

    @ParameterizedTest
    @CsvSource({"0, 1, 1", "1, 0, 1", "1, 1, 0"})
    void thereIsAtLeastOneOfEverything(int steps, int restarts, int targetClasses) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> fab(Norm.LINF)
                        .optSteps(steps)
                        .optRestarts(restarts)
                        .optTargetClasses(targetClasses)
                        .build())
                .withMessageContaining("at least 1 step");
    }

    @ParameterizedTest
    @CsvSource({
        "-0.1, 1.05, 0.9, alphaMax",
        "1.1, 1.05, 0.9, alphaMax",
        "NaN, 1.05, 0.9, alphaMax",
        "0.1, 0.99, 0.9, eta",
        "0.1, Infinity, 0.9, eta",
        "0.1, NaN, 0.9, eta",
        "0.1, 1.05, 0, beta",
        "0.1, 1.05, 1.1, beta",
        "0.1, 1.05, NaN, beta"
    })
    void factorsAreInTheirRanges(float alphaMax, float eta, float beta, String wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> fab(Norm.LINF)
                        .optAlphaMax(alphaMax)
                        .optEta(eta)
                        .optBeta(beta)
                        .build())
                .withMessageStartingWith(wrong);
    }
}
