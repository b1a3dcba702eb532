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
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

class ApgdTest {

    private static final int COUNT = 12;
    private static final int SIZE = 3 * 8 * 8;

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        // Some pixels at the borders of the range.
        images = Golden.initializer("apgd", -0.2, 1.2)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32)
                .clip(0, 1);
        labels = predicted(images);
        seeds = LongStream.range(100, 100 + COUNT).toArray();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static ThreatModel threat(Norm norm) {
        return new ThreatModel(norm, norm == Norm.LINF ? 0.01f : 0.08f, 0, 1);
    }

    /** Short attacks of every kind. */
    private static List<Apgd> attacks(Norm norm) {
        return List.of(
                Apgd.builder(threat(norm)).optSteps(5).build(),
                Apgd.builder(threat(norm)).optSteps(5).optLoss(LogitLoss.DLR).build(),
                Apgd.builder(threat(norm)).optSteps(3).optRestarts(3).build(),
                Apgd.builder(threat(norm))
                        .optSteps(3)
                        .optLoss(LogitLoss.DLR)
                        .optTargetClasses(9)
                        .build());
    }

    private NDArray predicted(NDArray points) {
        return model.predict(points).head().argMax(1);
    }

    private boolean[] broken(Attack attack) {
        return predicted(attack.perturb(model, images, labels, seeds))
                .neq(labels)
                .toBooleanArray();
    }

    private static int count(boolean[] marks) {
        return (int) IntStream.range(0, marks.length).filter(i -> marks[i]).count();
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void resultsLieInTheBallAndInThePixelRange(Norm norm) {
        double[] before = Tensors.doubles(images);
        for (Apgd attack : attacks(norm)) {
            NDArray adversarial = attack.perturb(model, images, labels, seeds);

            assertThat(Tensors.doubles(images)).isEqualTo(before);
            assertThat(Arrays.stream(Tensors.doubles(adversarial)))
                    .allMatch(pixel -> pixel >= 0 && pixel <= 1);
            assertThat(Arrays.stream(
                            Tensors.doubles(attack.threatModel().distance(adversarial, images))))
                    .allMatch(d -> d <= attack.threatModel().epsilon() + ThreatModel.TOLERANCE)
                    .anyMatch(d -> d > 0.9 * attack.threatModel().epsilon());
        }
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void someImagesBreakAndSomeDoNot(Norm norm) {
        for (Apgd attack : attacks(norm)) {
            assertThat(count(broken(attack))).isBetween(1, COUNT - 1);
        }
    }

    @Test
    void misclassifiedImagesComeBackAsTheyAre() {
        NDArray wrong = labels.add(1).mod(5);
        for (Apgd attack : attacks(Norm.LINF)) {
            assertThat(Tensors.doubles(attack.perturb(model, images, wrong, seeds)))
                    .isEqualTo(Tensors.doubles(images));
        }
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void anImagesResultDependsOnItsPixelsLabelAndSeedAlone(Norm norm) {
        for (Apgd attack : attacks(norm)) {
            double[] together = Tensors.doubles(attack.perturb(model, images, labels, seeds));
            assertThat(Tensors.doubles(attack.perturb(model, images, labels, seeds)))
                    .isEqualTo(together);
            int[] rows = {7, 2, 11};
            double[] some = Tensors.doubles(attack.perturb(
                    model, Rows.select(images, rows), Rows.select(labels, rows), new long[] {
                        seeds[7], seeds[2], seeds[11]
                    }));
            for (int i = 0; i < rows.length; i++) {
                assertThat(Arrays.copyOfRange(some, i * SIZE, (i + 1) * SIZE))
                        .isEqualTo(
                                Arrays.copyOfRange(together, rows[i] * SIZE, (rows[i] + 1) * SIZE));
            }
        }
    }

    @Test
    void otherSeedsGiveOtherImages() {
        Apgd attack = attacks(Norm.LINF).get(0);
        long[] others = LongStream.range(0, COUNT).toArray();

        assertThat(Tensors.doubles(attack.perturb(model, images, labels, others)))
                .isNotEqualTo(Tensors.doubles(attack.perturb(model, images, labels, seeds)));
    }

    @ParameterizedTest
    @CsvSource({"LINF, 0", "L2, 0", "LINF, 2"})
    void moreRestartsNeverLoseAnAdversarialImage(Norm norm, int targetClasses) {
        List<boolean[]> broken = new ArrayList<>();
        for (int restarts : new int[] {1, 2, 5}) {
            broken.add(broken(Apgd.builder(threat(norm))
                    .optLoss(LogitLoss.DLR)
                    .optTargetClasses(targetClasses)
                    .optSteps(1)
                    .optRestarts(restarts)
                    .build()));
        }
        for (int i = 0; i < COUNT; i++) {
            assertThat(!broken.get(0)[i] || broken.get(1)[i]).isTrue();
            assertThat(!broken.get(1)[i] || broken.get(2)[i]).isTrue();
        }
    }

    @Test
    void moreTargetClassesNeverLoseAnAdversarialImage() {
        int[] counts = new int[4];
        boolean[] before = new boolean[COUNT];
        for (int targets = 1; targets <= 4; targets++) {
            boolean[] after = broken(Apgd.builder(threat(Norm.LINF))
                    .optLoss(LogitLoss.DLR)
                    .optTargetClasses(targets)
                    .optSteps(3)
                    .build());
            for (int i = 0; i < COUNT; i++) {
                assertThat(!before[i] || after[i]).isTrue();
            }
            counts[targets - 1] = count(after);
            before = after;
        }
        assertThat(counts[3]).isGreaterThan(0);
    }

    @Test
    void targetsAreTheMostLikelyOtherClasses() {
        List<NDArray> targets = new ArrayList<>();
        AttackLoss spy = (target, attacked, truth, goal) -> {
            NDArray kept = goal.duplicate();
            NDScope.unregister(kept);
            targets.add(kept);
            return LogitLoss.DLR.prepare(target, attacked, truth, goal);
        };
        // Epsilon 0: no image breaks, so every goal is tried on every image.
        Apgd.builder(ThreatModel.linf(0))
                .optLoss(spy)
                .optTargetClasses(9)
                .optSteps(1)
                .build()
                .perturb(model, images, labels, seeds);

        NDArray descending = model.predict(images).head().argSort(1, false);
        assertThat(targets).hasSize(4);
        for (int i = 0; i < 4; i++) {
            assertThat(targets.get(i).toLongArray())
                    .isEqualTo(descending.get(":, " + (i + 1)).toLongArray());
        }
    }

    @Test
    void imagesThatHoldGetTheHighestLoss() {
        Apgd apgd = Apgd.builder(threat(Norm.LINF)).optSteps(20).build();
        Apgd often = Apgd.builder(threat(Norm.LINF)).optSteps(20).optRestarts(3).build();
        Pgd pgd = Pgd.builder(threat(Norm.LINF)).optSteps(20).build();
        boolean[] broken = broken(often);
        double[] once = losses(apgd);
        double[] thrice = losses(often);
        double[] byPgd = losses(pgd);
        for (int i = 0; i < COUNT; i++) {
            if (!broken[i]) {
                assertThat(thrice[i]).isGreaterThanOrEqualTo(once[i]);
                assertThat(once[i]).isGreaterThan(byPgd[i] - 1e-4);
            }
        }
    }

    private double[] losses(Attack attack) {
        NDArray adversarial = attack.perturb(model, images, labels, seeds);
        return Tensors.doubles(CrossEntropy.perImage(model.predict(adversarial).head(), labels));
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void runsStartOnTheSurfaceOfTheBall(Norm norm) {
        NDArray grey = images.onesLike().mul(0.5f);
        NDArray start = Apgd.builder(threat(norm)).build().start(grey, seeds);

        assertThat(Arrays.stream(Tensors.doubles(threat(norm).distance(start, grey))))
                .allSatisfy(d -> assertThat(d).isCloseTo(threat(norm).epsilon(), within(1e-6)));
        // Not its corners: pixels move by all amounts.
        double[] moves = Tensors.doubles(start.sub(grey).abs().div(threat(norm).epsilon()));
        assertThat(Arrays.stream(moves).filter(move -> move < 0.5).count())
                .isGreaterThan(COUNT * SIZE / 3);
    }

    @Test
    void epsilonZeroGivesTheCleanImages() {
        for (Norm norm : Norm.values()) {
            Attack attack =
                    Apgd.builder(new ThreatModel(norm, 0, 0, 1)).optSteps(3).build();
            assertThat(Tensors.doubles(attack.perturb(model, images, labels, seeds)))
                    .containsExactly(Tensors.doubles(images), within(1e-6));
        }
    }

    /** A model that counts its forward passes and the rows that they see. */
    private TargetModel spied(AtomicInteger passes, AtomicInteger rows) {
        return new TargetModel(
                new SequentialBlock()
                        .add(list -> {
                            passes.incrementAndGet();
                            rows.addAndGet(
                                    Math.toIntExact(list.head().getShape().get(0)));
                            return list;
                        })
                        .add(TinyNetworks.golden(manager, DataType.FLOAT32)),
                manager);
    }

    @Test
    void aStepTakesOnePassAndBrokenImagesAreLeftAlone() {
        AtomicInteger passes = new AtomicInteger();
        AtomicInteger rows = new AtomicInteger();
        Apgd.Builder settings = Apgd.builder(threat(Norm.LINF)).optSteps(5);
        boolean[] broken = broken(settings.build());
        int held = COUNT - count(broken);
        try (TargetModel spied = spied(passes, rows)) {
            settings.build().perturb(spied, images, labels, seeds);

            // The clean images, the start and 5 steps.
            assertThat(passes.getAndSet(0)).isEqualTo(7);
            assertThat(rows.getAndSet(0)).isEqualTo(7 * COUNT);

            settings.optRestarts(2).build().perturb(spied, images, labels, seeds);

            // The second run sees the images that the first has not broken, in whole fours.
            assertThat(passes.get()).isEqualTo(13);
            assertThat(rows.get()).isEqualTo(7 * COUNT + 6 * ((held + 3) / 4 * 4));
            assertThat((held + 3) / 4 * 4).isLessThan(COUNT);
        }
    }

    @Test
    void stepsAverageTheGradientsOfSeveralPasses() {
        AtomicInteger pass = new AtomicInteger();
        SequentialBlock alternating = new SequentialBlock()
                .add(TinyNetworks.golden(manager, DataType.FLOAT32))
                .add(list -> {
                    NDArray factor = list.head()
                            .getManager()
                            .create(new float[] {pass.getAndIncrement() % 2 == 0 ? 1f : 3f});
                    return new NDList(list.head().mul(factor));
                });
        Function<NDList, NDArray> margin = LogitLoss.MARGIN.prepare(model, images, labels, null);
        TargetModel.LossGradient plain = model.gradient(images, margin);
        try (TargetModel random = new TargetModel(alternating, manager)) {
            TargetModel.LossGradient mean = Apgd.builder(threat(Norm.LINF))
                    .optEotSteps(4)
                    .build()
                    .gradient(random, images, margin);

            // (1 + 3 + 1 + 3) / 4 = 2; the last pass has 3.
            assertThat(pass.get()).isEqualTo(4);
            assertThat(Tensors.doubles(mean.gradient()))
                    .containsExactly(Tensors.doubles(plain.gradient().mul(2)), within(1e-5));
            assertThat(Tensors.doubles(mean.losses()))
                    .containsExactly(Tensors.doubles(plain.losses().mul(3)), within(1e-5));
        }
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        for (Apgd attack : attacks(Norm.L2)) {
            attack.perturb(model, images, labels, seeds).close();
            int held = manager.getManagedArrays().size();
            NDArray adversarial = attack.perturb(model, images, labels, seeds);
            assertThat(adversarial.getManager()).isSameAs(manager);
            adversarial.close();
            assertThat(manager.getManagedArrays()).hasSize(held);
        }
    }

    @Test
    void dlrNeedsClassesEnough() {
        SequentialBlock threeClasses = new SequentialBlock()
                .add(TinyNetworks.golden(manager, DataType.FLOAT32))
                .add(list -> new NDList(list.head().get(":, 0:3")));
        try (TargetModel small = new TargetModel(threeClasses, manager)) {
            NDArray truth = small.predict(images).head().argMax(1);
            Apgd targeted = Apgd.builder(threat(Norm.LINF))
                    .optLoss(LogitLoss.DLR)
                    .optTargetClasses(9)
                    .optSteps(2)
                    .build();

            assertThatIllegalArgumentException()
                    .isThrownBy(() -> targeted.perturb(small, images, truth, seeds))
                    .withMessageContaining("at least 4 classes, the model has 3");
            assertThat(targeted.forClasses(3).loss()).isEqualTo(LogitLoss.MARGIN);
            assertThat(targeted.forClasses(4)).isSameAs(targeted);
            assertThat(targeted.forClasses(3)
                            .perturb(small, images, truth, seeds)
                            .getShape())
                    .isEqualTo(images.getShape());
        }
    }

    @Test
    void theUntargetedDlrNeedsThreeClasses() {
        Apgd untargeted = Apgd.builder(threat(Norm.LINF)).optLoss(LogitLoss.DLR).build();

        assertThat(untargeted.forClasses(3)).isSameAs(untargeted);
        assertThat(untargeted.forClasses(2))
                .isEqualTo(Apgd.builder(threat(Norm.LINF))
                        .optLoss(LogitLoss.MARGIN)
                        .build());
    }

    @Test
    void itsNameTellsAllSettings() {
        assertThat(Apgd.builder(ThreatModel.l2(0.5f)).build())
                .hasToString("Apgd[threatModel=ThreatModel[norm=l2, epsilon=0.5, pixelMin=0.0,"
                        + " pixelMax=1.0], loss=cross-entropy, targetClasses=0, steps=100,"
                        + " restarts=1, rho=0.75, eotSteps=1]");
    }

    @Test
    void countsAreChecked() {
        Apgd.Builder builder = Apgd.builder(threat(Norm.LINF));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optSteps(0).build())
                .withMessageContaining("got 0 steps, 1 runs and 1 gradients");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optSteps(1).optRestarts(0).build())
                .withMessageContaining("0 runs");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optRestarts(1).optEotSteps(0).build())
                .withMessageContaining("0 gradients");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optEotSteps(1).optTargetClasses(-1).build())
                .withMessageContaining("targetClasses");
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1.1f, Float.NaN})
    void rhoIsAShare(float rho) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Apgd.builder(threat(Norm.LINF)).optRho(rho).build())
                .withMessageContaining("rho");
    }

    @Test
    void inputsAreChecked() {
        Apgd attack = attacks(Norm.LINF).get(0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> attack.perturb(model, images.mul(255), labels, seeds))
                .withMessageContaining("Pixel values");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> attack.perturb(model, images, labels, new long[2]))
                .withMessageContaining("2 seeds");
        for (Apgd every : attacks(Norm.LINF)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> every.perturb(model, images, labels.add(5), seeds))
                    .withMessageContaining("out of range");
        }
    }
}
