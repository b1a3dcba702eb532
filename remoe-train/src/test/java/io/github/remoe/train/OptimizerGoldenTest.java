package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.tracker.Tracker;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Map;

/** Twenty steps against PyTorch; {@code src/test/python/optimizers.py} made the numbers. */
class OptimizerGoldenTest {

    private static final JsonObject FILE = Golden.read("optimizers");
    private static final double TOLERANCE = 1e-5;

    private NDManager manager;
    private ParameterBlock network;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        network = new ParameterBlock()
                .with("weight", Parameter.Type.WEIGHT, 3, 2)
                .with("bias", Parameter.Type.BIAS, 3)
                .with("gamma", Parameter.Type.GAMMA, 2)
                .with("token", Parameter.Type.OTHER, 1, 1, 2)
                .with("experts", Parameter.Type.BIAS, 2, 1, 3);
        network.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        network.initialize(manager, DataType.FLOAT32, new Shape(1));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static double[] numbers(JsonElement list) {
        return new Gson().fromJson(list, double[].class);
    }

    private static float setting(String settings, String name) {
        return FILE.getAsJsonObject(settings).get(name).getAsFloat();
    }

    private static Tracker schedule(String name) {
        int warmUp = FILE.get("warmUpSteps").getAsInt();
        if (name.startsWith("adamw")) {
            return new WarmUpCosine(
                    setting("adamwSettings", "lr"), warmUp, 20, setting("adamwSettings", "min_lr"));
        }
        int[] milestones = new Gson()
                .fromJson(FILE.getAsJsonObject("sgdSettings").get("milestones"), int[].class);
        return new WarmUpMilestones(
                setting("sgdSettings", "lr"), warmUp, setting("sgdSettings", "factor"), milestones);
    }

    private StatefulOptimizer optimizer(String name) {
        if (name.startsWith("adamw")) {
            TorchAdamW.Builder builder = TorchAdamW.builder()
                    .setLearningRateTracker(schedule(name))
                    .optWeightDecays(setting("adamwSettings", "weight_decay"));
            return name.endsWith("WeightsOnly")
                    ? builder.optDecayWeightsOnly(network).build()
                    : builder.build();
        }
        TorchSgd.Builder builder = TorchSgd.builder()
                .setLearningRateTracker(schedule(name))
                .optMomentum(setting("sgdSettings", "momentum"))
                .optWeightDecays(setting("sgdSettings", "weight_decay"));
        return name.endsWith("WeightsOnly")
                ? builder.optDecayWeightsOnly(network).build()
                : builder.build();
    }

    /** Half the sum of c (p - goal)^2 over all parameters. */
    private NDArray loss() {
        NDList terms = new NDList();
        network.getParameters().forEach(p -> {
            NDArray c = Golden.input(manager, DataType.FLOAT32, FILE, p.getKey() + ".c");
            NDArray goal = Golden.input(manager, DataType.FLOAT32, FILE, p.getKey() + ".goal");
            NDArray difference = p.getValue().getArray().sub(goal);
            terms.add(difference.square().mul(c.div(2)).sum());
        });
        return NDArrays.stack(terms).sum();
    }

    private void assertValues(String description, JsonObject expected) {
        network.getParameters()
                .forEach(p -> assertThat(Tensors.doubles(p.getValue().getArray()))
                        .as("%s of %s", p.getKey(), description)
                        .containsExactly(numbers(expected.get(p.getKey())), within(TOLERANCE)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sgd", "sgdWeightsOnly", "adamw", "adamwWeightsOnly"})
    void stepsStateAndAveragesAreTorchs(String name) {
        StatefulOptimizer optimizer = optimizer(name);
        Tracker rates = schedule(name);
        float decay = FILE.get("emaDecay").getAsFloat();
        Map<String, WeightAverage> averages = Map.of(
                "ema", WeightAverage.exponential(network, decay, false),
                "warmEma", WeightAverage.exponential(network, decay, true),
                "swa", WeightAverage.equal(network));
        JsonObject run = FILE.getAsJsonObject(name);
        int number = 0;
        for (JsonElement element : run.getAsJsonArray("steps")) {
            JsonObject step = element.getAsJsonObject();
            number++;
            Tensors.backward(this::loss);
            float norm = GradientClipping.clipGlobalNorm(
                    network.getParameters().values(), FILE.get("maxNorm").getAsFloat());
            network.update(optimizer);
            averages.get("ema").update();
            averages.get("warmEma").update();
            if (number >= FILE.get("swaFrom").getAsInt()) {
                averages.get("swa").update();
            }

            assertThat((double) rates.getNewValue(number))
                    .isCloseTo(step.get("lr").getAsDouble(), within(1e-7));
            assertThat((double) norm)
                    .isCloseTo(step.get("gradientNorm").getAsDouble(), within(TOLERANCE));
            assertValues("step " + number, step.getAsJsonObject("values"));
        }
        assertThat(number).isEqualTo(20);
        averages.forEach((average, weights) -> {
            try (WeightAverage.Swap swap = weights.swap()) {
                assertValues(average, run.getAsJsonObject("averages").getAsJsonObject(average));
            }
        });

        NDList state = optimizer.getState(network, manager);
        JsonObject slots = run.getAsJsonObject("state");
        int checked = 0;
        for (String slot : slots.keySet()) {
            for (String parameter : slots.getAsJsonObject(slot).keySet()) {
                assertThat(Tensors.doubles(state.get("optimizer." + slot + "." + parameter)))
                        .as("%s of %s", slot, parameter)
                        .containsExactly(
                                numbers(slots.getAsJsonObject(slot).get(parameter)),
                                within(TOLERANCE));
                checked++;
            }
        }
        // Beside the moments, the number of updates.
        assertThat(state).hasSize(checked + 1);
        assertThat(state.get("optimizer.updates").toLongArray())
                .containsOnly(20)
                .hasSize(5);
    }
}
