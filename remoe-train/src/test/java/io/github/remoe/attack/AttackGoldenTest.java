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

/** FGSM and PGD against torchattacks; {@code src/test/python/attacks.py} made the numbers. */
class AttackGoldenTest {

    private static final JsonObject FILE = Golden.read("attacks");

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.input(manager, DataType.FLOAT32, FILE, "image");
        labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
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
    @ValueSource(strings = {"fgsm", "pgd5", "pgd20"})
    void adversarialImagesAreThoseOfTorchattacks(String name) {
        JsonObject golden = FILE.getAsJsonObject("attacks").getAsJsonObject(name);
        float epsilon = FILE.get("eps").getAsFloat();
        Attack attack = name.equals("fgsm")
                ? new Fgsm(ThreatModel.linf(epsilon))
                : Pgd.builder(ThreatModel.linf(epsilon))
                        .optStepSize(golden.get("alpha").getAsFloat())
                        .optSteps(golden.get("steps").getAsInt())
                        .optRandomStart(false)
                        .build();

        NDArray adversarial = attack.perturb(model, images, labels, new long[4]);

        double[] expected = new Gson()
                .fromJson(golden.getAsJsonObject("adversarial").get("data"), double[].class);
        assertThat(Tensors.doubles(adversarial)).containsExactly(expected, within(1e-5));
        NDArray losses = CrossEntropy.perImage(model.predict(adversarial).head(), labels);
        Golden.assertGolden(losses, golden.getAsJsonObject("loss"), 1e-5);
    }
}
