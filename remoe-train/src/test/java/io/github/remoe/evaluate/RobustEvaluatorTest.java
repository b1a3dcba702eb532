package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.Batchifier;

import io.github.remoe.Tensors;
import io.github.remoe.attack.Apgd;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Seeds;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** On images of one pixel whose class is 0 where red is above 0.5, and 1 where it is below. */
class RobustEvaluatorTest {

    // How far red may move: 0.4, 0.05, wrong, 0.4, 0.05, wrong, 0.2.
    private static final double[] RED = {0.9, 0.55, 0.45, 0.1, 0.45, 0.7, 0.7};
    private static final long[] LABELS = {0, 0, 0, 1, 1, 1, 0};

    @TempDir
    private Path temp;

    private NDManager manager;
    private TargetModel model;
    private List<NDManager> managers;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        Linear linear = Linear.builder().setUnits(2).build();
        // Logits 10 red - 5 and 0.
        Tensors.start(linear.getDirectParameters().get("weight"), 10, 0, 0, 0, 0, 0);
        Tensors.start(linear.getDirectParameters().get("bias"), -5, 0);
        SequentialBlock block =
                new SequentialBlock().add(Blocks.batchFlattenBlock()).add(linear);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 1, 1));
        model = new TargetModel(block, manager);
        managers = new ArrayList<>();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private List<Batch> batches(int size) {
        List<Batch> batches = new ArrayList<>();
        for (int from = 0; from < RED.length; from += size) {
            int to = Math.min(RED.length, from + size);
            double[] pixels = IntStream.range(from, to)
                    .boxed()
                    .flatMapToDouble(i -> DoubleStream.of(RED[i], 0.5, 0.5))
                    .toArray();
            long[] labels = IntStream.range(from, to).mapToLong(i -> LABELS[i]).toArray();
            List<Long> indices =
                    IntStream.range(from, to).mapToObj(i -> (long) i).toList();
            batches.add(batch(pixels, labels, indices));
        }
        return batches;
    }

    private Batch batch(double[] pixels, long[] labels, List<Long> indices) {
        NDManager own = manager.newSubManager();
        managers.add(own);
        return new Batch(
                own,
                new NDList(Tensors.array(own, new Shape(labels.length, 3, 1, 1), pixels)),
                new NDList(own.create(labels)),
                labels.length,
                Batchifier.STACK,
                Batchifier.STACK,
                0,
                0,
                indices);
    }

    private RobustEvaluator.Builder evaluator() {
        return RobustEvaluator.builder(model, ThreatModel.linf(0.3f)).optSeed(1);
    }

    private Verdicts evaluate(RobustEvaluator.Builder builder, List<Batch> batches)
            throws IOException {
        return builder.build().evaluate("red", "0", batches);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void countsAreExactWhateverTheBatch(int batchSize) throws IOException {
        Verdicts verdicts = evaluate(
                evaluator()
                        .addAttack(
                                "pgd",
                                threatModel -> Pgd.builder(threatModel)
                                        .optStepSize(0.2f)
                                        .build())
                        .addAttack("fgsm", Fgsm::new)
                        .optEpsilons(List.of(0f, 0.1f, 0.3f)),
                batches(batchSize));

        assertThat(verdicts.clean()).isEqualTo(new Accuracy(5, 7));
        assertThat(verdicts.robust(0, 0)).isEqualTo(new Accuracy(5, 7));
        assertThat(verdicts.robust(0, 2)).isEqualTo(new Accuracy(2, 7));
        assertThat(verdicts.robust(1, 1)).isEqualTo(new Accuracy(3, 7));
        assertThat(verdicts.worstCase(2)).isEqualTo(new Accuracy(2, 7));
    }

    @Test
    void withoutAttacksThereIsTheCleanAccuracy() throws IOException {
        Verdicts verdicts = evaluate(evaluator(), batches(4));

        assertThat(verdicts.clean()).isEqualTo(new Accuracy(5, 7));
        assertThat(verdicts.worstCase(0)).isEqualTo(new Accuracy(5, 7));
    }

    @Test
    void onlyRightImagesAreAttackedEachWithItsOwnSeed() throws IOException {
        Map<Float, Long> together = new TreeMap<>();
        Map<Float, Long> alone = new TreeMap<>();

        evaluate(evaluator().addAttack("spy", t -> new Spy(together)), batches(7));
        evaluate(evaluator().addAttack("spy", t -> new Spy(alone)), batches(1));

        // Red and label of the five: 0.9, 0.55, 0.1 and 0.7 once each; 0.45 as class 1 alone.
        assertThat(together.keySet()).containsExactly(0.1f, 0.45f, 0.55f, 0.7f, 0.9f);
        assertThat(together.values()).doesNotHaveDuplicates();
        assertThat(alone).isEqualTo(together);
        assertThat(together.get(0.9f)).isEqualTo(Seeds.of("attack", 1, 0));
    }

    @Test
    void anotherSeedGivesOtherSeedsToTheAttacks() throws IOException {
        Map<Float, Long> one = new TreeMap<>();
        Map<Float, Long> two = new TreeMap<>();

        evaluate(evaluator().addAttack("spy", t -> new Spy(one)), batches(7));
        evaluate(evaluator().addAttack("spy", t -> new Spy(two)).optSeed(2), batches(7));

        assertThat(two.get(0.9f)).isNotEqualTo(one.get(0.9f));
    }

    @Test
    void batchesAreClosedAndTold() throws IOException {
        List<String> told = new ArrayList<>();

        evaluate(
                evaluator().addAttack("fgsm", Fgsm::new).optListener(new EvaluationListener() {
                    @Override
                    public void onAttack(String attack, float epsilon, int images) {
                        told.add(attack + " " + epsilon + " " + images);
                    }

                    @Override
                    public void onImagesJudged(int images) {
                        told.add("" + images);
                    }
                }),
                batches(3));

        assertThat(told).containsExactly("fgsm 0.3 2", "3", "fgsm 0.3 2", "3", "fgsm 0.3 1", "1");
        assertThat(managers).hasSize(3).noneMatch(NDManager::isOpen);
        assertThat(manager.isOpen()).isTrue();
    }

    @Test
    void aBatchWithNoRightImageIsNotAttacked() throws IOException {
        Batch wrong = batch(new double[] {0.1, 0, 0}, new long[] {0}, List.of(0L));
        Map<Float, Long> seen = new TreeMap<>();

        Verdicts verdicts =
                evaluate(evaluator().addAttack("spy", t -> new Spy(seen)), List.of(wrong));

        assertThat(seen).isEmpty();
        assertThat(verdicts.all()).containsExactly(new Verdict(0, 0, 1, List.of(List.of(1))));
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        Batch wrong = batch(new double[] {0.1, 0, 0}, new long[] {2}, List.of(0L));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluate(evaluator(), List.of(wrong)))
                .withMessageContaining("Label 2");
        assertThat(managers).noneMatch(NDManager::isOpen);
    }

    @Test
    void noImagesAreNoResult() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluate(evaluator(), List.of()))
                .withMessageContaining("no images");
    }

    @Test
    void anImageIsNotAttackedAgainByWhatHasBrokenIt() throws IOException {
        List<String> told = new ArrayList<>();

        Verdicts verdicts = evaluate(
                evaluator()
                        .addAttack("none", t -> new Fgsm(t.withEpsilon(0)))
                        .addAttack("fgsm", Fgsm::new)
                        .addAttack("again", Fgsm::new)
                        .optEpsilons(List.of(0.1f, 0.3f, 0.45f))
                        .optListener(told(told)),
                batches(7));

        // 5 are right; 0.1 breaks 2 of them, 0.3 one more, 0.45 the rest.
        assertThat(told)
                .containsExactly(
                        "none 0.1 5",
                        "fgsm 0.1 5",
                        "again 0.1 5",
                        "none 0.3 5",
                        "fgsm 0.3 3",
                        "again 0.3 3",
                        "none 0.45 5",
                        "fgsm 0.45 2",
                        "again 0.45 2");
        assertThat(verdicts.robust(1, 0)).isEqualTo(new Accuracy(3, 7));
        assertThat(verdicts.robust(1, 1)).isEqualTo(new Accuracy(2, 7));
        assertThat(verdicts.robust(1, 2)).isEqualTo(new Accuracy(0, 7));
        assertThat(verdicts.robust(0, 2)).isEqualTo(new Accuracy(5, 7));
        assertThat(verdicts.all().get(1))
                .isEqualTo(new Verdict(
                        1, 0, 0, List.of(List.of(0, 0, 0), List.of(1, 1, 1), List.of(1, 1, 1))));
    }

    @Test
    void inTheWorstCaseAnImageIsNotAttackedOnceItIsBroken() throws IOException {
        List<String> told = new ArrayList<>();

        Verdicts verdicts = evaluate(
                evaluator()
                        .addAttack("half", t -> new Fgsm(t.withEpsilon(t.epsilon() / 2)))
                        .addAttack("fgsm", Fgsm::new)
                        .optEpsilons(List.of(0.08f, 0.3f, 0.45f))
                        .optWorstCase(true)
                        .optListener(told(told)),
                batches(7));

        // Half of 0.08 breaks none, 0.08 two; half of 0.3 none, 0.3 one; half of 0.45 none, it two.
        assertThat(told)
                .containsExactly(
                        "half 0.08 5",
                        "fgsm 0.08 5",
                        "half 0.3 3",
                        "fgsm 0.3 3",
                        "half 0.45 2",
                        "fgsm 0.45 2");
        assertThat(verdicts.robust(0, 1)).isEqualTo(new Accuracy(3, 7));
        assertThat(verdicts.robust(1, 1)).isEqualTo(new Accuracy(2, 7));
        assertThat(verdicts.worstCase(0)).isEqualTo(new Accuracy(3, 7));
        assertThat(verdicts.worstCase(2)).isEqualTo(new Accuracy(0, 7));
        assertThat(verdicts.all().get(1))
                .isEqualTo(new Verdict(1, 0, 0, List.of(List.of(0, -1, -1), List.of(1, 1, 1))));
    }

    @Test
    void theWorstCaseIsTheSameEitherWay() throws IOException {
        RobustEvaluator.Builder builder = evaluator()
                .addAttack("fgsm", Fgsm::new)
                .addAttack(
                        "pgd", t -> Pgd.builder(t).optStepSize(0.1f).optSteps(3).build())
                .optEpsilons(List.of(0.02f, 0.1f, 0.3f, 0.45f));

        Verdicts alone = evaluate(builder, batches(3));
        Verdicts cascade = evaluate(builder.optWorstCase(true), batches(4));

        for (int epsilon = 0; epsilon < 4; epsilon++) {
            assertThat(cascade.worstCase(epsilon)).isEqualTo(alone.worstCase(epsilon));
        }
    }

    private static EvaluationListener told(List<String> told) {
        return new EvaluationListener() {
            @Override
            public void onAttack(String attack, float epsilon, int images) {
                told.add(attack + " " + epsilon + " " + images);
            }
        };
    }

    /** Moves the images by a number, or does another thing that it may not. */
    private record Wrong(String how) implements Attack {

        @Override
        public NDArray perturb(TargetModel target, NDArray images, NDArray labels, long[] seeds) {
            return switch (how) {
                case "too far" -> images.add(0.301f).clip(0, 1);
                case "below" -> images.sub(0.2f);
                case "above" -> images.add(0.2f);
                case "NaN" -> images.mul(Float.NaN);
                case "shape" -> images.reshape(-1, 1, 3, 1);
                case "fewer" -> images.get("0:1");
                case "type" -> images.toType(DataType.FLOAT64, true);
                case "input" -> images.addi(0.4f).clip(0, 1);
                default -> throw new IllegalArgumentException(how);
            };
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "too far | linf distance 0.30",
                "below | pixel values from -0.1",
                "above | pixel values from 0.7 to 1.1",
                "NaN | pixel values from NaN",
                "shape | expected (5, 3, 1, 1)",
                "fewer | expected (5, 3, 1, 1)",
                "type | float64",
                "input | linf distance 0.39999998 from image 0"
            })
    void anAttackThatReturnsWhatItMayNotIsNamed(String how, String reason) {
        assertThatIllegalStateException()
                .isThrownBy(() ->
                        evaluate(evaluator().addAttack("bad", t -> new Wrong(how)), batches(7)))
                .withMessageStartingWith("The attack 'bad' returned")
                .withMessageContaining(reason);
        assertThat(managers).noneMatch(NDManager::isOpen);
    }

    @Test
    void aNearMissOfOneRoundingIsNoViolation() throws IOException {
        float within = 0.3f + 0.5e-6f;

        evaluate(evaluator().addAttack("near", t -> new Shift(within)), batches(7));

        assertThatIllegalStateException()
                .isThrownBy(() -> evaluate(
                        evaluator().addAttack("far", t -> new Shift(0.3f + 3e-6f)), batches(7)));
    }

    /** Moves all pixels. */
    private record Shift(float by) implements Attack {

        @Override
        public NDArray perturb(TargetModel target, NDArray images, NDArray labels, long[] seeds) {
            return images.add(by).clip(0, 1);
        }
    }

    @Test
    void aClaimDoesNotCountUnlessTheModelAgrees() throws IOException {
        // Red rises: those of class 0 stay right whatever the attack says.
        Verdicts verdicts = evaluate(evaluator().addAttack("up", t -> new Shift(0.1f)), batches(7));

        assertThat(verdicts.all().stream().filter(v -> v.isCleanCorrect() && v.isBroken(0, 0)))
                .extracting(Verdict::index)
                .containsExactly(4L);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anAutoAttackTellsWhichMemberBroke(boolean worstCase) throws IOException {
        List<String> warnings = new ArrayList<>();

        // Half of 0.21 breaks two, all of it one more; half of 0.45 none, and all of it two.
        Verdicts verdicts = evaluate(
                evaluator()
                        .addAttack(
                                "aa",
                                t -> new AutoAttack(
                                        t,
                                        List.of(
                                                new AutoAttack.Member(
                                                        "half",
                                                        new Fgsm(t.withEpsilon(t.epsilon() / 2))),
                                                new AutoAttack.Member("fgsm", new Fgsm(t)))))
                        .addAttack("fgsm", Fgsm::new)
                        .optEpsilons(List.of(0.21f, 0.45f))
                        .optWorstCase(worstCase)
                        .optListener(warnings(warnings)),
                batches(3));

        assertThat(verdicts.settings().attacks().get(0).members()).containsExactly("half", "fgsm");
        assertThat(verdicts.all())
                .extracting(verdict -> verdict.brokenBy().get(0))
                .containsExactly(
                        List.of("", "fgsm"),
                        List.of("half", "half"),
                        List.of("", ""),
                        List.of("", "fgsm"),
                        List.of("half", "half"),
                        List.of("", ""),
                        List.of("fgsm", "fgsm"));
        assertThat(verdicts.robustAfterMember(0, 0, 0)).isEqualTo(new Accuracy(3, 7));
        assertThat(verdicts.robustAfterMember(0, 1, 0)).isEqualTo(new Accuracy(2, 7));
        assertThat(verdicts.robustAfterMember(0, 0, 1))
                .isEqualTo(new Accuracy(worstCase ? 2 : 3, 7));
        assertThat(verdicts.robustAfterMember(0, 1, 1)).isEqualTo(new Accuracy(0, 7));
        assertThat(warnings).isEmpty();
        Path file = temp.resolve("verdicts.csv");
        verdicts.save(file);
        assertThat(Verdicts.load(file).all()).isEqualTo(verdicts.all());
        assertThat(Files.readAllLines(file).get(1))
                .startsWith("index,label,clean,aa@0.21,aa@0.21 by,aa@0.45,aa@0.45 by,fgsm@0.21,");
    }

    @Test
    void theChecksOfAnAutoAttackAreToldOnce() throws IOException {
        List<String> warnings = new ArrayList<>();

        evaluate(
                evaluator()
                        .addAttack(
                                "aa",
                                t -> new AutoAttack(
                                        t,
                                        List.of(new AutoAttack.Member(
                                                "apgd-dlr",
                                                Apgd.builder(t)
                                                        .optSteps(2)
                                                        .optLoss(LogitLoss.DLR)
                                                        .build()))))
                        .optListener(warnings(warnings)),
                batches(1));

        assertThat(warnings).singleElement().asString().startsWith("aa 0.3 The model has only 2");
    }

    private static EvaluationListener warnings(List<String> warnings) {
        return new EvaluationListener() {
            @Override
            public void onWarning(String attack, float epsilon, String warning) {
                warnings.add(attack + " " + epsilon + " " + warning);
            }
        };
    }

    @Test
    void nothingStaysOpenInTheModelsManager() throws IOException {
        RobustEvaluator.Builder builder = evaluator().addAttack("fgsm", Fgsm::new);
        evaluate(builder, batches(3));
        int before = manager.getManagedArrays().size();

        evaluate(builder, batches(3));

        assertThat(manager.getManagedArrays()).hasSize(before);
    }

    @Test
    void batchesWithoutIndicesAreRefused() {
        Batch without = batch(new double[] {0.9, 0, 0}, new long[] {0}, null);
        Batch tooMany = batch(new double[] {0.9, 0, 0}, new long[] {0}, List.of(1L, 2L));

        for (Batch wrong : List.of(without, tooMany)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> evaluate(evaluator(), List.of(wrong)))
                    .withMessageContaining("expected one for each image");
        }
    }

    @Test
    void settingsThatMeanNothingAreRefused() {
        RobustEvaluator.Builder builder = evaluator().addAttack("a", Fgsm::new);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.addAttack("a", Fgsm::new))
                .withMessageContaining("Two attacks are called 'a'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optEpsilons(List.of(0.2f, 0.1f)).build())
                .withMessageContaining("ascend");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optEpsilons(List.of()).build())
                .withMessageContaining("at least one");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluator().addAttack("a b", Fgsm::new).build())
                .withMessageContaining("'a b'");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optEpsilons(List.of(0.1f, 1.1f)).build())
                .withMessageContaining("1.1");
    }

    /** Remembers the seed of every image by its red value. */
    private record Spy(Map<Float, Long> seeds) implements Attack {

        @Override
        public NDArray perturb(TargetModel target, NDArray images, NDArray labels, long[] given) {
            float[] pixels = images.toFloatArray();
            for (int i = 0; i < given.length; i++) {
                seeds.put(pixels[3 * i], given[i]);
            }
            return images.duplicate();
        }
    }
}
