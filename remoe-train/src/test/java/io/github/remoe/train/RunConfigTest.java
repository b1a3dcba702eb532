package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;

import com.google.gson.Gson;

import io.github.remoe.loss.SatLoss;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RunConfigTest {

    private static RunConfig config(String name, double value) {
        return new Gson()
                .fromJson(Configs.json(json -> json.addProperty(name, value)), RunConfig.class);
    }

    @ParameterizedTest
    @CsvSource({
        "epochs, 0, epochs must be at least 1",
        "batchSize, 0, batchSize must be at least 1",
        "samples, -1, samples cannot be negative",
        "warmUpEpochs, 3, warmUpEpochs must be 0 to the 2 epochs",
        "warmUpEpochs, -1, warmUpEpochs must be 0 to the 2 epochs",
        "learningRate, 0, learningRate must be greater than 0",
        "learningRate, -0.1, learningRate must be greater than 0",
        "weightDecay, -1, weightDecay cannot be negative",
        "clipNorm, 0, clipNorm must be greater than 0"
    })
    void settingsOutOfRangeAreNamed(String name, double value, String message) {
        // Gson wraps what the constructor throws.
        assertThatThrownBy(() -> config(name, value)).rootCause().hasMessageContaining(message);
    }

    @Test
    void regionLossesNeedReMoEBlocksAndSat() {
        assertThatThrownBy(() -> new Gson()
                        .fromJson(Configs.json(json -> json.remove("remoe")), RunConfig.class))
                .rootCause()
                .hasMessageContaining("region losses need ReMoE blocks");
        assertThatThrownBy(() -> new Gson()
                        .fromJson(
                                Configs.json(json -> json.addProperty("scheme", "NAT")),
                                RunConfig.class))
                .rootCause()
                .hasMessageContaining("SAT");
    }

    @Test
    void theModelHasTheClassesAndTheBlocks() {
        RunConfig plain = new Gson()
                .fromJson(
                        Configs.json(json -> {
                            json.remove("remoe");
                            json.addProperty("regionLosses", false);
                        }),
                        RunConfig.class);

        assertThat(outputShapes(plain)).containsExactly(new Shape(3, 10));
        // Two blocks of 2 x 2 regions.
        assertThat(outputShapes(Configs.tiny()))
                .containsExactly(new Shape(3, 10), new Shape(3, 4), new Shape(3, 4));
    }

    private static Shape[] outputShapes(RunConfig config) {
        VisionTransformer vit = config.createModel();
        return vit.getOutputShapes(new Shape[] {vit.inputShape(3)});
    }

    @Test
    void theSchemeIsTheOneThatIsNamed() {
        TrainingScheme scheme = Configs.tiny().createScheme();

        assertThat(scheme).isInstanceOf(Sat.class);
        assertThat(scheme.getLoss()).isInstanceOf(SatLoss.class);
    }
}
