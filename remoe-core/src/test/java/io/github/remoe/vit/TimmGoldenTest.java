package io.github.remoe.vit;

import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.weights.TimmNames;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The networks against timm's, on weights that both make from timm's tensor names. */
class TimmGoldenTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "deit_tiny_patch16_224",
                "deit_tiny_distilled_patch16_224",
                "deit_small_patch16_224",
                "vit_small_patch16_224"
            })
    void presetsGiveTimmsLogits(String name) {
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit = Presets.builder(name).build();
            JsonObject file = Golden.read("timm_" + name);

            assertLogits(manager, vit, file);

            assertThat(parameters(vit)).isEqualTo(file.get("parameterCount").getAsLong());
        }
    }

    @Test
    void aNetworkForSmallImagesGivesTimmsLogits() {
        try (NDManager manager = NDManager.newBaseManager()) {
            assertLogits(manager, small(), Golden.read("timm_vit_tiny_patch4_32"));
        }
    }

    @Test
    void theClassTokenAttendsAsInTimm() {
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit = small();
            JsonObject file = Golden.read("timm_vit_tiny_patch4_32");
            // A feed-forward network that hands on the attention that it sees.
            EncoderBlock layer = vit.getBlocks().get(file.get("saliencyLayer").getAsInt());
            layer.replaceFeedForward(mlp -> new LambdaBlock(inputs -> inputs), true);
            fill(vit, file);
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

            NDList outputs = forward(vit, Golden.input(manager, DataType.FLOAT32, file, "image"));

            assertThat(outputs.get(1).getShape().getShape()).containsExactly(2, 3, 65, 65);
            NDArray classAttention = outputs.get(1).get(":, :, 0").mean(new int[] {1});
            Golden.assertGolden(classAttention, file.getAsJsonObject("classAttention"), 1e-4);
        }
    }

    private static VisionTransformer small() {
        return Presets.builder("deit_tiny_patch4_32")
                .optNumClasses(10)
                .optNormalization(new float[] {0.5f, 0.5f, 0.5f}, new float[] {0.5f, 0.5f, 0.5f})
                .build();
    }

    private static void assertLogits(NDManager manager, VisionTransformer vit, JsonObject file) {
        fill(vit, file);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

        NDArray logits = forward(vit, Golden.input(manager, DataType.FLOAT32, file, "image"))
                .head();

        double[] expected = file.getAsJsonObject("logits").getAsJsonArray("data").asList().stream()
                .mapToDouble(JsonElement::getAsDouble)
                .toArray();
        assertThat(Tensors.doubles(logits)).containsExactly(expected, within(1e-4));
    }

    // Has every parameter start with timm's numbers; each tensor of timm's must find its parameter.
    private static void fill(VisionTransformer vit, JsonObject file) {
        JsonObject shapes = file.getAsJsonObject("shapes");
        List<String> names = new ArrayList<>();
        for (Pair<String, Parameter> parameter : vit.getParameters()) {
            String name = TimmNames.of(parameter.getKey());
            names.add(name);
            JsonObject rule = rule(file, name);
            parameter.getValue().setInitializer((manager, shape, type) -> {
                assertThat(shape).as(name).isEqualTo(Golden.shape(shapes.get(name)));
                return Golden.initializer(
                                name,
                                rule.get("low").getAsDouble(),
                                rule.get("high").getAsDouble())
                        .initialize(manager, shape, type);
            });
        }
        assertThat(shapes.keySet()).containsAll(names);
    }

    private static JsonObject rule(JsonObject file, String name) {
        for (JsonElement rule : file.getAsJsonArray("rules")) {
            String pattern = rule.getAsJsonObject().get("pattern").getAsString();
            if (Pattern.compile(pattern).matcher(name).find()) {
                return rule.getAsJsonObject();
            }
        }
        throw new AssertionError("No rule for " + name);
    }

    private static long parameters(VisionTransformer vit) {
        return vit.getParameters().values().stream()
                .mapToLong(parameter -> parameter.getShape().size())
                .sum();
    }
}
