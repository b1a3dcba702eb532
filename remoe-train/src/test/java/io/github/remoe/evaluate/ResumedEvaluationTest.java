package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.Norm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.data.Datasets;

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
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** An evaluation that stops and goes on, or is divided, against one that runs through. */
class ResumedEvaluationTest {

    private static final ThreatModel LINF = ThreatModel.linf(0.02f);

    @TempDir
    private Path temp;

    private NDManager manager;
    private TargetModel model;
    private ByteDataset dataset;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        dataset = ByteDataset.random(model, manager, 24, 5);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Path state() {
        return temp.resolve("verdicts.csv");
    }

    private RobustEvaluator.Builder evaluator() {
        return evaluator(LINF);
    }

    private RobustEvaluator.Builder evaluator(ThreatModel threatModel) {
        return RobustEvaluator.builder(model, threatModel)
                .addAttack("fgsm", Fgsm::new)
                .addAttack("pgd", t -> Pgd.builder(t).optSteps(2).build())
                .optEpsilons(List.of(0.005f, 0.02f))
                .optModelId("tiny")
                .optSeed(3);
    }

    private Verdicts evaluate(RobustEvaluator.Builder builder, int batchSize) throws IOException {
        return builder.build().evaluate("random", dataset, manager, batchSize);
    }

    /** Throws when it has seen so many images at one epsilon. */
    private static EvaluationListener stopAfter(int images) {
        return new EvaluationListener() {
            private int judged;

            @Override
            public void onImagesJudged(int more) {
                judged += more;
                if (judged >= images) {
                    throw new IllegalStateException("stop");
                }
            }
        };
    }

    @ParameterizedTest
    @CsvSource({"1, 24", "5, 3", "8, 8", "4, 7"})
    void itGoesOnWhereItStoppedWithAnyBatchSize(int first, int second) throws IOException {
        Verdicts whole = evaluate(evaluator(), 24);
        assertThat(whole.worstCase(1).correct()).isBetween(1L, whole.clean().correct() - 1);

        assertThatThrownBy(() ->
                        evaluate(evaluator().optState(state()).optListener(stopAfter(8)), first))
                .hasMessage("stop");
        int saved = Verdicts.load(state()).size();
        List<Integer> judged = new ArrayList<>();
        Verdicts resumed = evaluate(
                evaluator().optState(state()).optListener(new EvaluationListener() {
                    @Override
                    public void onImagesJudged(int images) {
                        judged.add(images);
                    }
                }),
                second);

        assertThat(saved).isBetween(8, 23);
        assertThat(judged.get(0)).isEqualTo(saved);
        assertThat(judged.stream().mapToInt(Integer::intValue).sum()).isEqualTo(24);
        assertThat(resumed.all()).isEqualTo(whole.all());
        assertThat(Verdicts.load(state()).all()).isEqualTo(whole.all());
    }

    @Test
    void whatIsJudgedIsNotAttackedAgain() throws IOException {
        evaluate(evaluator().optState(state()), 5);

        Verdicts again = evaluate(
                evaluator().optState(state()).optListener(new EvaluationListener() {
                    @Override
                    public void onAttack(String attack, float epsilon, int images) {
                        throw new AssertionError("attacked again");
                    }
                }),
                7);

        assertThat(again.size()).isEqualTo(24);
    }

    @Test
    void batchesOfOthersGoOnToo() throws IOException {
        Verdicts whole = evaluate(evaluator(), 24);
        RobustEvaluator evaluator = evaluator().optState(state()).build();

        evaluator.evaluate(
                "random",
                dataset.getChecksum(),
                List.of(dataset.getByIndices(manager.newSubManager(), 3, 20, 7)));
        Verdicts part = evaluator.evaluate(
                "random",
                dataset.getChecksum(),
                List.of(
                        dataset.getByIndices(manager.newSubManager(), 7, 8),
                        dataset.getByIndices(manager.newSubManager(), 20)));

        assertThat(part.all()).isEqualTo(whole.of(List.of(7L, 8L, 20L)).all());
        assertThat(Verdicts.load(state()).all())
                .isEqualTo(whole.of(List.of(3L, 7L, 8L, 20L)).all());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void shardsMergeIntoTheWhole(boolean worstCase) throws IOException {
        Verdicts whole = evaluate(evaluator().optWorstCase(worstCase), 24);

        Verdicts merged = null;
        for (int shard = 2; shard >= 0; shard--) {
            Verdicts part = evaluator()
                    .optWorstCase(worstCase)
                    .build()
                    .evaluate("random", Datasets.shard(dataset, shard, 3), manager, 3 + shard);
            assertThat(part.size()).isEqualTo(8);
            merged = merged == null ? part : merged.merge(part);
        }

        assertThat(merged.all()).isEqualTo(whole.all());
        merged.save(temp.resolve("merged"));
        whole.save(temp.resolve("whole"));
        assertThat(temp.resolve("merged")).hasSameBinaryContentAs(temp.resolve("whole"));
    }

    @Test
    void aPartOfTheDatasetGivesVerdictsOnThisPart() throws IOException {
        Verdicts whole = evaluate(evaluator().optState(state()), 24);

        Verdicts part = evaluator()
                .optState(state())
                .build()
                .evaluate("random", dataset.subDataset(List.of(9L, 4L)), manager, 1);

        assertThat(part.all()).isEqualTo(whole.of(List.of(4L, 9L)).all());
    }

    private void refused(RobustEvaluator.Builder builder, String... reasons) throws IOException {
        evaluate(evaluator().optState(state()), 24);
        byte[] before = Files.readAllBytes(state());

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluate(builder.optState(state()), 24))
                .withMessageContaining(state() + " belongs to another evaluation")
                .withMessageContainingAll(reasons)
                .withMessageContaining("delete it");
        assertThat(state()).hasBinaryContent(before);
    }

