package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.LoadReport;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A network trained without ReMoE blocks, written, and read as the start of one with them. */
class PretrainedRunTest {

    @TempDir
    private static Path temp;

    private static Path weights;
    private static double[] logits;

    private static RunConfig natural(Map<String, Object> changes) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("scheme", "NAT");
        settings.put("samples", 64);
        settings.put("batchSize", 16);
        settings.put("epochs", 10);
        settings.put("milestones", List.of(100));
        settings.put("optimizer", "ADAMW");
        settings.put("learningRate", 0.001);
        settings.put("augment", "NONE");
        settings.put("remoe", false);
        settings.putAll(changes);
        return Configs.tiny().with(settings);
    }

    private static RunConfig remoe(Map<String, Object> changes) {
        RunConfig config = natural(Map.of("remoe", true, "epochs", 2));
        return config.with(changes);
    }

    private static TrainingRun run(RunConfig config, String name) throws IOException {
        return new TrainingRun(config, new RunFolder(temp.resolve(name)), Device.cpu());
    }

    private static double[] logits(Model model) {
        VisionTransformer vit = (VisionTransformer) model.getBlock();
        try (NDManager manager = NDManager.newBaseManager()) {
            return Tensors.doubles(Tensors.forward(
                            vit,
                            Golden.initializer("image", 0, 1)
                                    .initialize(manager, vit.inputShape(2), DataType.FLOAT32))
                    .head());
        }
    }

    @BeforeAll
    static void trainWithoutReMoE() throws Exception {
        weights = temp.resolve("plain.safetensors");
        try (Model model = run(natural(Map.of()), "plain").train()) {
            logits = logits(model);
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            SafeTensors.save(weights, TimmTensors.of(vit, model.getNDManager()), Map.of());
        }
    }

    private static double meanLoss(String name) throws IOException {
        return Files.readAllLines(temp.resolve(name).resolve("log.csv")).stream()
                .skip(1)
                .mapToDouble(line -> Double.parseDouble(line.split(",")[2]))
                .average()
                .orElseThrow();
    }

    @Test
    void theFirstStepsAreBetterThanFromRandomWeights() throws Exception {
        run(remoe(Map.of("pretrained", weights.toString())), "pretrained")
                .train()
                .close();
        run(remoe(Map.of()), "random").train().close();

        assertThat(meanLoss("pretrained")).isLessThan(meanLoss("random") - 0.2);
    }

    @Test
    void beforeTheFirstStepTheNetworkIsWhatItWas() throws Exception {
        TrainingRun run = run(remoe(Map.of("pretrained", weights.toString())), "untrained");
        run.stop();

        try (Model model = run.train()) {
            assertThat(logits(model)).containsExactly(logits, within(1e-5));
        }

        LoadReport report = new RunFolder(temp.resolve("untrained")).readInfo().pretrained();
        assertThat(report.files()).containsOnlyKeys("plain.safetensors");
        assertThat(report.loaded()).contains("blocks.2.mlp.global_expert.fc1.weight");
        assertThat(report.fresh()).contains("blocks.4.mlp.center_expert.fc2.bias");
        assertThat(report.resized()).isEmpty();
        assertThat(new RunFolder(temp.resolve("plain")).readInfo().pretrained()).isNull();
    }

    @Test
    void aRunGoesOnWithoutTheFile() throws Exception {
        Path file = Files.copy(weights, temp.resolve("lost.safetensors"));
        TrainingRun run = run(remoe(Map.of("pretrained", file.toString())), "resumed");
        run.stop();
        run.train().close();
        Files.delete(file);

        TrainingRun second =
                TrainingRun.resume(new RunFolder(temp.resolve("resumed")), Device.cpu());
        second.train().close();

        assertThat(second.isStopped()).isFalse();
        assertThat(meanLoss("resumed")).isLessThan(2.1);
    }

    @Test
    void weightsThatDoNotFitAreAnErrorBeforeAnythingIsWritten() throws Exception {
        RunConfig config = remoe(Map.of("pretrained", weights.toString()))
                .with(Map.of("model", "deit_tiny_patch4_32"));

        assertThatIOException()
                .isThrownBy(() -> run(config, "other").train())
                .withMessageContaining("plain.safetensors does not fit the network");
        assertThat(temp.resolve("other")).doesNotExist();
    }

    @Test
    void theFilesPathIsKeptWhole() throws Exception {
        Path relative = Path.of("").toAbsolutePath().relativize(weights.toAbsolutePath());
        TrainingRun run = run(remoe(Map.of("pretrained", relative.toString())), "relative");
        run.stop();
        run.train().close();

        assertThat(List.of(new RunFolder(temp.resolve("relative")).readConfig().pretrained()))
                .containsExactly(weights.toAbsolutePath().normalize().toString());
    }
}
