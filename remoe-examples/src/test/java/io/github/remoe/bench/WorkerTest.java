package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.NormalInitializer;

import com.google.gson.JsonObject;

import io.github.remoe.ReMoE;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

class WorkerTest {

    private static final int IMAGES = 8;

    @TempDir
    private Path folder;

    private Worker worker;

    @BeforeEach
    void start() {
        worker = new Worker();
    }

    @AfterEach
    void end() {
        worker.close();
    }

    private JsonObject ask(String kind, Object details) {
        JsonObject request = Requests.GSON.toJsonTree(details).getAsJsonObject();
        request.addProperty("do", kind);
        return worker.answer(request);
    }

    private JsonObject run(String row, boolean regionLosses) {
        return ask(
                "run",
                new Requests.Run(
                        row, 4, IMAGES, 2, 4 / 255f, regionLosses, folder.toString(), null));
    }

    private Requests.Load load(boolean remoe) throws IOException {
        return load(remoe, false);
    }

    /**
     * A network of one layer, its weights and images in files.
     *
     * @param attackable whether images are right, and wide weights let an attack change that;
     *     otherwise labels are 0 to 7 and weights small
     */
    private Requests.Load load(boolean remoe, boolean attackable) throws IOException {
        Engine.getInstance().setRandomSeed(3);
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(8)
                .optDepth(1)
                .optNumHeads(2)
                .optNumClasses(10)
                .build();
        if (remoe) {
            ReMoE.builder().optLayers(1).build().insertInto(vit);
        }
        if (attackable) {
            vit.setInitializer(new NormalInitializer(0.5f), Parameter.Type.WEIGHT);
        }
        Path weights = folder.resolve("weights.safetensors");
        Path inputs = folder.resolve("inputs.safetensors");
        try (Model model = Model.newInstance("tiny", Device.cpu())) {
            NDManager manager = model.getNDManager();
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            SafeTensors.save(weights, TimmTensors.of(vit, manager), Map.of());
            NDArray images = manager.randomUniform(0, 1, new Shape(IMAGES, 3, 8, 8));
            images.setName("images");
            NDArray logits = vit.forward(
                            new ParameterStore(manager, false), new NDList(images), false)
                    .head();
            NDArray labels = attackable
                    ? logits.argMax(1)
                    : manager.create(new long[] {0, 1, 2, 3, 4, 5, 6, 7});
            labels.setName("labels");
            NDArray shifted = images.add(0.03f).clip(0, 1);
            shifted.setName("shifted");
            SafeTensors.save(inputs, new NDList(images, labels, shifted), Map.of());
            return new Requests.Load(
                    Network.of(vit), weights.toString(), inputs.toString(), 1, "cpu", null);
        }
    }

    @Test
    void tellsLogitsLossAndGradient() throws IOException {
        JsonObject loaded = ask("load", load(false));
        assertThat(loaded.getAsJsonObject("versions").keySet()).contains("DJL", "PyTorch", "Java");

        JsonObject answer = ask("check", new Requests.Check(4));
        assertThat(answer.getAsJsonArray("logits"))
                .hasSize(4)
                .first()
                .satisfies(row -> assertThat(row.getAsJsonArray()).hasSize(10));
        assertThat(answer.getAsJsonArray("regionWeights")).isEmpty();
        // Weights are small at first, so all classes are about equally likely.
        assertThat(answer.get("loss").getAsDouble()).isCloseTo(Math.log(10), within(0.1));
        assertThat(answer.get("gradientNorm").getAsDouble()).isPositive();
        assertThat(ask("check", new Requests.Check(4))).as("the same again").isEqualTo(answer);
    }

