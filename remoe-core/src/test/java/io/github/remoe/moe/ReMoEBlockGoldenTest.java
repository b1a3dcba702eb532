package io.github.remoe.moe;

import static io.github.remoe.Tensors.backward;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;
import ai.djl.util.Pair;

import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

/** The block against the same block in plain PyTorch with a loop over the regions. */
class ReMoEBlockGoldenTest {

    private static final int FULL_WIDTH = 24;

    @ParameterizedTest
    @ValueSource(strings = {"remoe_dense", "remoe_top2", "remoe_uneven", "remoe_no_attention"})
    void float32ValuesAndGradientsAreThoseOfPyTorch(String name) {
        compare(Golden.read(name), DataType.FLOAT32, 1e-5);
    }

    @ParameterizedTest
    @ValueSource(strings = {"remoe_dense", "remoe_top2", "remoe_uneven", "remoe_no_attention"})
    void float64ValuesAndGradientsAreThoseOfPyTorch(String name) {
        // The golden numbers have 9 digits; lambdas are float32 numbers with 8.
        compare(Golden.read(name), DataType.FLOAT64, 5e-8);
    }

    private static void compare(JsonObject file, DataType type, double tolerance) {
        try (NDManager manager = NDManager.newBaseManager()) {
            ReMoEBlock block = block(file);
            block.getParameters().forEach(p -> start(p, file));
            NDList inputs = new NDList();
            for (String name : List.of("x", "attention")) {
                if (file.getAsJsonObject("inputs").has(name)) {
                    NDArray input = Golden.input(manager, type, file, name);
                    input.setRequiresGradient(true);
                    inputs.add(input);
                }
            }
            block.initialize(manager, type, inputs.getShapes());
            NDArray cotangent = Golden.input(manager, type, file, "cotangent");
            NDArray[] outputs = new NDArray[3];

            backward(() -> {
                NDList output = forward(block, inputs.toArray(new NDArray[0]));
                outputs[0] = output.get(0);
                outputs[1] = output.get(1);
                outputs[2] = block.route(output.get(1));
                return output.get(0).mul(cotangent).sum();
            });

            Golden.assertGolden(outputs[0], file.getAsJsonObject("Z"), tolerance);
            Golden.assertGolden(outputs[1], file.getAsJsonObject("W"), tolerance);
            Golden.assertGolden(outputs[2], file.getAsJsonObject("routed"), tolerance);

            JsonObject gradients = file.getAsJsonObject("gradients");
            Golden.assertGolden(
                    inputs.head().getGradient(), gradients.getAsJsonObject("x"), tolerance);
            if (inputs.size() > 1) {
                Golden.assertGolden(
                        inputs.get(1).getGradient(),
                        gradients.getAsJsonObject("attention"),
                        tolerance);
            }
            assertThat(gradients.size())
                    .isEqualTo(inputs.size() + block.getParameters().size());
            for (Pair<String, Parameter> parameter : block.getParameters()) {
                NDArray gradient = parameter.getValue().getArray().getGradient();
                String key = goldenName(parameter.getKey());
                Golden.assertGolden(
                        layout(key, gradient), gradients.getAsJsonObject(key), tolerance);
            }
        }
    }

    private static ReMoEBlock block(JsonObject file) {
        RegionGrid grid = new RegionGrid(
                file.get("rows").getAsInt(),
                file.get("cols").getAsInt(),
                file.get("gridRows").getAsInt(),
                file.get("gridCols").getAsInt());
        int dim = (int)
                Golden.shape(file.getAsJsonObject("inputs").getAsJsonObject("x").get("shape"))
                        .get(2);
        return ReMoEBlock.builder()
                .setGrid(grid)
                .optPrefixTokens(file.get("prefix").getAsInt())
                .optGlobalExpert(
                        new PointwiseFeedForwardBlock(List.of(FULL_WIDTH), dim, Activation::gelu))
                .optTopK(file.get("topK").getAsInt())
                .optLambda1(file.get("lambda1").getAsFloat())
                .optLambda2(file.get("lambda2").getAsFloat())
                .build();
    }

    private static void start(Pair<String, Parameter> parameter, JsonObject file) {
        String key = goldenName(parameter.getKey());
        Shape packed =
                Golden.shape(file.getAsJsonObject("inputs").getAsJsonObject(key).get("shape"));
        parameter
                .getValue()
                .setInitializer((manager, shape, type) -> layout(
                                key, Golden.input(manager, type, file, key).reshape(packed))
                        .reshape(shape));
    }

    // "03centerExpert_weight1" to "centre.fc1.weight"; the gate has no parameters.
    private static String goldenName(String name) {
        return name.replaceFirst("^\\d+globalExpert_", "global.")
                .replaceFirst("^\\d+centerExpert_", "centre.")
                .replaceFirst("^\\d+regionalExperts_", "regional.")
                .replaceFirst("01Linear_(.*)$", "fc1.$1")
                .replaceFirst("03Linear_(.*)$", "fc2.$1")
                .replaceFirst("(weight|bias)([12])$", "fc$2.$1");
    }

    // The file keeps the centre expert's weights as (out, in), the block as (1, in, out).
    private static NDArray layout(String key, NDArray array) {
        boolean centerWeight = key.startsWith("centre.") && key.endsWith(".weight");
        return centerWeight ? array.squeeze().transpose() : array;
    }
}
