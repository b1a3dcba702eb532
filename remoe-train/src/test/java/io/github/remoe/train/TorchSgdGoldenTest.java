package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.Test;

import java.util.List;

/** Twelve steps against PyTorch's SGD; {@code src/test/python/sgd.py} made the numbers. */
class TorchSgdGoldenTest {

    private static final JsonObject FILE = Golden.read("sgd");

    @Test
    void stepsWithWarmUpMilestoneAndClippingAreTorchs() {
        WarmUpMilestones rates = new WarmUpMilestones(
                FILE.get("baseLr").getAsFloat(),
                FILE.get("warmUpSteps").getAsInt(),
                0.1f,
                FILE.get("milestone").getAsInt());
        TorchSgd sgd = TorchSgd.builder()
                .setLearningRateTracker(rates)
                .optMomentum(FILE.get("momentum").getAsFloat())
                .optWeightDecays(FILE.get("weightDecay").getAsFloat())
                .build();
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray start = Golden.input(manager, DataType.FLOAT32, FILE, "w");
            NDArray halfOfC = Golden.input(manager, DataType.FLOAT32, FILE, "c").div(2);
            Parameter parameter = Parameter.builder()
                    .setName("w")
                    .setType(Parameter.Type.OTHER)
                    .optShape(start.getShape())
                    .build();
            Tensors.start(parameter, Tensors.doubles(start));
            parameter.initialize(manager, DataType.FLOAT32);
            NDArray w = parameter.getArray();

            int number = 0;
            for (JsonElement element : FILE.getAsJsonArray("steps")) {
                JsonObject step = element.getAsJsonObject();
                number++;
                Tensors.backward(() -> w.square().mul(halfOfC).sum());
                float norm = GradientClipping.clipGlobalNorm(
                        List.of(parameter), FILE.get("maxNorm").getAsFloat());
                sgd.update(parameter.getId(), w, w.getGradient());

                assertThat((double) rates.getNewValue(number))
                        .isCloseTo(step.get("lr").getAsDouble(), within(1e-7));
                assertThat((double) norm)
                        .isCloseTo(step.get("gradientNorm").getAsDouble(), within(1e-5));
                assertThat(Tensors.doubles(w))
                        .as("step %d", number)
                        .containsExactly(
                                new Gson().fromJson(step.get("w"), double[].class), within(1e-5));
            }
            assertThat(number).isEqualTo(12);
        }
    }
}
