package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Model;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;

import io.github.remoe.inference.NetworkConfig;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.LoadReport;
import io.github.remoe.weights.Pretrained;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

class ExportCommandTest {

    @TempDir
    private static Path runs;

    private static RunConfig config;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** A ReMoE network whose last weights are its best times two. */
    @BeforeAll
    static void createRun() throws IOException {
        config = RunConfig.defaults().with(Map.of("data", "synthetic", "remoe", true));
        RunFolder run = new RunFolder(runs.resolve("run"));
        run.create(
                config,
                new RunInfo(List.of("cat", "dog"), "tiny", "checksum", 8, "cpu()", Map.of()));
        VisionTransformer vit = config.createModel(2);
        try (Model model = Model.newInstance("random")) {
            vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
            model.setBlock(vit);
            run.saveModel(RunFolder.Weights.BEST, model, 1);
            vit.getParameters().forEach(p -> p.getValue().getArray().muli(2));
            run.saveModel(RunFolder.Weights.LAST, model, 2);
        }
    }

    private int export(String... options) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(Stream.concat(
                                Stream.of("export", "--run=" + runs.resolve("run")),
                                Stream.of(options))
                        .toArray(String[]::new));
    }

    private static float qkv(NDManager manager, Path file) throws IOException {
        return SafeTensors.load(file, manager).get("blocks.0.attn.qkv.weight").getFloat(0, 0);
    }

    @Test
    void theNetworkIsWrittenUnderTimmsNames() throws IOException {
        Path file = folder.resolve("model.safetensors");

        assertThat(export("--out=" + file)).as(err.toString()).isZero();

        assertThat(out.toString().trim())
                .isEqualTo(file + ": 96 tensors, the best weights of vit_micro_patch4_32");
        try (NDManager manager = NDManager.newBaseManager()) {
            NDList tensors = SafeTensors.load(file, manager);
            assertThat(tensors.stream().map(NDArray::getName))
                    .contains(
                            "pos_embed",
                            "blocks.0.mlp.fc1.weight",
                            "blocks.2.mlp.global_expert.fc1.weight",
                            "blocks.2.mlp.regional_experts.fc1.weight");
        }
        Map<String, String> metadata = SafeTensors.loadMetadata(file);
        assertThat(metadata)
                .containsEntry("format", "pt")
                .containsEntry("classes", "[\"cat\",\"dog\"]");
        assertThat(NetworkConfig.fromJson(metadata.get("network"))
                        .remoe()
                        .get(0)
                        .layers())
                .containsExactly(3, 5);
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        Path whole = folder.resolve("whole.safetensors");
        Path shards = folder.resolve("shards");
        assertThat(export("--out=" + whole)).isZero();
        assertThat(export("--out=" + shards, "--max-shard-size=500000")).isZero();

        assertThat(shards.resolve("model.safetensors.index.json")).exists();
        try (NDManager manager = NDManager.newBaseManager()) {
            for (Path path : List.of(whole, shards)) {
                VisionTransformer vit = config.createModel(2);
                vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

                LoadReport report = Pretrained.builder().build().load(vit, path);

                assertThat(report.loaded()).hasSize(96);
                NDArray qkv = TimmTensors.of(vit, manager).get("blocks.0.attn.qkv.weight");
                assertThat(qkv.getFloat(0, 0)).isEqualTo(qkv(manager, whole));
            }
        }
    }

    @Test
    void theWeightsAreTheBestUnlessOthersAreAskedFor() throws IOException {
        Path best = folder.resolve("best.safetensors");
        Path last = folder.resolve("last.safetensors");

        assertThat(export("--out=" + best)).isZero();
        assertThat(export("--out=" + last, "--weights=last")).isZero();
        assertThat(export("--out=" + folder.resolve("no"), "--weights=average")).isEqualTo(1);

        try (NDManager manager = NDManager.newBaseManager()) {
            assertThat(qkv(manager, last)).isEqualTo(2 * qkv(manager, best)).isNotZero();
        }
        assertThat(err.toString()).contains("no average-NNNN.params");
    }

    @Test
    void aFolderForDjlIsWritten() throws Exception {
        Path model = folder.resolve("model");

        assertThat(export("--format=djl", "--out=" + model)).as(err.toString()).isZero();

        Criteria<Image, Classifications> criteria = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(model)
                .build();
        try (ZooModel<Image, Classifications> loaded = criteria.loadModel()) {
            assertThat(((VisionTransformer) loaded.getBlock()).getNumClasses()).isEqualTo(2);
        }
        assertThat(export("--format=djl", "--out=" + model)).isEqualTo(1);
        assertThat(err.toString()).contains("is not empty");
    }

    @Test
    void wrongOptionsAreTold() throws IOException {
        Path model = folder.resolve("model");

        assertThat(export("--format=onnx", "--out=" + model)).isEqualTo(2);
        assertThat(export("--format=djl", "--max-shard-size=9", "--out=" + model))
                .isEqualTo(2);
        assertThat(export("--max-shard-size=0", "--out=" + model)).isEqualTo(2);

        assertThat(err.toString())
                .contains("expected one of [SAFETENSORS, DJL]", "takes a number of bytes from 1");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files).isEmpty();
        }
    }
}
