package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.tracker.Tracker;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.attack.Attack;
import io.github.remoe.loss.RegionLosses;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.Map;

/** Twenty steps against PyTorch and timm; {@code src/test/python/schemes.py} made the numbers. */
class SchemeGoldenTest {

    private static final JsonObject FILE = Golden.read("schemes");
    private static final double TOLERANCE = 1e-5;
    private static final RegionLosses NONE = RegionLosses.NONE;

    private NDManager manager;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.input(manager, DataType.FLOAT32, FILE, "images");
        labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static float setting(String name) {
        return FILE.get(name).getAsFloat();
    }

    private static Block linear(String name, Map<String, Parameter> parameters) {
        Shape bias = Golden.shape(
                FILE.getAsJsonObject("inputs").getAsJsonObject(name + ".bias").get("shape"));
        Block linear = Linear.builder().setUnits(bias.get(0)).build();
        linear.getDirectParameters().forEach(p -> {
            String full = name + "." + p.getKey();
            p.getValue().setInitializer((m, shape, type) -> Golden.input(m, type, FILE, full));
            parameters.put(full, p.getValue());
        });
        return linear;
    }

    /** How a step's batch comes about. */
    @FunctionalInterface
    private interface Batches {
        Mixup.Mixed batch(JsonObject step);
    }

    private void assertTrainsAsTorch(String name, TrainingScheme scheme, Batches batches) {
        Map<String, Parameter> parameters = new LinkedHashMap<>();
        Block network = new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(linear("first", parameters))
                .add(Activation::tanh)
                .add(linear("second", parameters));
        JsonArray steps = FILE.getAsJsonObject(name).getAsJsonArray("steps");
        try (Model model = Model.newInstance("golden")) {
            model.setBlock(network);
            try (Trainer trainer = model.newTrainer(new DefaultTrainingConfig(scheme.getLoss())
                    .optOptimizer(TorchSgd.builder()
                            .setLearningRateTracker(Tracker.fixed(setting("lr")))
                            .optMomentum(setting("momentum"))
                            .build()))) {
                trainer.initialize(images.getShape());
                for (int i = 0; i < steps.size(); i++) {
                    JsonObject step = steps.get(i).getAsJsonObject();
                    Mixup.Mixed batch = batches.batch(step);
                    NDList inputs = scheme.inputs(
                            null, batch.images(), batch.labels(), new long[] {i, i, i, i, i, i});
                    assertThat(loss(trainer, inputs, batch.labels()))
                            .as("step %d", i)
                            .isCloseTo(step.get("loss").getAsDouble(), within(TOLERANCE));
                    trainer.step();
                }
            }
            JsonObject values = FILE.getAsJsonObject(name).getAsJsonObject("values");
            for (String parameter : values.keySet()) {
                Golden.assertGolden(
                        parameters.get(parameter).getArray(),
                        values.getAsJsonObject(parameter),
                        TOLERANCE);
            }
        }
        assertThat(steps).hasSize(20);
    }

    private static double loss(Trainer trainer, NDList inputs, NDArray labels) {
        try (GradientCollector collector = trainer.newGradientCollector()) {
            NDList predictions = new NDList();
            inputs.forEach(input -> predictions.addAll(trainer.forward(new NDList(input))));
            NDArray loss = trainer.getLoss().evaluate(new NDList(labels), predictions);
            collector.backward(loss);
            return loss.getFloat();
        }
    }

    /** The images plus noise by name: seeds are the number of the step. */
    private static Attack noise() {
        float epsilon = setting("epsilon");
        return (model, images, labels, seeds) -> Golden.initializer(
                        "noise " + seeds[0], -epsilon, epsilon)
                .initialize(images.getManager(), images.getShape(), DataType.FLOAT32)
                .add(images)
                .clip(0, 1);
    }

    @Test
    void tradesIsTorchs() {
        assertTrainsAsTorch(
                "trades",
                new Trades(noise(), setting("tradesBeta"), NONE),
                step -> new Mixup.Mixed(images, labels));
    }

    @Test
    void martIsTorchs() {
        assertTrainsAsTorch(
                "mart",
                new Mart(noise(), setting("martBeta"), NONE),
                step -> new Mixup.Mixed(images, labels));
    }

    @Test
    void mixupAndCutmixAreTimms() {
        Mixup mixup = new Mixup(
                setting("mixupAlpha"),
                setting("cutmixAlpha"),
                FILE.get("classes").getAsInt(),
                setting("smoothing"));
        assertTrainsAsTorch("mixup", new Nat(), step -> {
            double lambda = step.get("lambda").getAsDouble();
            if (!step.has("center")) {
                return mixup.mixup(images, labels, lambda);
            }
            JsonArray center = step.getAsJsonArray("center");
            return mixup.cutmix(
                    images,
                    labels,
                    Mixup.Box.around(
                            center.get(0).getAsInt(), center.get(1).getAsInt(), lambda, 8, 8));
        });
    }
}
