package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

class AutoAttackTest {

    private static final int COUNT = 16;
    private static final int SIZE = 3 * 8 * 8;
    private static final ThreatModel THREAT = ThreatModel.linf(0.02f);
    private static final AutoAttack.Listener NOBODY = (member, attacked, robust) -> {};

    /** Weak attacks first, so that each is left something to break. */
    private static final AutoAttack SHORT = new AutoAttack(
            THREAT,
            List.of(
                    new AutoAttack.Member("fgsm", new Fgsm(ThreatModel.linf(0.005f))),
                    new AutoAttack.Member(
                            "apgd-ce",
                            Apgd.builder(ThreatModel.linf(0.01f)).optSteps(2).build()),
                    new AutoAttack.Member(
                            "apgd-t",
                            Apgd.builder(THREAT)
                                    .optLoss(LogitLoss.DLR)
                                    .optTargetClasses(4)
                                    .optSteps(4)
                                    .build())));

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.initializer("autoattack", 0, 1)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32);
        NDArray predicted = model.predict(images).head().argMax(1);
        // The last two are misclassified as they are.
        labels = predicted.get("0:14").concat(predicted.get("14:").add(1).mod(5));
        seeds = LongStream.range(0, COUNT).toArray();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private boolean[] wrong(NDArray points) {
        return model.predict(points).head().argMax(1).neq(labels).toBooleanArray();
    }

    private static double[] row(double[] numbers, int row) {
        return Arrays.copyOfRange(numbers, row * SIZE, (row + 1) * SIZE);
    }

    @Test
    void theVerdictIsTheWorstCaseOfItsMembers() {
        AutoAttack.Outcome outcome = SHORT.attack(model, images, labels, seeds, NOBODY);

        String[] expected = new String[COUNT];
        Arrays.fill(expected, "none");
        for (int i = 14; i < COUNT; i++) {
            expected[i] = "clean";
        }
        double[] adversarial = Tensors.doubles(outcome.adversarial());
        for (AutoAttack.Member member : SHORT.members()) {
            NDArray alone = member.attack().perturb(model, images, labels, member.seeds(seeds));
            boolean[] wrong = wrong(alone);
            for (int i = 0; i < COUNT; i++) {
                if (wrong[i] && expected[i].equals("none")) {
                    expected[i] = member.name();
                    assertThat(row(adversarial, i)).isEqualTo(row(Tensors.doubles(alone), i));
                }
            }
        }
        assertThat(outcome.brokenBy()).containsExactly(expected);
        assertThat(outcome.brokenBy()).contains("fgsm", "apgd-ce", "apgd-t", "none");
        boolean[] wrong = wrong(outcome.adversarial());
        for (int i = 0; i < COUNT; i++) {
            assertThat(wrong[i]).isEqualTo(!expected[i].equals("none"));
        }
    }

    @Test
    void imagesThatNoMemberBreaksComeBackAsTheyAre() {
        AutoAttack.Outcome outcome = SHORT.attack(model, images, labels, seeds, NOBODY);

        double[] before = Tensors.doubles(images);
        double[] after = Tensors.doubles(outcome.adversarial());
        for (int i = 0; i < COUNT; i++) {
            String by = outcome.brokenBy().get(i);
            boolean asItWas = by.equals("none") || by.equals("clean");
            assertThat(Arrays.equals(row(after, i), row(before, i))).isEqualTo(asItWas);
        }
        assertThat(Arrays.stream(Tensors.doubles(THREAT.distance(outcome.adversarial(), images))))
                .allMatch(d -> d <= THREAT.epsilon() + ThreatModel.TOLERANCE);
        assertThat(Arrays.stream(after)).allMatch(pixel -> pixel >= 0 && pixel <= 1);
    }

    @Test
    void perturbReturnsTheSameImages() {
        double[] expected = Tensors.doubles(
                SHORT.attack(model, images, labels, seeds, NOBODY).adversarial());

        assertThat(Tensors.doubles(SHORT.perturb(model, images, labels, seeds)))
                .isEqualTo(expected);
    }

    @Test
    void brokenImagesAreNotAttackedAgain() {
        List<String> told = new ArrayList<>();
        List<Integer> attacked = new ArrayList<>();
        List<Integer> seen = new ArrayList<>();
        AtomicInteger rows = new AtomicInteger();
        List<AutoAttack.Member> spies = new ArrayList<>();
        for (AutoAttack.Member member : SHORT.members()) {
            spies.add(new AutoAttack.Member(member.name(), (target, targets, truth, random) -> {
                attacked.add(random.length);
                rows.set(0);
                NDArray points = member.attack().perturb(target, targets, truth, random);
                seen.add(rows.get());
                return points;
            }));
        }
        SequentialBlock counting = new SequentialBlock()
                .add(list -> {
                    rows.addAndGet(Math.toIntExact(list.head().getShape().get(0)));
                    return list;
                })
                .add(TinyNetworks.golden(manager, DataType.FLOAT32));
        AutoAttack.Outcome outcome;
        try (TargetModel spied = new TargetModel(counting, manager)) {
            outcome = new AutoAttack(THREAT, spies)
                    .attack(
                            spied,
                            images,
                            labels,
                            seeds,
                            (name, tried, robust) -> told.add(name + " " + tried + " " + robust));
        }

        int robust = 14;
        List<String> expected = new ArrayList<>();
        List<Integer> sizes = new ArrayList<>();
        for (AutoAttack.Member member : SHORT.members()) {
            int broken = Collections.frequency(outcome.brokenBy(), member.name());
            sizes.add(robust);
            expected.add(member.name() + " " + robust + " " + (robust - broken));
            robust -= broken;
        }
        assertThat(attacked).isEqualTo(sizes);
        assertThat(told).isEqualTo(expected);
        // APGD-CE passes the clean images, the start and two steps, in whole fours.
        assertThat(seen.get(1)).isEqualTo(4 * ((sizes.get(1) + 3) / 4 * 4));
        assertThat(sizes.get(2)).isLessThan(sizes.get(1));
    }

    @Test
    void membersAreSkippedWhenNoImageIsLeft() {
        List<String> told = new ArrayList<>();
        AutoAttack.Member never =
                new AutoAttack.Member("never", (target, targets, truth, random) -> {
                    throw new AssertionError("There is nothing left to attack.");
                });
        AutoAttack.Member strong = new AutoAttack.Member(
                "strong", Pgd.builder(ThreatModel.linf(0.5f)).build());

        AutoAttack.Outcome outcome = new AutoAttack(ThreatModel.linf(0.5f), List.of(strong, never))
                .attack(model, images, labels, seeds, (name, tried, robust) -> told.add(name));

        assertThat(told).containsExactly("strong");
        assertThat(outcome.brokenBy()).containsOnly("strong", "clean");
    }

    @Test
    void countsFollowTheOrderOfTheMembers() {
        assertThat(SHORT.robustAfter(
                        List.of("none", "apgd-t", "fgsm", "clean", "fgsm", "none", "clean")))
                .containsExactly(
                        Map.entry("clean", 5L),
                        Map.entry("fgsm", 3L),
                        Map.entry("apgd-ce", 3L),
                        Map.entry("apgd-t", 2L));
    }

    @Test
    void anImagesVerdictDependsOnItsPixelsLabelAndSeedAlone() {
        AutoAttack.Outcome together = SHORT.attack(model, images, labels, seeds, NOBODY);
        double[] points = Tensors.doubles(together.adversarial());
        int[] rows = {15, 9, 3, 12, 0};

        AutoAttack.Outcome some = SHORT.attack(
                model,
                Rows.select(images, rows),
                Rows.select(labels, rows),
                Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray(),
                NOBODY);

        assertThat(some.brokenBy())
                .isEqualTo(IntStream.of(rows).mapToObj(together.brokenBy()::get).toList());
        double[] somePoints = Tensors.doubles(some.adversarial());
        for (int i = 0; i < rows.length; i++) {
            assertThat(row(somePoints, i)).isEqualTo(row(points, rows[i]));
        }
    }

    @Test
    void membersGetSeedsOfTheirOwn() {
        List<long[]> got = new ArrayList<>();
        Attack spy = (target, targets, truth, random) -> {
            got.add(random);
            return targets.duplicate();
        };
        new AutoAttack(
                        THREAT,
                        List.of(new AutoAttack.Member("a", spy), new AutoAttack.Member("b", spy)))
                .attack(model, images, labels, seeds, NOBODY);

        assertThat(got.get(0)).hasSize(14).doesNotHaveDuplicates().doesNotContain(got.get(1));
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        SHORT.perturb(model, images, labels, seeds).close();
        int held = manager.getManagedArrays().size();

        NDArray adversarial = SHORT.perturb(model, images, labels, seeds);

        assertThat(adversarial.getManager()).isSameAs(manager);
        adversarial.close();
        assertThat(manager.getManagedArrays()).hasSize(held);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 4})
    void fewClassesWillDo(int classes) {
        SequentialBlock small = new SequentialBlock()
                .add(TinyNetworks.golden(manager, DataType.FLOAT32))
                .add(list -> new NDList(list.head().get(":, 0:" + classes)));
        AutoAttack both = new AutoAttack(
                THREAT,
                List.of(
                        new AutoAttack.Member(
                                "apgd-dlr",
                                Apgd.builder(THREAT)
                                        .optLoss(LogitLoss.DLR)
                                        .optSteps(3)
                                        .build()),
                        SHORT.members().get(2)));
        try (TargetModel target = new TargetModel(small, manager)) {
            NDArray truth = target.predict(images).head().argMax(1);

            AutoAttack.Outcome outcome = both.attack(target, images, truth, seeds, NOBODY);

            assertThat(outcome.brokenBy()).contains("none", "apgd-dlr");
        }
        List<AttackLoss> losses = both.forClasses(classes).members().stream()
                .map(member -> ((Apgd) member.attack()).loss())
                .toList();
        assertThat(losses)
                .containsExactly(
                        classes < 3 ? LogitLoss.MARGIN : LogitLoss.DLR,
                        classes < 4 ? LogitLoss.MARGIN : LogitLoss.DLR);
    }

    @Test
    void versionsAreTheAuthors() {
        Apgd.Builder apgd = Apgd.builder(THREAT).optSteps(100);
        Apgd apgdT = Apgd.builder(THREAT)
                .optLoss(LogitLoss.DLR)
                .optTargetClasses(9)
                .optSteps(100)
                .build();
        Fab fabT = Fab.builder(THREAT)
                .optTargeted(true)
                .optTargetClasses(9)
                .optSteps(100)
                .optRestarts(1)
                .build();
        Square square = Square.builder(THREAT).optQueries(5000).optRestarts(1).build();

        assertThat(AutoAttack.standard(THREAT).members())
                .containsExactly(
                        new AutoAttack.Member("apgd-ce", apgd.build()),
                        new AutoAttack.Member("apgd-t", apgdT),
                        new AutoAttack.Member("fab-t", fabT),
                        new AutoAttack.Member("square", square));
        assertThat(AutoAttack.rand(THREAT).members())
                .containsExactly(
                        new AutoAttack.Member("apgd-ce", apgd.optEotSteps(20).build()),
                        new AutoAttack.Member(
                                "apgd-dlr", apgd.optLoss(LogitLoss.DLR).build()));
        apgd = Apgd.builder(THREAT).optSteps(100).optRestarts(5);
        assertThat(AutoAttack.plus(THREAT).members())
                .containsExactly(
                        new AutoAttack.Member("apgd-ce", apgd.build()),
                        new AutoAttack.Member(
                                "apgd-dlr", apgd.optLoss(LogitLoss.DLR).build()),
                        new AutoAttack.Member(
                                "fab",
                                Fab.builder(THREAT)
                                        .optTargeted(false)
                                        .optSteps(100)
                                        .optRestarts(5)
                                        .build()),
                        new AutoAttack.Member("square", square),
                        new AutoAttack.Member("apgd-t", apgdT),
                        new AutoAttack.Member("fab-t", fabT));
    }

    @Test
    void itsNameTellsAllSettings() {
        assertThat(SHORT.toString())
                .startsWith("AutoAttack[threatModel=ThreatModel[norm=linf, epsilon=0.02")
                .contains("Member[name=apgd-t, attack=Apgd[", "loss=dlr, targetClasses=4, steps=4");
    }

    @Test
    void namesAreDistinctAndNotTaken() {
        AutoAttack.Member fgsm = SHORT.members().get(0);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AutoAttack(THREAT, List.of(fgsm, fgsm)))
                .withMessageContaining("Two attacks are called 'fgsm'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AutoAttack(THREAT, List.of()))
                .withMessageContaining("AutoAttack.standard");
        for (String taken : List.of("clean", "none")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new AutoAttack.Member(taken, fgsm.attack()))
                    .withMessageContaining("'" + taken + "'");
        }
    }

    @Test
    void inputsAreChecked() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SHORT.perturb(model, images.mul(2), labels, seeds))
                .withMessageContaining("Pixel values");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SHORT.attack(model, images, labels.add(5), seeds, NOBODY))
                .withMessageContaining("out of range");
    }
}
