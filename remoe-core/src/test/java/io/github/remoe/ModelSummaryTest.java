package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.moe.GateType;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;

class ModelSummaryTest {

    private static final String CIFAR = "deit_tiny_patch4_32";

    private static ModelSummary summary(VisionTransformer vit) {
        try (NDManager manager = NDManager.newBaseManager()) {
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            return ModelSummary.of(vit);
        }
    }

    private static ModelSummary summary(ReMoE remoe) {
        VisionTransformer vit = Presets.builder(CIFAR).optNumClasses(10).build();
        remoe.insertInto(vit);
        return summary(vit);
    }

    private static String millions(long number) {
        return String.format("%.2f", number / 1e6);
    }

    private static String billions(long number) {
        return String.format("%.2f", number / 1e9);
    }

    /*
     * D = 192, 64 patches and 65 tokens:
     * embedding    class token 192, positions 65 x 192 = 12480, 192 x 48 + 192 = 9408: 22080
     * norms        2 x 2 x 192 = 768
     * qkv          576 x 192 + 576 = 111168
     * projection   192 x 192 + 192 = 37056
     * FFN          768 x 192 + 768 + 192 x 768 + 192 = 295872
     * one layer    768 + 111168 + 37056 + 295872 = 444864
     * norm, head   2 x 192 + 10 x 192 + 10 = 2314
     * all          22080 + 12 x 444864 + 2314 = 5362762
     *
     * multiply-adds
     * embedding    64 x 9216 = 589824
     * weights      65 x (110592 + 36864 + 147456 + 147456) = 65 x 442368 = 28753920
     * attention    2 x 65 x 65 x 192 = 1622400
     * one layer    28753920 + 1622400 = 30376320
     * head         1920
     * all          589824 + 12 x 30376320 + 1920 = 365107584
     */
    @Test
    void thePlainCifarNetworkHas5Point36MillionParameters() {
        ModelSummary summary = summary(Presets.builder(CIFAR).optNumClasses(10).build());

        assertThat(summary.parameters()).isEqualTo(5_362_762);
        assertThat(summary.macs()).isEqualTo(365_107_584);
        assertThat(millions(summary.parameters())).isEqualTo("5.36");
        assertThat(billions(summary.macs())).isEqualTo("0.37");
        assertThat(summary.parts()).hasSize(14);
        assertThat(summary.parts().get(0))
                .isEqualTo(new ModelSummary.Part("embedding", 22_080, 589_824));
        assertThat(summary.parts().get(6))
                .isEqualTo(new ModelSummary.Part("layer 6", 444_864, 30_376_320));
        assertThat(summary.parts().get(13))
                .isEqualTo(new ModelSummary.Part("norm and head", 2_314, 1_920));
    }

    /*
     * Of 64 patches: 2 x 65 x 192 = 24960 for attention, 36864 for the projection and 294912 for the
     * feed-forward network.
     */
    @Test
    void thePatchesOfTheLastLayerAreNotRead() {
        VisionTransformer vit = Presets.builder(CIFAR).optNumClasses(10).build();
        summary(vit);
        assertThat(ModelSummary.unreadMacs(vit)).isEqualTo(64 * (24_960 + 36_864 + 294_912));

        VisionTransformer mixture = Presets.builder(CIFAR).optNumClasses(10).build();
        ReMoE.builder().optLayers(12).build().insertInto(mixture);
        summary(mixture);
        assertThat(ModelSummary.unreadMacs(mixture)).isZero();

        VisionTransformer mean =
                Presets.builder(CIFAR).optNumClasses(10).optClassToken(false).build();
        summary(mean);
        assertThat(ModelSummary.unreadMacs(mean)).isZero();
    }

