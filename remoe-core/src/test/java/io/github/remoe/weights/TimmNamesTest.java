package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TimmNamesTest {

    // That timm knows every name of a plain network is what TimmGoldenTest sees.
    @ParameterizedTest
    @CsvSource({
        "clsToken, cls_token",
        "01patchEmbed_01proj_weight, patch_embed.proj.weight",
        "02block_01norm1_gamma, blocks.0.norm1.weight",
        "13block_04mlp_03Linear_bias, blocks.11.mlp.fc2.bias",
        "04block_04mlp_01globalExpert_01Linear_weight, blocks.2.mlp.global_expert.fc1.weight",
        "04block_04mlp_03centerExpert_weight1, blocks.2.mlp.center_expert.fc1.weight",
        "04block_04mlp_04regionalExperts_bias2, blocks.2.mlp.regional_experts.fc2.bias",
        "04block_04mlp_02gate_bias1, blocks.2.mlp.gate.fc1.bias",
        "15headDist_weight, head_dist.weight"
    })
    void namesAreTimms(String parameter, String timm) {
        assertThat(TimmNames.of(parameter)).isEqualTo(timm);
    }
}
