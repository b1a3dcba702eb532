package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.attack.Apgd;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Rows;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.autograd.Constants;
import io.github.remoe.evaluate.MaskingReport.Check;
import io.github.remoe.evaluate.MaskingReport.Outcome;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** On images of one pixel and linear models, for which a corner of the ball is the worst point. */
class GradientMaskingCheckTest {

    private static final int COUNT = 120;
    private static final ThreatModel THREAT = ThreatModel.linf(0.15f);

    private NDManager manager;
    private TargetModel honest;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.initializer("masking", 0, 1)
                .initialize(manager, new Shape(COUNT, 3, 1, 1), DataType.FLOAT32);
        honest = target(x -> x, x -> x);
        labels = honest.predict(images).head().argMax(1);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Logits 4 red, 4 green and 4 blue, with something done to the pixels before or the logits after. */
    private TargetModel target(UnaryOperator<NDArray> before, UnaryOperator<NDArray> after) {
        Linear linear = Linear.builder().setUnits(3).optBias(false).build();
        Tensors.start(linear.getDirectParameters().get("weight"), 4, 0, 0, 0, 4, 0, 0, 0, 4);
        Block block = new SequentialBlock()
                .addSingleton(before::apply)
                .add(Blocks.batchFlattenBlock())
                .add(linear)
                .addSingleton(after::apply);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 1, 1));
        return new TargetModel(block, manager);
    }

    private static GradientMaskingCheck.Builder check() {
        return GradientMaskingCheck.builder(THREAT)
                .optStepCounts(1, 5, 10, 15)
                .optWhiteBox(threat -> Apgd.builder(threat).optSteps(20).build())
                .optNoiseSamples(5)
                .optBlackBox(Corners::new);
    }

    private MaskingReport run(TargetModel model) {
        return check().build().run(model, images, labels);
    }

    private static Map<String, Outcome> outcomes(MaskingReport report) {
        return report.checks().stream().collect(Collectors.toMap(Check::name, Check::outcome));
    }

    @Test
    void anHonestModelPasses() {
        MaskingReport report =
                check().optSurrogate(target(x -> x, x -> x)).build().run(honest, images, labels);

        assertThat(report.checks()).hasSize(8).allMatch(check -> check.outcome() == Outcome.PASS);
        assertThat(report.masked()).isFalse();
        assertThat(report.verdict())
                .isEqualTo("No sign of gradient masking in 120 images: all 8 checks pass.");
        assertThat(report.notChecked()).isEmpty();
    }

    @Test
    void theCurvesAreTheModels() {
        MaskingReport report = run(honest);

        // The largest logit leads by 4 times the distance of the pixel values, and can lose 8
        // epsilon.
        float[] pixels = images.toFloatArray();
        for (MaskingReport.Epsilon at : report.epsilons()) {
            long held = 0;
            for (int i = 0; i < COUNT; i++) {
                if (lead(pixels, i, at.epsilon()) > 0) {
                    held++;
                }
            }
            assertThat(at.accuracy().correct()).isEqualTo(held);
        }
        assertThat(report.epsilons())
                .extracting(MaskingReport.Epsilon::epsilon)
                .containsExactly(0.15f, 0.3f, 0.6f, 1f);
        assertThat(report.clean()).isEqualTo(new Accuracy(COUNT, COUNT));
        assertThat(report.steps())
                .extracting(MaskingReport.Steps::steps)
                .containsExactly(1, 5, 10, 15);
        assertThat(report.steps().get(3).accuracy())
                .isEqualTo(report.epsilons().get(0).accuracy());
    }

    /** By how much the largest pixel value still leads at the worst corner within [0,1]. */
    private static float lead(float[] pixels, int image, float epsilon) {
        List<Float> values = new ArrayList<>(
                List.of(pixels[3 * image], pixels[3 * image + 1], pixels[3 * image + 2]));
        values.sort(null);
        return Math.max(0, values.get(2) - epsilon) - Math.min(1, values.get(1) + epsilon);
    }

    @Test
    void saturatedLogitsAreCaught() {
        MaskingReport report =
                run(target(x -> x, logits -> logits.mul(Constants.scalar(logits, 1e6))));

        assertThat(report.masked()).isTrue();
        assertThat(outcomes(report))
                .containsEntry("gradients", Outcome.FAIL)
                .containsEntry("loss over steps", Outcome.FAIL)
                .containsEntry("the black-box attack", Outcome.FAIL)
                .containsEntry("unbounded epsilon", Outcome.FAIL);
        assertThat(report.verdict())
                .startsWith("Gradients look masked: the gradient vanishes in ")
                .contains("the black-box attack breaks ");
    }

    @Test
    void quantisedPixelsAreCaughtByTransferAsWell() {
        TargetModel quantised = target(
                x -> x.mul(Constants.scalar(x, 16)).round().div(Constants.scalar(x, 16)), x -> x);
        NDArray predicted = quantised.predict(images).head().argMax(1);

        MaskingReport report = GradientMaskingCheck.builder(THREAT)
                .optStepCounts(1, 15)
                .optBlackBox(null)
                .optSurrogate(honest)
                .build()
                .run(quantised, images, predicted);

        assertThat(outcomes(report))
                .containsEntry("gradients", Outcome.FAIL)
                .containsEntry("transfer from the surrogate", Outcome.FAIL)
                .doesNotContainKey("the black-box attack");
        assertThat(report.notChecked()).containsExactly("the black-box attack: none was given");
    }

    @Test
    void aWhiteBoxAttackThatStandsStillIsNoProof() {
        MaskingReport report = check().optWhiteBox(threat -> (model, x, y, seeds) -> x.duplicate())
                .build()
                .run(honest, images, labels);

        assertThat(outcomes(report))
                .containsEntry("gradients", Outcome.PASS)
                .containsEntry("a single step", Outcome.FAIL)
                .containsEntry("random noise", Outcome.FAIL)
                .containsEntry("the black-box attack", Outcome.FAIL)
                .containsEntry("unbounded epsilon", Outcome.FAIL);
    }

    @Test
    void fewImagesTellLittle() {
        MaskingReport report = check().build().run(honest, images.get("0:12"), labels.get("0:12"));

        assertThat(report.masked()).isFalse();
        assertThat(outcomes(report))
                .containsEntry("gradients", Outcome.INCONCLUSIVE)
                .containsEntry("unbounded epsilon", Outcome.INCONCLUSIVE);
        assertThat(report.verdict())
                .startsWith(
                        "No sign of gradient masking in 12 images, but not all checks could tell: ");
    }

    @Test
    void neitherBatchesNorWrongImagesChangeTheResult() {
        NDArray someWrong = labels.duplicate();
        someWrong.set(new NDIndex("0:7"), labels.get("0:7").add(1).mod(3));

        MaskingReport whole = check().build().run(honest, images, someWrong);
        MaskingReport parts = check().optBatchSize(70).build().run(honest, images, someWrong);

        assertThat(whole.clean()).isEqualTo(new Accuracy(COUNT - 7, COUNT));
        assertThat(parts.toJson()).isEqualTo(whole.toJson());
    }

    @Test
    void allRadiiEndWhereEveryImageIsAllowed() {
        MaskingReport report = GradientMaskingCheck.builder(ThreatModel.l2(0.5f))
                .optStepCounts(1, 15)
                .optBlackBox(null)
                .build()
                .run(honest, images, labels);

        assertThat(report.epsilons())
                .extracting(MaskingReport.Epsilon::epsilon)
                .containsExactly(0.5f, 1f, (float) Math.sqrt(3));
        assertThat(outcomes(report)).containsEntry("unbounded epsilon", Outcome.PASS);
    }

    @Test
    void theListenerHearsOfAttacksAndImages() {
        List<String> attacks = new ArrayList<>();
        List<Integer> judged = new ArrayList<>();
        EvaluationListener listener = new EvaluationListener() {
            @Override
            public void onAttack(String attack, float epsilon, int count) {
                attacks.add(attack);
            }

            @Override
            public void onImagesJudged(int count) {
                judged.add(count);
            }
        };

        check().optBatchSize(100).optListener(listener).build().run(honest, images, labels);

        assertThat(judged).containsExactly(100, 20);
        assertThat(attacks)
                .startsWith("pgd-1", "pgd-5", "pgd-10", "pgd-15", "white box")
                .contains("a single step", "random noise", "the black-box attack")
                .hasSizeBetween(2 * (4 + 1 + 3), 2 * (4 + 4 + 3));
    }

    @Test
    void nothingStaysOpen() {
        run(honest);
        int held = manager.getManagedArrays().size();
        run(honest);

        assertThat(manager.getManagedArrays()).hasSize(held);
    }

    @Test
    void textAndJsonTellTheSame() {
        MaskingReport report = run(honest);

        assertThat(report.toText())
                .contains("Gradient masking, linf, epsilon 0.150, on the 120 of 120 images")
                .contains("pass          gradients: the gradient vanishes in 0 of 120 images")
                .contains("-             transfer from the surrogate: none was given")
                .endsWith(report.verdict() + System.lineSeparator());
        JsonObject json = JsonParser.parseString(report.toJson()).getAsJsonObject();
        assertThat(json.get("verdict").getAsString()).isEqualTo(report.verdict());
        assertThat(json.get("masked").getAsBoolean()).isFalse();
        assertThat(json.getAsJsonArray("checks")).hasSize(report.checks().size());
        assertThat(json.getAsJsonArray("steps")
                        .get(0)
                        .getAsJsonObject()
                        .get("steps")
                        .getAsInt())
                .isEqualTo(1);
    }

    @Test
    void wrongSettingsAndHopelessImagesAreTold() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientMaskingCheck.builder(ThreatModel.linf(0)))
                .withMessageContaining("nothing to check");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> check().optStepCounts(5, 5))
                .withMessageContaining("rising");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> check().optBatchSize(0))
                .withMessageContaining("batchSize");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> check().build().run(honest, images, labels.add(1).mod(3)))
                .withMessageContaining("none of the 120 images");
    }

    /** Tries the eight corners of the ball, and keeps one that is misclassified. */
    private record Corners(ThreatModel threatModel) implements Attack {

        @Override
        public NDArray perturb(TargetModel model, NDArray x, NDArray y, long[] seeds) {
            NDArray found = x;
            for (int corner = 0; corner < 8; corner++) {
                float[] signs = {
                    (corner & 1) * 2 - 1, (corner >> 1 & 1) * 2 - 1, (corner >> 2 & 1) * 2 - 1
                };
                NDArray step = x.getManager()
                        .create(signs, new Shape(1, 3, 1, 1))
                        .mul(threatModel.epsilon());
                NDArray point = threatModel.project(x.add(step), x);
                NDArray wrong = model.predict(point).head().argMax(1).neq(y);
                found = Rows.where(wrong, point, found);
            }
            return found;
        }
    }
}