    /*
     * h = round(0.36 x 192) = 69. One expert has 2 x 192 x 69 = 26496 weights and 69 + 192 = 261
     * biases, 26757 in all; a centre and 4 regional ones have 5 x 26757 = 133785.
     * 5362762 + 2 x 133785 = 5630332 parameters.
     * The centre has 4 x 4 patches: (16 + 64) x 26496 = 2119680 multiply-adds.
     * 365107584 + 2 x 2119680 = 369346944.
     */
    @Test
    void reMoEWithAttentionGivesThePapersCost() {
        ModelSummary summary = summary(ReMoE.builder().build());

        assertThat(summary.parameters()).isEqualTo(5_630_332);
        assertThat(summary.macs()).isEqualTo(369_346_944);
        assertThat(millions(summary.parameters())).isEqualTo("5.63");
        assertThat(billions(summary.macs())).isEqualTo("0.37");
        assertThat(summary.parts().get(6))
                .isEqualTo(new ModelSummary.Part("layer 6, ReMoE", 578_649, 32_496_000));
        assertThat(summary.parts().stream().map(ModelSummary.Part::name))
                .containsSubsequence("layer 6, ReMoE", "layer 7", "layer 10, ReMoE", "layer 11");
    }

    /*
     * The gate's MLP (192, 69, 1) has 192 x 69 + 69 = 13317 weights and 69 + 1 = 70 biases, 13387 in
     * all, and sees 4 regions: 5630332 + 2 x 13387 = 5657106 and 369346944 + 2 x 4 x 13317 = 369453480.
     */
    @Test
    void theMlpGateAddsItsOwn() {
        ModelSummary summary = summary(ReMoE.builder().optGate(GateType.MLP).build());

        assertThat(summary.parameters()).isEqualTo(5_657_106);
        assertThat(summary.macs()).isEqualTo(369_453_480);
        assertThat(millions(summary.parameters())).isEqualTo("5.66");
    }

    @Test
    void topKAndAUniformGateChangeNothing() {
        ModelSummary summary =
                summary(ReMoE.builder().optTopK(4).optGate(GateType.UNIFORM).build());

        assertThat(summary.parameters()).isEqualTo(5_630_332);
        assertThat(summary.macs()).isEqualTo(369_346_944);
    }

    @Test
    void expertsThatAreOffAreNotCounted() {
        // Layers 6 and 10 keep nothing but the 4 regional experts: 2 x (4 x 26757 - 295872) and
        // 2 x (64 x 26496 - 65 x 294912).
        ModelSummary summary = summary(
                ReMoE.builder().optGlobalExpert(false).optCenterExpert(false).build());

        assertThat(summary.parameters()).isEqualTo(5_362_762 + 2 * (107_028 - 295_872));
        assertThat(summary.macs()).isEqualTo(365_107_584 + 2 * (1_695_744 - 19_169_280));
    }

    @ParameterizedTest
    @CsvSource({
        "deit_tiny_patch16_224, 5717416",
        "deit_small_patch16_224, 22050664",
        "vit_small_patch16_224, 22050664",
        "deit_tiny_distilled_patch16_224, 5910800"
    })
    void presetsHaveAsManyParametersAsTimms(String name, long parameters) {
        assertThat(summary(Presets.builder(name).build()).parameters()).isEqualTo(parameters);
    }

    @Test
    void partsAddUpToTheWhole() {
        ModelSummary summary = summary(ReMoE.builder().optGate(GateType.MLP).build());
        List<ModelSummary.Part> parts = summary.parts();

        assertThat(parts.stream().mapToLong(ModelSummary.Part::parameters).sum())
                .isEqualTo(summary.parameters());
        assertThat(parts.stream().mapToLong(ModelSummary.Part::macs).sum())
                .isEqualTo(summary.macs());
    }

    @Test
    void bothHeadsOfADistilledNetworkCount() {
        List<ModelSummary.Part> parts = summary(
                        Presets.builder("deit_tiny_distilled_patch16_224").build())
                .parts();

        // 2 x 192 of the norm and 2 heads of 192 x 1000 weights and 1000 biases.
        assertThat(parts.get(13))
                .isEqualTo(new ModelSummary.Part("norm and head", 386_384, 384_000));
    }
}
