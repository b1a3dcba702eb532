package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.inference.NetworkConfig;
import io.github.remoe.moe.Gate;
import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** With networks that timm has made at random ({@code src/test/python/pretrained.py}). */
class PretrainedTest {

    private static final JsonObject GOLDEN = Golden.read("pretrained");

    @TempDir
    private Path temp;

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static Path timms(String kind) throws URISyntaxException {
        return Path.of(PretrainedTest.class
                .getResource("/golden/pretrained_" + kind + ".safetensors")
                .toURI());
    }

    private static VisionTransformer.Builder small() {
        return VisionTransformer.builder()
                .optEmbedDim(12)
                .optDepth(2)
                .optNumHeads(2)
                .optNumClasses(5)
                .optImageSize(32)
                .optPatchSize(4);
    }

    private static VisionTransformer.Builder large() {
        return small().optImageSize(224).optPatchSize(16);
    }

    private VisionTransformer initialized(VisionTransformer vit) {
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    private VisionTransformer withReMoE(ReMoE.Builder remoe) {
        VisionTransformer vit = small().build();
        remoe.optLayers(2).build().insertInto(vit);
        return initialized(vit);
    }

    private double[] logits(VisionTransformer vit) {
        String image = vit.getImageSize() == 224 ? "large" : "image";
        return Tensors.doubles(
                Tensors.forward(vit, Golden.input(manager, DataType.FLOAT32, GOLDEN, image))
                        .head());
    }

    private static double[] golden(String kind, String size) {
        JsonObject packed =
                GOLDEN.getAsJsonObject("logits").getAsJsonObject(kind).getAsJsonObject(size);
        return packed.getAsJsonArray("data").asList().stream()
                .mapToDouble(JsonElement::getAsDouble)
                .toArray();
    }

    private static LoadReport load(VisionTransformer vit, Path file) throws IOException {
        return Pretrained.builder().build().load(vit, file);
    }

    /** timm's file with some change. */
    private Path changed(Consumer<NDList> change) throws Exception {
        NDList arrays = SafeTensors.load(timms("plain"), manager);
        change.accept(arrays);
        Path file = temp.resolve("changed.safetensors");
        SafeTensors.save(file, arrays, Map.of());
        return file;
    }

    private static NDArray named(NDArray array, String name) {
        array.setName(name);
        return array;
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "distilled"})
    void timmsWeightsGiveTimmsLogits(String kind) throws Exception {
        boolean distilled = kind.equals("distilled");
        VisionTransformer vit =
                initialized(large().optDistillationToken(distilled).build());

        LoadReport report = load(vit, timms(kind));

        assertThat(logits(vit)).containsExactly(golden(kind, "224"), within(2e-6));
        assertThat(report.loaded()).hasSize(distilled ? 35 : 32).contains("blocks.1.mlp.fc2.bias");
        assertThat(report.resized()).isEmpty();
        assertThat(report.fresh()).isEmpty();
        assertThat(report.ignored()).isEmpty();
        assertThat(report.summary())
                .containsExactly((distilled ? 35 : 32) + " tensors loaded from pretrained_" + kind
                        + ".safetensors");
    }

