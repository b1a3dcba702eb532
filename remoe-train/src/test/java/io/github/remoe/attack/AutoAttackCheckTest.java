package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** Each check strikes for a model that is made for it, and for no other. */
class AutoAttackCheckTest {

    private static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);
    private static final long[] SEEDS = {1, 2, 3, 4, 5, 6};

    /** As many target classes as 5 classes allow. */
    private static final AutoAttack FITTING = new AutoAttack(
            THREAT,
            List.of(
                    new AutoAttack.Member(
                            "apgd-ce", Apgd.builder(THREAT).optSteps(1).build()),
                    new AutoAttack.Member(
                            "apgd-t",
                            Apgd.builder(THREAT)
                                    .optSteps(1)
                                    .optLoss(LogitLoss.DLR)
                                    .optTargetClasses(4)
                                    .build())));

    private NDManager manager;
    private NDArray images;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.initializer("checks", 0, 1)
                .initialize(manager, new Shape(SEEDS.length, 3, 8, 8), DataType.FLOAT32);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Block golden() {
        return TinyNetworks.golden(manager, DataType.FLOAT32);
    }

    private Map<AutoAttackCheck, String> before(AutoAttack attack, Block block) {
        try (TargetModel model = new TargetModel(block, manager)) {
            NDArray labels = model.predict(images).head().argMax(1);
            return AutoAttackCheck.before(attack, model, images, labels, SEEDS);
        }
    }

    private Map<AutoAttackCheck, String> before(
            AutoAttack attack, Function<NDList, NDList> afterLogits) {
        return before(attack, new SequentialBlock().add(golden()).add(afterLogits));
    }

    @Test
    void aSoundModelGivesNoWarning() {
        assertThat(before(FITTING, golden())).isEmpty();
    }

    @Test
    void logitsThatChangeFromPassToPassAreNoticed() {
        AtomicInteger pass = new AtomicInteger();
        Function<NDList, NDList> noise = list -> new NDList(list.head()
                .add(Golden.tensor(
                                list.head().getManager(),
                                DataType.FLOAT32,
                                "pass " + pass.incrementAndGet(),
                                1,
                                5)
                        .mul(1e-2f)));

        assertThat(before(FITTING, noise))
                .containsOnlyKeys(AutoAttackCheck.RANDOMISED_DEFENCE)
                .hasEntrySatisfying(
                        AutoAttackCheck.RANDOMISED_DEFENCE,
                        warning -> assertThat(warning).contains("AutoAttack.rand"));
        // The version made for it does not complain.
        assertThat(before(AutoAttack.rand(THREAT), noise)).isEmpty();
    }

    @Test
    void roundingIsNoRandomisedDefence() {
        AtomicInteger pass = new AtomicInteger();

        assertThat(before(
                        FITTING,
                        list -> new NDList(
                                list.head().mul(1 + 1e-5f * (pass.incrementAndGet() % 2)))))
                .isEmpty();
    }

    @Test
    void outputsThatAreProbabilitiesAreNoticed() {
        assertThat(before(FITTING, list -> new NDList(list.head().softmax(1))))
                .containsOnlyKeys(AutoAttackCheck.PROBABILITIES);
        // In [0,1], but their sums are not 1.
        assertThat(before(FITTING, list -> new NDList(list.head().softmax(1).mul(0.9f))))
                .isEmpty();
    }

    @Test
    void moreTargetClassesThanThereAreAreNoticed() {
        assertThat(before(AutoAttack.standard(THREAT), golden()))
                .containsOnlyKeys(AutoAttackCheck.FEW_CLASSES)
                .hasEntrySatisfying(
                        AutoAttackCheck.FEW_CLASSES,
                        warning -> assertThat(warning)
                                .startsWith(
                                        "The model has only 5 classes: apgd-t has 4 target classes, not 9;"
                                                + " fab-t has 4 target classes, not 9."));
        assertThat(before(
                        AutoAttack.standard(THREAT),
                        list -> new NDList(list.head().concat(list.head().sub(1), 1))))
                .isEmpty();
    }

    @Test
    void tooFewClassesForTheDlrLossAreNoticed() {
        AutoAttack plus = AutoAttack.plus(THREAT);

        assertThat(before(plus, list -> new NDList(list.head().get(":, 0:3")))
                        .get(AutoAttackCheck.FEW_CLASSES))
                .contains("apgd-t maximises the margin, as the targeted DLR loss needs 4 classes")
                .doesNotContain("apgd-dlr");
        assertThat(before(plus, list -> new NDList(list.head().get(":, 0:2")))
                        .get(AutoAttackCheck.FEW_CLASSES))
                .contains("only 2 classes")
                .contains("apgd-dlr maximises the margin, as the DLR loss needs 3 classes");
    }

    @Test
    void gradientsOfZeroAreNoticed() {
        Block rounding = new SequentialBlock()
                .add(list -> new NDList(list.head().mul(255).round().div(255)))
                .add(golden());

        assertThat(before(FITTING, rounding))
                .containsOnlyKeys(AutoAttackCheck.ZERO_GRADIENTS)
                .hasEntrySatisfying(
                        AutoAttackCheck.ZERO_GRADIENTS,
                        warning -> assertThat(warning)
                                .contains("6 of 6 images at the start of apgd-t"));
    }

    @Test
    void misclassifiedImagesAreNotAskedForGradients() {
        Block rounding = new SequentialBlock()
                .add(list -> new NDList(list.head().mul(255).round().div(255)))
                .add(golden());
        try (TargetModel model = new TargetModel(rounding, manager)) {
            NDArray wrong = model.predict(images).head().argMax(1).add(1).mod(5);

            assertThat(AutoAttackCheck.before(FITTING, model, images, wrong, SEEDS))
                    .isEmpty();
        }
    }

    /** What broke 1000 images: FGSM 500, Square some. */
    private static List<String> brokenBy(int square) {
        List<String> brokenBy = new ArrayList<>(Collections.nCopies(500, "fgsm"));
        brokenBy.addAll(Collections.nCopies(square, "square"));
        brokenBy.addAll(Collections.nCopies(500 - square, "none"));
        return brokenBy;
    }

    @Test
    void aSquareThatBreaksWhatGradientAttacksHaveNotIsNoticed() {
        AutoAttack.Member fgsm = new AutoAttack.Member("fgsm", new Fgsm(THREAT));
        AutoAttack.Member square =
                new AutoAttack.Member("square", Square.builder(THREAT).build());
        AutoAttack squareLast = new AutoAttack(THREAT, List.of(fgsm, square));

        assertThat(AutoAttackCheck.after(squareLast, brokenBy(3)))
                .containsOnlyKeys(AutoAttackCheck.SQUARE_LOWERS_ACCURACY)
                .hasEntrySatisfying(
                        AutoAttackCheck.SQUARE_LOWERS_ACCURACY,
                        warning -> assertThat(warning).contains("from 50.0 % to 49.7 %"));
        // 0.2 points are still within the tolerance.
        assertThat(AutoAttackCheck.after(squareLast, brokenBy(2))).isEmpty();
        // With nothing before it there is nothing to compare with.
        AutoAttack squareFirst = new AutoAttack(THREAT, List.of(square, fgsm));
        assertThat(AutoAttackCheck.after(squareFirst, brokenBy(300))).isEmpty();
    }

    @Test
    void perturbLogsTheWarnings() {
        PrintStream console = System.err;
        ByteArrayOutputStream log = new ByteArrayOutputStream();
        Block softmax = new SequentialBlock()
                .add(golden())
                .add(list -> new NDList(list.head().softmax(1)));
        try (TargetModel model = new TargetModel(softmax, manager)) {
            NDArray labels = model.predict(images).head().argMax(1);
            System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
            FITTING.perturb(model, images, labels, SEEDS);
        } finally {
            System.setErr(console);
        }

        assertThat(log.toString(StandardCharsets.UTF_8))
                .containsOnlyOnce("WARN io.github.remoe.attack.AutoAttack")
                .contains("outputs are probabilities");
    }

    @Test
    void nothingStaysOpen() {
        try (TargetModel model = new TargetModel(golden(), manager)) {
            NDArray labels = model.predict(images).head().argMax(1);
            AutoAttackCheck.before(FITTING, model, images, labels, SEEDS);
            int held = manager.getManagedArrays().size();

            AutoAttackCheck.before(FITTING, model, images, labels, SEEDS);

            assertThat(manager.getManagedArrays()).hasSize(held);
        }
    }

    @Test
    void inputsAreChecked() {
        try (TargetModel model = new TargetModel(golden(), manager)) {
            NDArray labels = manager.zeros(new Shape(SEEDS.length));
            assertThatIllegalArgumentException()
                    .isThrownBy(() ->
                            AutoAttackCheck.before(FITTING, model, images.add(1), labels, SEEDS))
                    .withMessageContaining("Pixel values");
        }
    }
}
