package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.norm.Dropout;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.ParameterStore;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.autograd.Constants;
import io.github.remoe.loss.CrossEntropy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Attacks on TorchScript networks as DJL loads them; {@code src/test/python/torchscript.py} made the
 * files, of the classifier that {@link AttackGoldenTest}'s numbers are of.
 */
class TorchScriptTest {

    private static final JsonObject FILE = Golden.read("attacks");

    private NDManager manager;
    private NDArray images;
    private NDArray labels;
    private final List<AutoCloseable> open = new ArrayList<>();

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.input(manager, DataType.FLOAT32, FILE, "image");
        labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable model : open) {
            model.close();
        }
        manager.close();
    }

    private ZooModel<NDList, NDList> load(String name, boolean trainParam) throws Exception {
        ZooModel<NDList, NDList> model = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(Path.of(
                        getClass().getResource("/golden/" + name + ".pt").toURI()))
                .optOption("trainParam", String.valueOf(trainParam))
                .build()
                .loadModel();
        open.add(model);
        return model;
    }

    private TargetModel target(ZooModel<?, ?> model) {
        return target(model.getBlock(), model.getNDManager());
    }

    private TargetModel target(Block block, NDManager parent) {
        TargetModel model = new TargetModel(block, parent);
        open.add(0, model);
        return model;
    }

    private Function<NDList, NDArray> loss() {
        return outputs -> CrossEntropy.perImage(outputs.head(), labels);
    }

    private static NDList forward(Block block, NDArray images, boolean training) {
        ParameterStore store = new ParameterStore(images.getManager(), false);
        return block.forward(store, new NDList(images), training);
    }

    private void assertThatItIsTheGoldenNetwork(TargetModel model) {
        JsonObject clean = FILE.getAsJsonObject("clean");
        TargetModel.LossGradient result = model.gradient(images, loss());
        Golden.assertGolden(model.predict(images).head(), clean.getAsJsonObject("logits"), 1e-5);
        Golden.assertGolden(result.logits(), clean.getAsJsonObject("logits"), 1e-5);
        Golden.assertGolden(result.losses(), clean.getAsJsonObject("loss"), 1e-5);
        Golden.assertGolden(result.gradient().div(4), clean.getAsJsonObject("inputGradient"), 1e-5);
    }

    @ParameterizedTest
    @CsvSource({
        "traced, false", "traced, true",
        "frozen, false", "frozen, true",
        "dropout, false", "dropout, true",
    })
    void logitsAndGradientsAreThoseOfTheNetwork(String name, boolean trainParam) throws Exception {
        ZooModel<NDList, NDList> script = load(name, trainParam);

        assertThatItIsTheGoldenNetwork(target(script));
    }

    @ParameterizedTest
    @CsvSource({
        "traced, fgsm", "traced, pgd5", "traced, pgd20",
        "frozen, fgsm", "frozen, pgd5", "frozen, pgd20",
        "dropout, fgsm", "dropout, pgd5", "dropout, pgd20",
    })
    void adversarialImagesAreThoseOfTorchattacks(String name, String attackName) throws Exception {
        TargetModel model = new TargetModel(load(name, false));
        open.add(0, model);
        JsonObject golden = FILE.getAsJsonObject("attacks").getAsJsonObject(attackName);
        ThreatModel threat = ThreatModel.linf(FILE.get("eps").getAsFloat());
        Attack attack = attackName.equals("fgsm")
                ? new Fgsm(threat)
                : Pgd.builder(threat)
                        .optStepSize(golden.get("alpha").getAsFloat())
                        .optSteps(golden.get("steps").getAsInt())
                        .optRandomStart(false)
                        .build();

        NDArray adversarial = attack.perturb(model, images, labels, new long[4]);

        double[] expected = new Gson()
                .fromJson(golden.getAsJsonObject("adversarial").get("data"), double[].class);
        assertThat(Tensors.doubles(adversarial)).containsExactly(expected, within(1e-5));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theScriptIsInEvaluationModeWhateverItWasIn(boolean trained) throws Exception {
        ZooModel<NDList, NDList> script = load("dropout", true);
        try (Predictor<NDList, NDList> predictor = script.newPredictor()) {
            predictor.predict(new NDList(images));
        }
        if (trained) {
            forward(script.getBlock(), images, true);
        }

        assertThatItIsTheGoldenNetwork(target(script));
    }

    @Test
    void theScriptIsLeftAsItWas() throws Exception {
        ZooModel<NDList, NDList> script = load("dropout", true);
        Block block = script.getBlock();
        Tensors.backward(() -> forward(block, images, true).head().square().sum());
        List<double[]> values = new ArrayList<>();
        List<double[]> gradients = new ArrayList<>();
        for (Parameter parameter : block.getParameters().values()) {
            values.add(Tensors.doubles(parameter.getArray()));
            gradients.add(Tensors.doubles(parameter.getArray().getGradient()));
        }
        int held = script.getNDManager().getManagedArrays().size();

        try (TargetModel model = new TargetModel(script)) {
            model.gradient(images, loss());
            model.predict(images);
        }

        assertThat(script.getNDManager().getManagedArrays()).hasSize(held);
        for (Parameter parameter : block.getParameters().values()) {
            assertThat(parameter.requiresGradient()).isTrue();
            assertThat(parameter.getArray().hasGradient()).isTrue();
            assertThat(Tensors.doubles(parameter.getArray())).isEqualTo(values.remove(0));
            assertThat(Tensors.doubles(parameter.getArray().getGradient()))
                    .isEqualTo(gradients.remove(0));
        }
        // Training goes on in training mode, where half of the features are dropped.
        assertThat(Tensors.doubles(forward(block, images, true).get(1))).contains(0);
        assertThat(Tensors.doubles(forward(block, images, false).get(1))).doesNotContain(0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"traced", "frozen", "dropout"})
    void anImageIsTheSameInABatchOfAnySize(String name) throws Exception {
        TargetModel model = target(load(name, false));
        TargetModel.LossGradient all = model.gradient(images, out -> out.head().get(":, 0"));
        // Sizes change while the script is still being profiled, and after it has been optimised.
        for (int size : new int[] {1, 3, 2, 4, 1, 3, 2, 4}) {
            NDArray first = images.get(new NDIndex("0:{}", size));
            TargetModel.LossGradient result =
                    model.gradient(first, out -> out.head().get(":, 0"));

            assertThat(Tensors.doubles(result.logits()))
                    .isEqualTo(Tensors.doubles(all.logits().get(new NDIndex("0:{}", size))));
            assertThat(Tensors.doubles(result.gradient()))
                    .isEqualTo(Tensors.doubles(all.gradient().get(new NDIndex("0:{}", size))));
            assertThat(Tensors.doubles(model.predict(first).head()))
                    .isEqualTo(Tensors.doubles(result.logits()));
        }
    }

    @Test
    void outputsBeyondTheLogitsFollow() throws Exception {
        TargetModel model = target(load("dropout", false));

        assertThat(model.predict(images.get("0:3")).getShapes())
                .containsExactly(new Shape(3, 5), new Shape(3, 64));
    }

    @Test
    void normalisationGoesInFront() throws Exception {
        ZooModel<NDList, NDList> script = load("traced", false);
        float[] mean = {0.5f, 0.4f, 0.3f};
        float[] std = {0.2f, 0.25f, 0.5f};
        Shape perChannel = new Shape(1, 3, 1, 1);
        Block network = new SequentialBlock()
                .addSingleton(x -> x.sub(Constants.of(x.getManager(), mean, perChannel))
                        .div(Constants.of(x.getManager(), std, perChannel)))
                .add(script.getBlock());
        TargetModel model = target(network, script.getNDManager());
        NDArray scale = manager.create(std, perChannel);
        // These pixels are the golden images when they are normalised.
        NDArray pixels = images.mul(scale).add(manager.create(mean, perChannel));

        TargetModel.LossGradient result = model.gradient(pixels, loss());

        JsonObject clean = FILE.getAsJsonObject("clean");
        Golden.assertGolden(result.logits(), clean.getAsJsonObject("logits"), 1e-5);
        Golden.assertGolden(
                result.gradient().mul(scale).div(4), clean.getAsJsonObject("inputGradient"), 1e-5);
    }

    @Test
    void blocksAroundAScriptAreInEvaluationModeToo() throws Exception {
        ZooModel<NDList, NDList> script = load("dropout", false);
        Block network = new SequentialBlock()
                .add(Dropout.builder().optRate(0.9f).build())
                .add(new SequentialBlock().add(script.getBlock()));

        assertThatItIsTheGoldenNetwork(target(network, script.getNDManager()));
    }

    @Test
    void outputsByNameArePicked() throws Exception {
        ZooModel<NDList, NDList> script = load("named", false);
        TargetModel unordered = target(script);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> unordered.predict(images))
                .withMessageContaining("logits")
                .withMessageContaining("SequentialBlock");

        Block network = new SequentialBlock()
                .add(script.getBlock())
                .add(outputs -> new NDList(outputs.get("logits")));

        assertThatItIsTheGoldenNetwork(target(network, script.getNDManager()));
    }

    @Test
    void aScriptWithoutAutogradCanBePredicted() throws Exception {
        TargetModel model = target(load("undifferentiable", false));

        Golden.assertGolden(
                model.predict(images).head(),
                FILE.getAsJsonObject("clean").getAsJsonObject("logits"),
                1e-5);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> model.gradient(images, loss()))
                .withMessageContaining("no gradient")
                .withMessageContaining("predictions only");
    }

    @Test
    void aScriptInsideAnotherBlockIsRefused() throws Exception {
        ZooModel<NDList, NDList> script = load("traced", false);
        Block network = new ParallelBlock(lists -> lists.get(0)).add(script.getBlock());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> target(network, script.getNDManager()))
                .withMessageContaining("ParallelBlock")
                .withMessageContaining("SequentialBlock");
    }

    @Test
    void callsLeaveNothingOpenButTheirResult() throws Exception {
        ZooModel<NDList, NDList> script = load("traced", false);
        TargetModel model = target(script);
        model.gradient(images, loss());
        int held = manager.getManagedArrays().size();
        int heldByScript = script.getNDManager().getManagedArrays().size();

        for (int call = 0; call < 20; call++) {
            TargetModel.LossGradient result = model.gradient(images, loss());
            result.outputs().close();
            result.losses().close();
            result.gradient().close();
            model.predict(images).close();
        }

        assertThat(manager.getManagedArrays()).hasSize(held);
        assertThat(script.getNDManager().getManagedArrays()).hasSize(heldByScript);
    }
}