    @Test
    void theStateOfAnotherModelIsRefused() throws IOException {
        refused(evaluator().optModelId("other"), "model: tiny and other");
    }

    @Test
    void theStateOfAnotherSeedIsRefused() throws IOException {
        refused(evaluator().optSeed(4), ": seed: 3 and 4.");
    }

    @Test
    void theStateOfAnotherNormIsRefused() throws IOException {
        refused(
                evaluator(new ThreatModel(Norm.L2, 0.02f, 0, 1)),
                "norm: linf and l2",
                "attack fgsm: Fgsm[");
    }

    @Test
    void theStateOfAnotherPixelRangeIsRefused() throws IOException {
        refused(
                evaluator(new ThreatModel(Norm.LINF, 0.02f, 0, 2)),
                "largest pixel value: 1.0 and 2.0");
    }

    @Test
    void theStateOfOtherEpsilonsIsRefused() throws IOException {
        refused(
                evaluator().optEpsilons(List.of(0.005f, 0.03f)),
                "epsilons: [0.005, 0.02] and [0.005, 0.03]");
    }

    @Test
    void theStateOfOtherAttacksIsRefused() throws IOException {
        refused(evaluator().addAttack("more", Fgsm::new), "attacks: [fgsm, pgd] and");
    }

    @Test
    void theStateOfAnAttackWithAnotherSettingIsRefused() throws IOException {
        refused(
                RobustEvaluator.builder(model, LINF)
                        .addAttack("fgsm", Fgsm::new)
                        .addAttack(
                                "pgd",
                                t -> Pgd.builder(t)
                                        .optSteps(2)
                                        .optLoss(LogitLoss.MARGIN)
                                        .build())
                        .optEpsilons(List.of(0.005f, 0.02f))
                        .optModelId("tiny")
                        .optSeed(3),
                "attack pgd",
                "cross-entropy",
                "margin");
    }

    @Test
    void theStateOfTheWorstCaseIsRefused() throws IOException {
        refused(evaluator().optWorstCase(true), "worst case: false and true");
    }

    @Test
    void theStateOfAnotherDatasetIsRefused() throws IOException {
        evaluate(evaluator().optState(state()), 24);
        ByteDataset other = ByteDataset.random(model, manager, 23, 5);
        RobustEvaluator evaluator = evaluator().optState(state()).build();

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluator.evaluate("random", other, manager, 24))
                .withMessageContaining("dataset checksum: " + dataset.getChecksum());
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluator.evaluate("named", dataset, manager, 24))
                .withMessageContaining("dataset: random and named");
    }

    @Test
    void aStateThatIsCutOffIsRefusedAndLeftAlone() throws IOException {
        evaluate(evaluator().optState(state()), 24);
        byte[] bytes = Files.readAllBytes(state());
        Files.write(state(), Arrays.copyOf(bytes, bytes.length - 20));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluate(evaluator().optState(state()), 24))
                .withMessageContaining(state().toString())
                .withMessageContaining("Restore it from a copy, or delete it");
    }

    @Test
    void aStateNeedsAModelIdAndAttacksThatTellTheirSettings() {
        UnaryOperator<Attack> lambda = attack -> attack::perturb;

        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluator().optModelId("").optState(state()).build())
                .withMessageContaining("optModelId");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluator()
                        .addAttack("lambda", t -> lambda.apply(new Fgsm(t)))
                        .optState(state())
                        .build())
                .withMessageContaining("'lambda' does not tell its settings");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluator()
                        .addAttack(
                                "nested",
                                t -> Pgd.builder(t)
                                        .optLoss((m, x, y, goal) ->
                                                outputs -> outputs.head().sum())
                                        .build())
                        .optState(state())
                        .build())
                .withMessageContaining("'nested' does not tell its settings");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> evaluator()
                        .addAttack("object", t -> new Silent())
                        .optState(state())
                        .build())
                .withMessageContaining("'object' does not tell its settings");
    }

    /** Has no toString. */
    private static final class Silent implements Attack {

        @Override
        public NDArray perturb(TargetModel target, NDArray images, NDArray labels, long[] seeds) {
            return images.duplicate();
        }
    }
}
