package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** The middle step of {@code src/test/python/pretrained_full.py}, which says how to run it. */
@EnabledIfSystemProperty(named = "remoe.weights", matches = ".+")
class PretrainedFullTest {

    @ParameterizedTest
    @CsvSource({
        "deit_tiny_patch16_224, 224, 16",
        "deit_tiny_patch16_224, 32, 4",
        "deit_tiny_distilled_patch16_224, 224, 16",
        "deit_tiny_distilled_patch16_224, 32, 4"
    })
    void logitsAndWeightsAreWritten(String name, int imageSize, int patchSize) throws IOException {
        Path folder = Path.of(System.getProperty("remoe.weights"));
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit = Presets.builder(name)
                    .optImageSize(imageSize)
                    .optPatchSize(patchSize)
                    .build();
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            Pretrained.builder().build().load(vit, folder.resolve(name + ".safetensors"));

            NDArray image = Golden.initializer("image", 0, 1)
                    .initialize(manager, vit.inputShape(2), DataType.FLOAT32);
            NDArray logits = Tensors.forward(vit, image).head();
            logits.setName("logits");
            String start = name + "-" + imageSize;
            SafeTensors.save(
                    folder.resolve(start + ".logits.safetensors"), new NDList(logits), Map.of());
            SafeTensors.save(
                    folder.resolve(start + ".export.safetensors"),
                    TimmTensors.of(vit, manager),
                    Map.of());
        }
    }
}
