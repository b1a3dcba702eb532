package io.github.remoe.vit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PresetsTest {

    @ParameterizedTest
    @CsvSource({
        "deit_tiny_patch16_224, 224, 16, 192, 12, 3, 1",
        "deit_small_patch16_224, 224, 16, 384, 12, 6, 1",
        "vit_small_patch16_224, 224, 16, 384, 12, 6, 1",
        "deit_tiny_distilled_patch16_224, 224, 16, 192, 12, 3, 2",
        "deit_small_distilled_patch16_224, 224, 16, 384, 12, 6, 2",
        "deit_tiny_patch4_32, 32, 4, 192, 12, 3, 1",
        "deit_small_patch4_32, 32, 4, 384, 12, 6, 1",
        "vit_small_patch4_32, 32, 4, 384, 12, 6, 1",
        "vit_micro_patch4_32, 32, 4, 64, 6, 2, 1"
    })
    void namesHaveTheirSizes(
            String name, int image, int patch, int width, int depth, int heads, int prefixTokens) {
        VisionTransformer vit = Presets.builder(name).build();

        assertThat(Presets.names()).contains(name);
        assertThat(vit.getImageSize()).isEqualTo(image);
        assertThat(vit.getPatchSize()).isEqualTo(patch);
        assertThat(vit.getEmbedDim()).isEqualTo(width);
        assertThat(vit.getBlocks()).hasSize(depth);
        assertThat(vit.getNumHeads()).isEqualTo(heads);
        assertThat(vit.getPrefixTokens()).isEqualTo(prefixTokens);
        assertThat(vit.getNumClasses()).isEqualTo(1000);
    }

    @Test
    void namesAreSortedAndEachBuildsANetwork() {
        assertThat(Presets.names()).isSorted().hasSize(9);
        assertThat(Presets.names())
                .allSatisfy(name -> assertThat(Presets.builder(name).build()).isNotNull());
    }

    @Test
    void anUnknownNameIsToldTheKnownOnes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Presets.builder("deit_huge"))
                .withMessageStartingWith("Unknown model 'deit_huge'. Known models: deit_small_")
                .withMessageContaining("vit_small_patch4_32");
    }
}
