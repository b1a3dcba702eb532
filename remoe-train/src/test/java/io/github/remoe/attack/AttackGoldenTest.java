package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The gradient attacks against torchattacks; {@code src/test/python/attacks.py} made the numbers. */
class AttackGoldenTest {

    private static final JsonObject FILE = Golden.read("attacks");

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.input(manager, DataType.FLOAT32, FILE, "image");
        labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
        seeds = new Gson().fromJson(FILE.get("seeds"), long[].class);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void logitsLossesAndInputGradientsAreTorchs() {
        JsonObject clean = FILE.getAsJsonObject("clean");

        TargetModel.LossGradient result =
                model.gradient(images, out -> CrossEntropy.perImage(out.head(), labels));

        Golden.assertGolden(model.predict(images).head(), clean.getAsJsonObject("logits"), 1e-5);
        Golden.assertGolden(result.losses(), clean.getAsJsonObject("loss"), 1e-5);
        // The golden gradient is that of the mean over the 4 images.
        Golden.assertGolden(result.gradient().div(4), clean.getAsJsonObject("inputGradient"), 1e-5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "fgsm",
                "bim",
                "pgd5",
                "pgd20",
                "miFgsm",
                "rFgsm",
                "pgdL2",
                "targetedPgd",
                "targetedMiFgsm"
            })
    void adversarialImagesAreThoseOfTorchattacks(String name) {
        JsonObject golden = FILE.getAsJsonObject("attacks").getAsJsonObject(name);

        NDArray adversarial = attack(name, golden).perturb(model, images, labels, seeds);

        assertThat(Tensors.doubles(adversarial)).containsExactly(points(golden), within(1e-5));
        NDArray losses = CrossEntropy.perImage(model.predict(adversarial).head(), labels);
        Golden.assertGolden(losses, golden.getAsJsonObject("loss"), 1e-5);
    }

    /** Our attacks return the latest misclassified point, but the script found that to be the last. */
    @ParameterizedTest
    @ValueSource(strings = {"pgd5", "pgd20", "pgdL2", "targetedPgd"})
    void lastPointsAreThoseOfTorchattacks(String name) {
        JsonObject golden = FILE.getAsJsonObject("attacks").getAsJsonObject(name);

        NDArray adversarial =
                pgd(name, golden).optLastPoint(true).build().perturb(model, images, labels, seeds);

        assertThat(Tensors.doubles(adversarial)).containsExactly(points(golden), within(1e-5));
    }

    private static double[] points(JsonObject golden) {
        return new Gson()
                .fromJson(golden.getAsJsonObject("adversarial").get("data"), double[].class);
    }

    private Attack attack(String name, JsonObject golden) {
        float stepSize = golden.get("alpha").getAsFloat();
        int steps = golden.get("steps").getAsInt();
        return switch (name) {
            case "fgsm" -> new Fgsm(threat(name, golden));
            case "bim" ->
                Bim.builder(threat(name, golden))
                        .optStepSize(stepSize)
                        .optSteps(steps)
                        .build();
            case "rFgsm" ->
                RFgsm.builder(threat(name, golden))
                        .optRandomStep(stepSize)
                        .optStepSize(stepSize)
                        .optSteps(steps)
                        .build();
            case "miFgsm", "targetedMiFgsm" ->
                MiFgsm.builder(threat(name, golden))
                        .optTarget(target(name))
                        .optStepSize(stepSize)
                        .optSteps(steps)
                        .optDecay(golden.get("decay").getAsFloat())
                        .build();
            default -> pgd(name, golden).build();
        };
    }

    private Pgd.Builder pgd(String name, JsonObject golden) {
        return Pgd.builder(threat(name, golden))
                .optTarget(target(name))
                .optStepSize(golden.get("alpha").getAsFloat())
                .optSteps(golden.get("steps").getAsInt())
                .optRandomStart(false);
    }

    private static ThreatModel threat(String name, JsonObject golden) {
        float epsilon = golden.get("eps").getAsFloat();
        return name.endsWith("L2") ? ThreatModel.l2(epsilon) : ThreatModel.linf(epsilon);
    }

    private TargetClass target(String name) {
        long[] targets = new Gson().fromJson(FILE.get("targets"), long[].class);
        return name.startsWith("targeted") ? (z, y, s) -> manager.create(targets) : null;
    }
}