    @Test
    void tellsRegionWeightsOfEachLayer() throws IOException {
        ask("load", load(true));

        JsonObject answer = ask("check", new Requests.Check(2));
        assertThat(answer.getAsJsonArray("regionWeights")).singleElement().satisfies(layer -> {
            assertThat(layer.getAsJsonArray()).hasSize(2);
            assertThat(layer.getAsJsonArray().get(0).getAsJsonArray()).hasSize(4);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"inference", "pgd-step", "matmul"})
    void takesTheTimeOfWork(String row) throws IOException {
        ask("load", load(false));

        assertThat(run(row, false).get("seconds").getAsDouble()).isBetween(1e-6, 60.0);
    }

    @Test
    void aTrainingStepLearnsAndTellsTheLoss() throws IOException {
        ask("load", load(true));

        JsonObject before = ask("check", new Requests.Check(4));
        assertThat(lossOfStep(false)).isCloseTo(Math.log(10), within(0.1));
        assertThat(ask("check", new Requests.Check(4)).get("logits"))
                .isNotEqualTo(before.get("logits"));
    }

    private double lossOfStep(boolean regionLosses) {
        return run("sat-step", regionLosses)
                .getAsJsonObject("result")
                .get("loss")
                .getAsDouble();
    }

    @Test
    void regionLossesChangeTheLossOfATrainingStep() throws IOException {
        Requests.Load load = load(true);
        double[] first = new double[3];
        for (int i = 0; i < first.length; i++) {
            ask("load", load);
            first[i] = lossOfStep(i == 1);
        }

        assertThat(first[1]).isNotEqualTo(first[0]);
        assertThat(first[2]).as("the same weights again").isEqualTo(first[0]);
    }

    /** How many images the network sees while a row runs with batches of 4. */
    private long passes(Requests.Load load, String row, float epsilon, boolean regionLosses)
            throws Exception {
        AtomicLong passes = new AtomicLong();
        try (Subject subject = new Subject(load, Device.cpu())) {
            subject.network()
                    .getBlocks()
                    .get(0)
                    .replaceFeedForward(
                            block -> new SequentialBlock()
                                    .add(tokens -> {
                                        passes.addAndGet(tokens.head().size(0));
                                        return tokens;
                                    })
                                    .add(block),
                            load.network().remoe() != null);
            Requests.Run run =
                    new Requests.Run(row, 4, IMAGES, 1, epsilon, regionLosses, null, null);
            Work.run(subject, run);
            // Only the first time, DJL runs new blocks to learn their shapes.
            passes.set(0);
            Work.run(subject, run);
        }
        return passes.get();
    }

    @Test
    void aTrainingStepHasTenStepsOfItsAttack() throws Exception {
        assertThat(passes(load(false), "pgd-step", 0, false)).isEqualTo(4);
        assertThat(passes(load(false), "sat-step", 0, false)).isEqualTo((10 + 1) * 4);
        assertThat(passes(load(true), "sat-step", 0, true))
                .as("region losses compare two passes")
                .isEqualTo((10 + 2) * 4);
    }

    @Test
    void anEvaluationHasTwentyStepsOfItsAttackUntilAnImageBreaks() throws Exception {
        Requests.Load load = load(false, true);
        // Of an image that holds: as it is, for the evaluator and for the attack; 20 steps; and the
        // last point, for both again.
        assertThat(passes(load, "evaluation", 1e-7f, false)).isEqualTo((2 + 20 + 2) * IMAGES);
        assertThat(passes(load, "evaluation", 0.5f, false)).isLessThan(12 * IMAGES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"evaluation", "autoattack"})
    void evaluationsTellTheAccuracies(String row) throws IOException {
        ask("load", load(false));

        JsonObject result = run(row, false).getAsJsonObject("result");
        double clean = result.get("cleanAccuracy").getAsDouble();
        assertThat(clean * IMAGES).isEqualTo(Math.rint(clean * IMAGES));
        assertThat(result.get("robustAccuracy").getAsDouble()).isBetween(0.0, clean);
    }

    @Test
    void readsAnEpochOfCifar() throws IOException {
        ask("load", load(false));
        BenchPlan plan = new BenchPlan(
                List.of(BenchModel.of("micro")), List.of(), 1, 1, "cpu", null, null, 0);
        assertThat(BenchInputs.cifar(plan, folder, 3)).isEqualTo(folder);
        assertThat(Files.size(folder.resolve("data_batch_5.bin"))).isEqualTo(3 * 3073);

        assertThat(run("data", false).getAsJsonObject("result").get("images").getAsInt())
                .isEqualTo(15);
    }

    @Test
    void answersWithAnErrorAndGoesOn() throws IOException {
        assertThat(run("inference", false).get("error").getAsString())
                .isEqualTo("Nothing is loaded yet: ask to load first.");
        assertThat(ask("dance", Map.of()).get("error").getAsString())
                .startsWith("Unknown request 'dance'");
        ask("load", load(false));
        assertThat(run("luck", false).get("error").getAsString()).startsWith("Unknown row 'luck'");
        assertThat(ask("check", new Requests.Check(9)).get("error").getAsString())
                .isEqualTo("The inputs hold 8 images, but 9 are asked for: write them anew.");
        assertThat(run("inference", false).has("seconds")).isTrue();
    }

    @Test
    void tellsItsMemory() {
        JsonObject memory = ask("memory", Map.of());
        assertThat(memory.keySet()).containsExactly("peakBytes");
    }
}
