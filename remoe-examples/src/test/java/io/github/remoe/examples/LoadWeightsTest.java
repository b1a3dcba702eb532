package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

class LoadWeightsTest {

    @TempDir
    private Path temp;

    @Test
    void itSaysWhatBecameOfTheWeights() throws IOException {
        Path weights = temp.resolve("deit.safetensors");
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit = Presets.builder("deit_tiny_patch16_224").build();
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            SafeTensors.save(weights, TimmTensors.of(vit, manager), Map.of());
        }
        ByteArrayOutputStream printed = new ByteArrayOutputStream();

        LoadWeights.load(weights, temp.resolve("small.safetensors"), new PrintStream(printed));

        assertThat(Files.readString(Path.of("../docs/weights.md")))
                .contains(printed.toString(StandardCharsets.UTF_8).strip());
        assertThat(SafeTensors.loadMetadata(temp.resolve("small.safetensors")).get("network"))
                .contains("\"imageSize\": 32");
    }
}
