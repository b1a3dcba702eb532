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
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

class PgdTest {

    private static final int COUNT = 16;

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.initializer("pgd", 0, 1)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32);
        // All images are classified rightly.
        labels = model.predict(images).head().argMax(1);
        seeds = new long[COUNT];
        for (int i = 0; i < COUNT; i++) {
            seeds[i] = 100 + i;
        }
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static Pgd pgd(UnaryOperator<Pgd.Builder> settings) {
        return settings.apply(Pgd.builder(ThreatModel.linf(0.02f)).optSteps(2)).build();
    }

    private double[] attacked(Attack attack, long[] withSeeds) {
        return Tensors.doubles(attack.perturb(model, images, labels, withSeeds));
    }

    private double[] losses(NDArray adversarial) {
        return Tensors.doubles(CrossEntropy.perImage(model.predict(adversarial).head(), labels));
    }

    @Test
    void sameSeedsGiveTheSameImagesAndOtherSeedsOthers() {
        Attack pgd = pgd(builder -> builder.optRestarts(2));
        double[] first = attacked(pgd, seeds);
        long[] otherSeeds = seeds.clone();
        otherSeeds[COUNT - 1]++;
        double[] other = attacked(pgd, otherSeeds);

        assertThat(attacked(pgd, seeds)).isEqualTo(first);
        assertThat(other).isNotEqualTo(first);
        int size = 3 * 8 * 8;
        int unchanged = (COUNT - 1) * size;
        for (int i = 0; i < unchanged; i++) {
            assertThat(other[i]).isEqualTo(first[i]);
        }
    }

    @Test
    void anImagesResultDoesNotDependOnItsBatch() {
        Attack pgd = pgd(builder -> builder.optRestarts(2));
        double[] together = attacked(pgd, seeds);
        int size = 3 * 8 * 8;

        for (int i = 0; i < COUNT; i += 5) {
            NDArray alone = pgd.perturb(
                    model,
                    images.get(i + ":" + (i + 1)),
                    labels.get(i + ":" + (i + 1)),
                    new long[] {seeds[i]});
            double[] expected = Arrays.copyOfRange(together, i * size, (i + 1) * size);
            assertThat(Tensors.doubles(alone)).containsExactly(expected, within(1e-6));
        }
    }

    @Test
    void moreRestartsNeverDoWorse() {
        NDArray once = pgd(builder -> builder.optSteps(1)).perturb(model, images, labels, seeds);
        NDArray often = pgd(builder -> builder.optSteps(1).optRestarts(6))
                .perturb(model, images, labels, seeds);
        boolean[] wrongOnce = wrong(once);
        boolean[] wrongOften = wrong(often);
        double[] lossOnce = losses(once);
        double[] lossOften = losses(often);

        int better = 0;
        for (int i = 0; i < COUNT; i++) {
            if (wrongOnce[i]) {
                assertThat(wrongOften[i]).isTrue();
            } else if (!wrongOften[i]) {
                assertThat(lossOften[i]).isGreaterThanOrEqualTo(lossOnce[i] - 1e-6);
            }
            if (lossOften[i] > lossOnce[i] + 1e-4) {
                better++;
            }
        }
        assertThat(better).isGreaterThan(COUNT / 2);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void anEarlyStopFindsOutTheSame(int restarts) {
        Pgd full = pgd(builder -> builder.optSteps(8).optStepSize(0.004f).optRestarts(restarts));

        double[] latest = attacked(full, seeds);
        double[] first = attacked(full.withEarlyStop(), seeds);

        boolean[] wrong = wrong(full.perturb(model, images, labels, seeds));
        assertThat(wrong(full.withEarlyStop().perturb(model, images, labels, seeds)))
                .isEqualTo(wrong)
                .contains(true, false);
        // Only where the attack has won do the points differ.
        int size = 3 * 8 * 8;
        for (int i = 0; i < COUNT; i++) {
            if (!wrong[i]) {
                assertThat(Arrays.copyOfRange(first, i * size, (i + 1) * size))
                        .containsExactly(
                                Arrays.copyOfRange(latest, i * size, (i + 1) * size), within(1e-6));
            }
        }
        assertThat(first).isNotEqualTo(latest);
    }

    @Test
    void anEarlyStopKeepsTheFirstPointThatHasWon() {
        Pgd oneStep = pgd(builder -> builder.optSteps(1).optRandomStart(false));
        Pgd manySteps = pgd(builder ->
                builder.optSteps(6).optStepSize(oneStep.stepSize()).optRandomStart(false));

        boolean[] wrongAtOnce = wrong(oneStep.perturb(model, images, labels, seeds));
        double[] atOnce = attacked(oneStep, seeds);
        double[] later = attacked(manySteps.withEarlyStop(), seeds);

        int size = 3 * 8 * 8;
        assertThat(wrongAtOnce).contains(true);
        for (int i = 0; i < COUNT; i++) {
            if (wrongAtOnce[i]) {
                assertThat(Arrays.copyOfRange(later, i * size, (i + 1) * size))
                        .containsExactly(
                                Arrays.copyOfRange(atOnce, i * size, (i + 1) * size), within(1e-6));
            }
        }
    }

    @Test
    void imagesThatAreWonMakeNoMoreWork() {
        long[] passes = new long[2];
        for (boolean early : new boolean[] {false, true}) {
            AttackLoss counting = (target, batch, classes, targets) -> outputs -> {
                passes[early ? 1 : 0] += outputs.head().getShape().get(0);
                return CrossEntropy.perImage(outputs.head(), classes);
            };
            Pgd pgd = Pgd.builder(ThreatModel.linf(0.2f))
                    .optLoss(counting)
                    .optSteps(10)
                    .optEarlyStop(early)
                    .build();
            assertThat(wrong(pgd.perturb(model, images, labels, seeds))).doesNotContain(false);
        }
        // Each image: its 10 steps and the loss at the last point.
        assertThat(passes[0]).isEqualTo(11 * COUNT);
        assertThat(passes[1]).isLessThan(5 * COUNT);
    }

    @Test
    void anEarlyStopHasNoLastPoint() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> pgd(builder -> builder.optLastPoint(true)).withEarlyStop())
                .withMessageContaining("no last point");
    }

    private boolean[] wrong(NDArray adversarial) {
        return model.predict(adversarial).head().argMax(1).neq(labels).toBooleanArray();
    }

    @Test
    void everyAttackRaisesTheLossOfEveryImage() {
        double[] before = losses(images);
        for (Attack attack : new Attack[] {
            new Fgsm(ThreatModel.linf(0.005f)), pgd(b -> b), pgd(b -> b.optSteps(5))
        }) {
            double[] after = losses(attack.perturb(model, images, labels, seeds));
            for (int i = 0; i < COUNT; i++) {
                assertThat(after[i]).isGreaterThan(before[i]);
            }
        }
    }

    @Test
    void epsilonZeroGivesTheCleanImages() {
        double[] clean = Tensors.doubles(images);

        assertThat(attacked(new Fgsm(ThreatModel.linf(0)), seeds)).isEqualTo(clean);
        ThreatModel none = ThreatModel.linf(0);
        assertThat(attacked(Pgd.builder(none).build(), seeds)).isEqualTo(clean);
        assertThat(attacked(Pgd.builder(none).optRestarts(2).build(), seeds)).isEqualTo(clean);
        assertThat(attacked(Pgd.builder(none).optRandomStart(false).build(), seeds))
                .isEqualTo(clean);
    }

    @Test
    void theDefaultsAreTheTrainingAttack() {
        double[] byDefault = attacked(Pgd.builder(ThreatModel.linf(8 / 255f)).build(), seeds);

        assertThat(attacked(
                        Pgd.builder(ThreatModel.linf(8 / 255f))
                                .optStepSize(2 / 255f)
                                .optSteps(10)
                                .optRandomStart(true)
                                .optRestarts(1)
                                .build(),
                        seeds))
                .isEqualTo(byDefault);
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        for (Attack attack : new Attack[] {
            new Fgsm(ThreatModel.linf(0.02f)),
            pgd(b -> b),
            pgd(b -> b.optRandomStart(false)),
            pgd(b -> b.optRestarts(3))
        }) {
            attack.perturb(model, images, labels, seeds).close();
            int held = manager.getManagedArrays().size();
            for (int call = 0; call < 20; call++) {
                NDArray adversarial = attack.perturb(model, images, labels, seeds);
                assertThat(adversarial.getManager()).isSameAs(manager);
                adversarial.close();
            }
            assertThat(manager.getManagedArrays()).hasSize(held);
        }
    }

    @Test
    void insideAScopeTheResultEndsWithIt() {
        double[] outside = attacked(pgd(b -> b), seeds);
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = pgd(b -> b).perturb(model, images, labels, seeds);
            assertThat(Tensors.doubles(adversarial)).isEqualTo(outside);
        }

        assertThat(adversarial.isReleased()).isTrue();
        assertThat(images.isReleased()).isFalse();
    }

    @Test
    void restartsPassOverImagesThatAreWon() {
        List<Long> passes = new ArrayList<>();
        SequentialBlock counting = new SequentialBlock()
                .add(list -> {
                    passes.add(list.head().getShape().get(0));
                    return list;
                })
                .add(TinyNetworks.golden(manager, DataType.FLOAT32));
        NDArray some = images.get("0:8");
        NDArray someLabels = labels.get("0:8");
        UnaryOperator<Pgd.Builder> strong =
                builder -> builder.optStepSize(0.03f).optSteps(1);
        ThreatModel threat = ThreatModel.linf(0.03f);
        Pgd once = strong.apply(Pgd.builder(threat)).build();
        Pgd thrice = strong.apply(Pgd.builder(threat)).optRestarts(3).build();
        long won = Arrays.stream(wrongs(once, some, someLabels)).sum();
        // Of 8, few enough are left to fill one group of 4.
        assertThat(won).isBetween(4L, 7L);

        try (TargetModel counted = new TargetModel(counting, manager)) {
            thrice.perturb(counted, some, someLabels, Arrays.copyOf(seeds, 8));
        }

        // The clean images; then in each run one step and the look at where it led.
        assertThat(passes.subList(0, 5)).containsExactly(8L, 8L, 8L, 4L, 4L);
        assertThat(passes.size()).isLessThanOrEqualTo(7);
    }

    private int[] wrongs(Attack attack, NDArray some, NDArray someLabels) {
        NDArray adversarial = attack.perturb(model, some, someLabels, Arrays.copyOf(seeds, 8));
        return model.predict(adversarial)
                .head()
                .argMax(1)
                .neq(someLabels)
                .toType(DataType.INT32, false)
                .toIntArray();
    }

    @Test
    void klMovesThePredictionAway() {
        NDArray before = model.predict(images).head().softmax(1);
        Pgd kl = pgd(builder -> builder.optLoss(LogitLoss.KL).optSteps(5));
        NDArray noise = Noise.inBall(kl.threatModel(), images, seeds, 0);

        double[] attacked = divergence(before, kl.perturb(model, images, labels, seeds));

        double[] random = divergence(before, noise);
        for (int i = 0; i < COUNT; i++) {
            assertThat(attacked[i]).isGreaterThan(random[i]);
        }
    }

    private double[] divergence(NDArray before, NDArray images) {
        NDArray after = model.predict(images).head().logSoftmax(1);
        return Tensors.doubles(before.log().sub(after).mul(before).sum(new int[] {1}));
    }

    @Test
    void targetedAttacksReachTheirTargets() {
        for (LogitLoss loss : List.of(LogitLoss.CROSS_ENTROPY, LogitLoss.MARGIN, LogitLoss.DLR)) {
            for (ThreatModel threat : List.of(ThreatModel.linf(0.2f), ThreatModel.l2(2))) {
                NDArray clean = model.predict(images).head();
                long[] targets =
                        OtherClass.LEAST_LIKELY.choose(clean, labels, seeds).toLongArray();

                NDArray adversarial = Pgd.builder(threat)
                        .optLoss(loss)
                        .optTarget(OtherClass.LEAST_LIKELY)
                        .build()
                        .perturb(model, images, labels, seeds);

                assertThat(model.predict(adversarial).head().argMax(1).toLongArray())
                        .isEqualTo(targets);
            }
        }
    }

    @Test
    void theLastPointIsReturnedWhateverItIs() {
        // Logits (x - 1/2, 1/2 - x): label 0 is wrong below 1/2, but the loss grows with x.
        SequentialBlock network = new SequentialBlock().add(list -> {
            NDArray x = list.head().reshape(-1, 1);
            return new NDList(x.sub(0.5f).concat(x.sub(0.5f).neg(), 1));
        });
        NDArray image = manager.create(new float[] {0.4f}, new Shape(1, 1, 1, 1));
        NDArray label = manager.create(new long[] {0});
        AttackLoss away = (m, x, y, t) -> outputs -> outputs.head().get(":, 0");
        try (TargetModel target = new TargetModel(network, manager)) {
            UnaryOperator<Pgd.Builder> steps = builder -> builder.optLoss(away)
                    .optRandomStart(false)
                    .optStepSize(0.05f)
                    .optSteps(4);
            Pgd.Builder builder = Pgd.builder(ThreatModel.linf(0.2f));

            float kept = steps.apply(builder)
                    .build()
                    .perturb(target, image, label, new long[1])
                    .getFloat();
            float last = steps.apply(builder)
                    .optLastPoint(true)
                    .build()
                    .perturb(target, image, label, new long[1])
                    .getFloat();

            // Points 0.4, 0.45, 0.5, 0.55, 0.6; a tie at 0.5 goes to class 0.
            assertThat(kept).isCloseTo(0.45f, within(1e-6f));
            assertThat(last).isCloseTo(0.6f, within(1e-6f));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.01f, Float.POSITIVE_INFINITY, Float.NaN})
    void lengthsArePixelValues(float wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(wrong)).build())
                .withMessageContaining("epsilon")
                .withMessageContaining("8/255f");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optStepSize(wrong)
                        .build())
                .withMessageContaining("stepSize");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Fgsm(ThreatModel.linf(wrong)))
                .withMessageContaining("epsilon");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 1", "1, 0"})
    void thereIsAtLeastOneStepAndOneRun(int steps, int restarts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optSteps(steps)
                        .optRestarts(restarts)
                        .build())
                .withMessageContaining("at least 1");
    }

    @Test
    void restartsNeedARandomStart() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optRandomStart(false)
                        .optRestarts(2)
                        .build())
                .withMessageContaining("random start");
    }
}