    @ParameterizedTest
    @CsvSource({
        "plain, PSEUDO_INVERSE",
        "plain, BICUBIC",
        "distilled, PSEUDO_INVERSE",
        "distilled, BICUBIC"
    })
    void resizedWeightsGiveTimmsLogits(String kind, PatchResize patches) throws Exception {
        VisionTransformer vit = initialized(
                small().optDistillationToken(kind.equals("distilled")).build());

        LoadReport report =
                Pretrained.builder().optPatchResize(patches).build().load(vit, timms(kind));

        String how = patches == PatchResize.BICUBIC ? "bicubic" : "pseudo-inverse";
        assertThat(logits(vit)).containsExactly(golden(kind, "32 " + how), within(5e-6));
        assertThat(report.resized()).hasSize(2);
        assertThat(report.summary().get(1))
                .contains("patch_embed.proj.weight from [12, 3, 16, 16] to [12, 3, 4, 4]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "distilled"})
    void whatIsExportedIsWhatTimmWrote(String kind) throws Exception {
        VisionTransformer vit = initialized(
                large().optDistillationToken(kind.equals("distilled")).build());
        load(vit, timms(kind));

        NDList exported = TimmTensors.of(vit, manager);

        NDList written = SafeTensors.load(timms(kind), manager);
        assertThat(exported.stream().map(NDArray::getName))
                .containsExactlyInAnyOrderElementsOf(
                        written.stream().map(NDArray::getName).toList());
        for (NDArray array : written) {
            assertThat(exported.get(array.getName()))
                    .as(array.getName())
                    .isEqualTo(array.toType(DataType.FLOAT32, false));
        }
    }

    @Test
    void thePlainNetworksFeedForwardBecomesTheGlobalExpert() throws Exception {
        VisionTransformer vit = withReMoE(ReMoE.builder());

        LoadReport report = load(vit, timms("plain"));

        assertThat(logits(vit)).containsExactly(golden("plain", "32 pseudo-inverse"), within(5e-6));
        assertThat(report.loaded()).contains("blocks.1.mlp.global_expert.fc1.weight");
        assertThat(report.summary().get(2))
                .isEqualTo("new: blocks.1.mlp.center_expert, blocks.1.mlp.regional_experts");
    }

    @Test
    void withoutAGlobalExpertItIsIgnored() throws Exception {
        VisionTransformer vit = withReMoE(ReMoE.builder().optGlobalExpert(false));

        LoadReport report = load(vit, timms("plain"));

        assertThat(report.ignored())
                .containsExactlyInAnyOrder(
                        "blocks.1.mlp.fc1.weight",
                        "blocks.1.mlp.fc1.bias",
                        "blocks.1.mlp.fc2.weight",
                        "blocks.1.mlp.fc2.bias");
        assertThat(report.summary()).contains("ignored: blocks.1.mlp");
    }

    @Test
    void aHeadForOtherClassesIsReplaced() throws Exception {
        VisionTransformer vit =
                initialized(small().optNumClasses(3).optDistillationToken(true).build());
        NDArray head = TimmTensors.of(vit, manager).get("head.weight");

        LoadReport report = load(vit, timms("distilled"));

        List<String> heads =
                List.of("head.weight", "head.bias", "head_dist.weight", "head_dist.bias");
        assertThat(report.fresh()).containsExactlyElementsOf(heads);
        assertThat(report.ignored()).containsExactlyElementsOf(heads);
        assertThat(TimmTensors.of(vit, manager).get("head.weight")).isEqualTo(head);
        assertThat(report.summary()).contains("new: head, head_dist", "ignored: head, head_dist");
    }

    @Test
    void aFileWithoutAHeadLeavesTheNetworks() throws Exception {
        VisionTransformer vit = initialized(large().build());

        LoadReport report =
                load(vit, changed(arrays -> arrays.removeIf(a -> a.getName().startsWith("head."))));

        assertThat(report.fresh()).containsExactly("head.weight", "head.bias");
        assertThat(report.ignored()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"AEA", "MLP"})
    void aReMoENetworkComesBack(GateType gate) throws Exception {
        VisionTransformer trained = withReMoE(ReMoE.builder().optGate(gate));
        trained.getParameters().forEach(parameter -> {
            NDArray array = parameter.getValue().getArray();
            NDArray noise = Golden.tensor(
                    manager,
                    DataType.FLOAT32,
                    parameter.getKey(),
                    array.getShape().getShape());
            array.stopGradient().addi(noise.mul(0.1f));
        });
        Path file = temp.resolve("remoe.safetensors");
        SafeTensors.save(file, TimmTensors.of(trained, manager), Map.of());
        VisionTransformer vit = withReMoE(ReMoE.builder().optGate(gate));

        LoadReport report = load(vit, file);

        assertThat(logits(vit)).isEqualTo(logits(trained));
        assertThat(report.fresh()).isEmpty();
        assertThat(report.loaded()).hasSize(vit.getParameters().size());
    }

    @Test
    void expertsHaveTheAxesOfTorchLinears() {
        VisionTransformer vit = withReMoE(ReMoE.builder().optGate(GateType.MLP));

        NDList arrays = TimmTensors.of(vit, manager);

        // 12 wide, round(0.36 x 12) = 4 in the middle, 4 regions.
        assertThat(shape(arrays, "gate.fc1.weight")).containsExactly(4, 12);
        assertThat(shape(arrays, "gate.fc2.bias")).containsExactly(1);
        assertThat(shape(arrays, "center_expert.fc1.weight")).containsExactly(4, 12);
        assertThat(shape(arrays, "center_expert.fc2.weight")).containsExactly(12, 4);
        assertThat(shape(arrays, "center_expert.fc1.bias")).containsExactly(4);
        assertThat(shape(arrays, "regional_experts.fc1.weight")).containsExactly(4, 4, 12);
        assertThat(shape(arrays, "regional_experts.fc2.weight")).containsExactly(4, 12, 4);
        assertThat(shape(arrays, "regional_experts.fc2.bias")).containsExactly(4, 12);
        NDArray own = vit.getParameters()
                .get("03block_04mlp_04regionalExperts_weight1")
                .getArray();
        assertThat(arrays.get("blocks.1.mlp.regional_experts.fc1.weight").getFloat(3, 1, 7))
                .isEqualTo(own.getFloat(3, 7, 1));
    }

    private static long[] shape(NDList arrays, String name) {
        return arrays.get("blocks.1.mlp." + name).getShape().getShape();
    }

    @Test
    void aNetworkOfPooledPatchesHasTimmsOtherNameOfTheLastNorm() {
        VisionTransformer vit = initialized(small().optClassToken(false).build());

        assertThat(TimmTensors.of(vit, manager).stream().map(NDArray::getName))
                .contains("fc_norm.weight", "fc_norm.bias", "blocks.0.norm1.weight")
                .doesNotContain("norm.weight", "cls_token");
    }

    @Test
    void anOblongGridIsReadAsOne() throws Exception {
        // 4 x 16 patches are as many as 8 x 8.
        Path file = changed(arrays -> {
            NDArray positions = arrays.get("pos_embed");
            arrays.remove(positions);
            arrays.add(named(positions.get(":, :65").duplicate(), "pos_embed"));
        });
        VisionTransformer square = initialized(small().build());
        VisionTransformer oblong = initialized(small().build());

        LoadReport loaded = load(square, file);
        LoadReport resized = Pretrained.builder().optGrid(4, 16).build().load(oblong, file);

        assertThat(loaded.loaded()).contains("pos_embed");
        assertThat(resized.resized().get(0).name()).isEqualTo("pos_embed");
        assertThat(logits(oblong)).isNotEqualTo(logits(square));
    }

    @Test
    void aFolderTellsTheGridAndThePixels() throws Exception {
        NDList arrays = SafeTensors.load(timms("plain"), manager);
        SafeTensors.saveSharded(temp, arrays, Map.of("format", "pt"), 20_000);
        Files.writeString(
                temp.resolve("config.json"),
                "{\"architecture\": \"vit\", \"pretrained_cfg\": {\"input_size\": [3, 112, 448],"
                        + " \"mean\": [0.5, 0.5, 0.5], \"std\": [0.5, 0.5, 0.5]}}");
        VisionTransformer vit = initialized(large().build());

        LoadReport report = load(vit, temp);

        assertThat(report.files()).hasSizeGreaterThan(2);
        assertThat(report.files().values()).allMatch(sum -> sum.matches("[0-9a-f]{64}"));
        // 7 x 28 patches are as many as 14 x 14.
        assertThat(report.resized()).hasSize(1);
        assertThat(report.warnings()).hasSize(1);
        assertThat(report.warnings().get(0)).contains("mean [0.5, 0.5, 0.5]");
    }

    @Test
    void theReportHasTheChecksumOfEachFile() throws Exception {
        SafeTensors.saveSharded(temp, SafeTensors.load(timms("plain"), manager), Map.of(), 20_000);

        LoadReport report = load(initialized(large().build()), temp);

        assertThat(report.files()).hasSize(3);
        for (Map.Entry<String, String> file : report.files().entrySet()) {
            byte[] bytes = Files.readAllBytes(temp.resolve(file.getKey()));
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(bytes);
            assertThat(file.getValue()).isEqualTo(HexFormat.of().formatHex(sum));
        }
    }

    @Test
    void aNetworkThatIsNoneIsRefused() throws Exception {
        String network = NetworkConfig.of(large().build()).toJson();
        for (String json : List.of(
                "",
                "null",
                "[",
                "{\"remoe\":[]}",
                network.replace("\"version\": 1", "\"version\": 2"),
                network.replace("0.485,", "0.485, 1, 1, 1,"))) {
            Path file = temp.resolve("network.safetensors");
            SafeTensors.save(
                    file, SafeTensors.load(timms("plain"), manager), Map.of("network", json));

            assertRefused(initialized(large().build()), file, "the metadata of", "Export");
        }
    }

    /** Each makes a parser take many times its own bytes. */
    @ParameterizedTest
    @ValueSource(strings = {"{\"layers\":[]},", "[", "[],", "{\"remoe\":["})
    void whatAFileTellsOfItsNetworkIsParsedOnlyIfItIsShort(String again) throws Exception {
        String much = "{\"remoe\":[" + again.repeat(2_000_000 / again.length());
        Path file = temp.resolve("network.safetensors");
        SafeTensors.save(file, SafeTensors.load(timms("plain"), manager), Map.of("network", much));
        Path folder = Files.createDirectory(temp.resolve("folder"));
        SafeTensors.saveSharded(
                folder, SafeTensors.load(timms("plain"), manager), Map.of(), 1000000);
        Files.writeString(folder.resolve("config.json"), much);
        VisionTransformer vit = initialized(large().build());
        for (Path weights : List.of(file, folder)) {
            long allocated = Allocated.bytes(() -> assertThatIOException()
                    .isThrownBy(() -> load(vit, weights))
                    .withMessageMatching(
                            "(?s).* has \\d+ (letters|bytes), expected are at most \\d+.*"));

            assertThat(allocated).isLessThan(8 * 2_000_000);
        }
    }

    @Test
    void aConfigWithinItselfIsRefused() throws Exception {
        SafeTensors.saveSharded(
                temp, SafeTensors.load(timms("plain"), manager), Map.of(), Long.MAX_VALUE);
        Files.writeString(temp.resolve("config.json"), "{\"pretrained_cfg\":".repeat(50_000));

        assertThatIOException()
                .isThrownBy(() -> load(initialized(large().build()), temp))
                .withMessageContaining("config.json");
    }

    @Test
    void aGridHasRowsAndColumns() {
        for (int[] grid : new int[][] {{0, 14}, {14, 0}, {-1, -1}}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Pretrained.builder().optGrid(grid[0], grid[1]))
                    .withMessageContaining(grid[0] + " x " + grid[1]);
        }
        assertThatNullPointerException()
                .isThrownBy(() -> Pretrained.builder().optPatchResize(null))
                .withMessage("patchResize");
    }

    @Test
    void manyLongNamesAreRefusedAtOnce() throws Exception {
        Path file = temp.resolve("names.safetensors");
        NDList arrays = SafeTensors.load(timms("plain"), manager);
        try (NDManager names = manager.newSubManager()) {
            for (int i = 0; i < 9_900; i++) {
                arrays.add(named(names.zeros(new Shape(0)), "x".repeat(895) + i));
            }
            SafeTensors.save(file, arrays, Map.of());
        }
        VisionTransformer vit = initialized(large().build());
        long start = System.nanoTime();

        assertThatIOException()
                .isThrownBy(() -> load(vit, file))
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(3_000))
                .withMessageContaining("unknown: and 9892 more");

        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(5));
    }

    @Test
    void aBrokenConfigIsNamed() throws Exception {
        SafeTensors.saveSharded(
                temp, SafeTensors.load(timms("plain"), manager), Map.of(), Long.MAX_VALUE);
        for (String json : List.of("{\"input_size\": 7}", "[", "7", "null", "")) {
            Files.writeString(temp.resolve("config.json"), json);

            assertThatIOException()
                    .as(json)
                    .isThrownBy(() -> load(initialized(large().build()), temp))
                    .withMessageContaining("config.json");
        }
    }

    @Test
    void doublesAreRead() throws Exception {
        VisionTransformer vit = initialized(large().build());

        load(
                vit,
                changed(arrays -> arrays.replaceAll(
                        a -> named(a.toType(DataType.FLOAT64, true), a.getName()))));

        assertThat(logits(vit)).containsExactly(golden("plain", "224"), within(2e-6));
    }

    private void assertRefused(VisionTransformer vit, Path file, String... reasons) {
        NDList before = TimmTensors.of(vit, manager);

        assertThatIOException()
                .isThrownBy(() -> load(vit, file))
                .withMessageContaining(file.toString())
                .satisfies(e -> assertThat(e.getMessage()).contains(reasons));

        NDList after = TimmTensors.of(vit, manager);
        for (int i = 0; i < before.size(); i++) {
            assertThat(after.get(i)).isEqualTo(before.get(i));
        }
    }

    @Test
    void whatIsUnexplainedIsNamedAndTheNetworkUnchanged() throws Exception {
        Path file = changed(arrays -> {
            arrays.get("blocks.0.mlp.fc1.weight").setName("blocks.0.mlp.fc3.weight");
            arrays.remove(arrays.get("cls_token"));
            arrays.add(named(manager.ones(new Shape(12)), "blocks.0.ls1.gamma"));
            NDArray norm = arrays.get("norm.weight");
            arrays.remove(norm);
            arrays.add(named(manager.ones(new Shape(13)), "norm.weight"));
        });

        assertRefused(
                initialized(large().build()),
                file,
                "missing: cls_token",
                "missing: blocks.0.mlp.fc1.weight (nearest: blocks.0.mlp.fc3.weight)",
                "unknown: blocks.0.mlp.fc3.weight (nearest: blocks.0.mlp.fc1.weight)",
                "unknown: blocks.0.ls1.gamma (nearest: ",
                "other: norm.weight is (13), expected (12)");
    }

    @Test
    void aFileOfAnotherNetworkIsRefusedWithoutFillingTheScreen() throws Exception {
        VisionTransformer plain = initialized(large().build());
        VisionTransformer distilled =
                initialized(large().optDistillationToken(true).build());
        VisionTransformer deep = initialized(large().optDepth(6).build());

        assertRefused(
                plain,
                timms("distilled"),
                "unknown: dist_token",
                "other: pos_embed is (1, 198, 12)");
        assertRefused(distilled, timms("plain"), "missing: head_dist.bias");
        assertRefused(deep, timms("plain"), "missing: and 40 more");
    }

    @Test
    void aReMoEFileNeedsTheSameBlocks() throws Exception {
        Path file = temp.resolve("remoe.safetensors");
        VisionTransformer trained = withReMoE(ReMoE.builder().optRegions(2, 3));
        SafeTensors.save(
                file,
                TimmTensors.of(trained, manager),
                Map.of("network", NetworkConfig.of(trained).toJson()));

        load(withReMoE(ReMoE.builder().optRegions(2, 3)), file);
        assertRefused(
                withReMoE(ReMoE.builder().optRegions(3, 2)),
                file,
                "other: in layer 2 the weights are for rows 2 and columns 3, the network has rows 3 and"
                        + " columns 2");
        assertRefused(
                withReMoE(ReMoE.builder()
                        .optRegions(2, 3)
                        .optGate(GateType.UNIFORM)
                        .optTopK(1)
                        .optLambda1(5)
                        .optLambda2(-3)),
                file,
                "other: in layer 2 the weights are for gate AEA and topK 2 and lambda1 1.0 and lambda2"
                        + " 1.0, the network has gate UNIFORM and topK 1 and lambda1 5.0 and lambda2 -3.0");
        assertRefused(
                withReMoE(ReMoE.builder()), file, "regional_experts.fc1.weight is (6, 4, 12)");
        assertRefused(
                withReMoE(ReMoE.builder().optRegions(2, 3).optGate(GateType.MLP)),
                file,
                "missing: blocks.1.mlp.gate.fc1.weight");
        assertRefused(
                initialized(small().build()),
                file,
                "unknown: blocks.1.mlp.center_expert.fc1.weight");
        assertRefused(
                initialized(small().optDepth(3).optEmbedDim(20).build()),
                file,
                "The weights: width 12, 2 layers, ReMoE blocks; the network: width 20, 3 layers, no"
                        + " ReMoE blocks. Choose");
        VisionTransformer heads = small().optNumHeads(3).build();
        ReMoE.builder().optLayers(2).optRegions(2, 3).build().insertInto(heads);
        assertRefused(initialized(heads), file, "2 attention heads, the network has 3");
    }

    @Test
    void aGateOfOnesOwnDoesNotFitAnExportedFile() throws Exception {
        Path file = temp.resolve("remoe.safetensors");
        VisionTransformer trained = withReMoE(ReMoE.builder());
        SafeTensors.save(
                file,
                TimmTensors.of(trained, manager),
                Map.of("network", NetworkConfig.of(trained).toJson()));
        VisionTransformer vit = small().build();
        RegionGrid grid = ReMoE.builder().build().grid(vit);
        Gate own = new Gate(grid) {
            @Override
            protected NDList forwardInternal(
                    ParameterStore parameterStore,
                    NDList inputs,
                    boolean training,
                    PairList<String, Object> params) {
                throw new AssertionError("It is never run.");
            }
        };
        vit.getBlocks()
                .get(1)
                .replaceFeedForward(
                        feedForward -> ReMoEBlock.builder()
                                .setGrid(grid)
                                .optPrefixTokens(1)
                                .optGlobalExpert(feedForward)
                                .optGate(own)
                                .build(),
                        false);

        assertRefused(initialized(vit), file, "other: ", "is none of the gates that have a type");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void numbersThatAreNotFiniteAreRefused(float number) throws Exception {
        Path file =
                changed(arrays -> arrays.get("blocks.1.norm2.bias").set(new NDIndex("3"), number));

        assertRefused(
                initialized(large().build()), file, "'blocks.1.norm2.bias'", "holds " + number);
    }

    @Test
    void whatIsNoFloatingPointNumberIsRefused() throws Exception {
        Path file = changed(arrays -> {
            NDArray norm = arrays.get("norm.weight");
            arrays.remove(norm);
            arrays.add(named(norm.toType(DataType.INT32, true), "norm.weight"));
        });

        assertRefused(initialized(large().build()), file, "other: norm.weight is int32");
    }

    @Test
    void theNetworkIsInitialisedFirst() {
        assertThatIllegalStateException()
                .isThrownBy(() -> load(large().build(), timms("plain")))
                .withMessageContaining("Initialise");
    }
}
