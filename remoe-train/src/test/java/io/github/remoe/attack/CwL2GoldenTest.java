package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Set;

/** CwL2 against foolbox; {@code src/test/python/carlini_wagner.py} made the numbers. */
class CwL2GoldenTest {

    private static final JsonObject FILE = Golden.read("carlini_wagner");

    static Set<String> attacks() {
        return FILE.getAsJsonObject("attacks").keySet();
    }

    private static CwL2 attack(JsonObject golden) {
        CwL2.Builder builder = CwL2.builder(ThreatModel.l2(100));
        golden.getAsJsonObject("settings").entrySet().forEach(setting -> {
            switch (setting.getKey()) {
                case "binary_search_steps" ->
                    builder.optBinarySearchSteps(setting.getValue().getAsInt());
                case "steps" -> builder.optSteps(setting.getValue().getAsInt());
                case "stepsize" -> builder.optStepSize(setting.getValue().getAsFloat());
                case "initial_const" ->
                    builder.optInitialConst(setting.getValue().getAsFloat());
                case "confidence" -> builder.optConfidence(setting.getValue().getAsFloat());
                case "abort_early" -> builder.optAbortEarly(setting.getValue().getAsBoolean());
                default -> throw new IllegalArgumentException(setting.getKey());
            }
        });
        if (golden.get("targeted").getAsBoolean()) {
            builder.optTarget((logits, labels, seeds) -> labels.add(1).mod(5));
        }
        return builder.build();
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void distancesAreFoolboxs(String name) {
        JsonObject golden = FILE.getAsJsonObject("attacks").getAsJsonObject(name);
        CwL2 attack = attack(golden);
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            NDArray images = Golden.input(manager, DataType.FLOAT32, FILE, "carlini-wagner");
            NDArray labels = model.predict(images).head().argMax(1);

            NDArray adversarial =
                    attack.perturb(model, images, labels, new long[(int) images.size(0)]);

            double[] distances =
                    Tensors.doubles(attack.threatModel().distance(adversarial, images));
            boolean[] broken =
                    model.predict(adversarial).head().argMax(1).neq(labels).toBooleanArray();
            JsonArray norms = golden.getAsJsonArray("norms");
            for (int i = 0; i < distances.length; i++) {
                assertThat(broken[i]).isNotEqualTo(norms.get(i).isJsonNull());
                double expected = norms.get(i).isJsonNull() ? 0 : norms.get(i).getAsDouble();
                assertThat(distances[i]).isCloseTo(expected, within(1e-3 * expected));
            }
        }
    }
}
