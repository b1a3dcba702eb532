package io.github.remoe.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.nn.Block;
import ai.djl.nn.Blocks;

import io.github.remoe.ReMoE;
import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.regex.Pattern;

class NetworkConfigTest {

    /** A network in which no setting has its default. */
    private static VisionTransformer unusual() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(24)
                .optPatchSize(4)
                .optEmbedDim(20)
                .optDepth(4)
                .optNumHeads(2)
                .optMlpRatio(1.5f)
                .optDistillationToken(true)
                .optNumClasses(7)
                .optNormalization(new float[] {0.1f, 0.2f, 0.3f}, new float[] {0.4f, 0.5f, 0.6f})
                .optDropPathRate(0.1f)
                .build();
        ReMoE.builder()
                .optLayers(1, 3)
                .optRegions(2, 3)
                .optCenterRatio(0.7f)
                .optGate(GateType.MLP)
                .optTopK(5)
                .optCenterExpert(false)
                .optBottleneckRatio(0.25f)
                .optLambda1(0.5f)
                .optLambda2(2)
                .build()
                .insertInto(vit);
        ReMoE.builder().optLayers(4).optGlobalExpert(false).build().insertInto(vit);
        return vit;
    }

    @Test
    void everySettingComesBack() {
        NetworkConfig config = NetworkConfig.of(unusual());

        VisionTransformer again = NetworkConfig.fromJson(config.toJson()).createNetwork();

        assertThat(NetworkConfig.of(again)).isEqualTo(config);
        assertThat(config.remoe())
                .extracting(ReMoE::layers)
                .containsExactly(List.of(1, 3), List.of(4));
        ReMoEBlock block = (ReMoEBlock) again.getBlocks().get(2).getFeedForward();
        assertThat(block.getGrid().rows()).isEqualTo(2);
        assertThat(block.getGrid().columns()).isEqualTo(3);
        assertThat(block.getTopK()).isEqualTo(5);
        assertThat(block.getLambda2()).isEqualTo(2);
        assertThat(block.getCenterExpert()).isNull();
        assertThat(again.getBlocks().get(3).getDropPathRate()).isEqualTo(0.1f);
        assertThat(again.getBlocks().get(1).getFeedForward()).isNotInstanceOf(ReMoEBlock.class);
        assertThat(again.getMean()).containsExactly(0.1f, 0.2f, 0.3f);
    }

    @ParameterizedTest
    @ValueSource(strings = {"vit_micro_patch4_32", "deit_tiny_distilled_patch16_224"})
    void presetsComeBack(String name) {
        NetworkConfig config = NetworkConfig.of(Presets.builder(name).build());
        assertThat(NetworkConfig.fromJson(config.toJson())).isEqualTo(config);
        assertThat(config.remoe()).isEmpty();
    }

    @Test
    void networksWithPartsOfTheirOwnAreRefused() {
        VisionTransformer vit = VisionTransformer.builder()
                .optDepth(1)
                .optFeedForward(() -> (Block) Blocks.identityBlock())
                .build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NetworkConfig.of(vit))
                .withMessageContaining("BlockFactory of your own");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"depth\": 4|\"deep\": 4|lacks depth",
                "\"depth\": 4|\"depth\": 4, \"deep\": 4|has deep",
                "\"gate\": \"AEA\"|\"gates\": \"AEA\"|remoe lacks gate",
                "\"gate\": \"AEA\"|\"gate\": \"AEAE\"|gate must be one of AEA",
                "\"gate\": \"AEA\"|\"gate\": null|gate must be one of AEA",
                "\"depth\": 4|\"depth\": \"four\"|depth must be a number",
                "\"depth\": 4|\"depth\": null|depth must be a number",
                "\"classToken\": true|\"classToken\": 1|classToken must be true or false",
                "\"depth\": 4|\"depth\": 4.5|depth must be a whole number",
                "\"depth\": 4|\"depth\": 2000000000|depth must be at most 4096",
                "\"depth\": 4|\"depth\": -1|depth",
                "\"imageSize\": 24|\"imageSize\": 1000000000|imageSize must be at most",
                "\"imageSize\": 24|\"imageSize\": 25|not a multiple",
                "\"patchSize\": 4|\"patchSize\": 0|positive",
                "\"mlpRatio\": 1.5|\"mlpRatio\": NaN|mlpRatio",
                "\"version\": 1|\"version\": 2|reads version 1",
                "\"mean\": [|\"mean\": [ null,|hold null",
                "\"mean\": [|\"mean\": [ 0.5,|3 means",
                "\"layers\": [|\"layers\": [ null,|layers of a ReMoE block must name",
                "0.4,|0,|std above 0",
                "\"rows\": 3|\"rows\": 300|do not fit",
                "{|[|JSON object"
            })
    void whatIsWrongIsSaid(String good, String bad, String message) {
        String json = NetworkConfig.of(unusual()).toJson().replace("\"rows\": 2", "\"rows\": 3");
        assertThat(json).contains(good);
        String broken = bad.equals("[") ? "[]" : json.replaceFirst(Pattern.quote(good), bad);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NetworkConfig.fromJson(broken).createNetwork())
                .withMessageContaining(message);
    }

    @Property(tries = 300, shrinking = ShrinkingMode.OFF)
    void damagedTextIsRefused(
            @ForAll @IntRange(max = 2000) int place, @ForAll @IntRange(max = 127) int character) {
        String json = NetworkConfig.of(unusual()).toJson();
        int at = place % json.length();
        String cut = json.substring(0, at);
        assertThatIllegalArgumentException().isThrownBy(() -> NetworkConfig.fromJson(cut));
        String changed = cut + (char) character + json.substring(at + 1);
        try {
            NetworkConfig.fromJson(changed).createNetwork();
        } catch (IllegalArgumentException e) {
            assertThat(e).hasMessageNotContaining("Exception:");
        }
    }

    /** However deep a value is, the message is short, and there is one. */
    @ParameterizedTest
    @ValueSource(strings = {"depth", "classToken", "mean", "layers"})
    void nestedTextIsRefused(String name) {
        String nested = "[".repeat(200_000) + "]".repeat(200_000);
        String json = NetworkConfig.of(unusual())
                .toJson()
                .replaceFirst(
                        "\"" + name + "\": (\\[[^]]*]|[^,\n]+)", "\"" + name + "\": " + nested);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> NetworkConfig.fromJson(json))
                .satisfies(e -> assertThat(e.getMessage().length()).isLessThan(1_000));
    }
}
