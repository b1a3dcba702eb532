package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.Dropout;
import ai.djl.training.GradientCollector;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

class TargetModelTest {

    private static final Shape IMAGES = new Shape(4, 3, 8, 8);

    private NDManager manager;
    private NDManager parameters;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        parameters = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
        parameters.close();
    }

    private NDArray images(DataType type) {
        return Golden.initializer("image", 0, 1).initialize(manager, IMAGES, type);
    }

    private Function<NDList, NDArray> loss() {
        NDArray labels = manager.create(new long[] {0, 3, 1, 4});
        return outputs -> CrossEntropy.perImage(outputs.head(), labels);
    }

    private static List<double[]> gradients(Block block) {
        List<double[]> gradients = new ArrayList<>();
        block.getParameters()
                .forEach(p ->
                        gradients.add(Tensors.doubles(p.getValue().getArray().getGradient())));
        return gradients;
    }

    @Test
    void theGradientIsTheCentralDifference() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT64);
        NDArray images = images(DataType.FLOAT64);
        NDArray direction = Golden.tensor(manager, DataType.FLOAT64, "way", 4, 3, 8, 8);
        try (TargetModel model = new TargetModel(block, parameters)) {
            NDArray gradient = model.gradient(images, loss()).gradient();

            // One slope an image: the gradient is that of the sum, and images do not mix.
            double[] slopes = Tensors.doubles(gradient.mul(direction).sum(new int[] {1, 2, 3}));
            double[] coarse = error(model, images, direction, 1e-2, slopes);
            double[] fine = error(model, images, direction, 5e-3, slopes);
            for (int i = 0; i < slopes.length; i++) {
                assertThat(coarse[i] / fine[i]).isBetween(3.5, 4.5);
                assertThat(error(model, images, direction, 1e-4, slopes)[i])
                        .isCloseTo(0, within(1e-6));
            }
        }
    }

    private double[] error(
            TargetModel model, NDArray images, NDArray direction, double h, double[] slopes) {
        NDArray way = direction.mul(h);
        double[] up = Tensors.doubles(loss().apply(model.predict(images.add(way))));
        double[] down = Tensors.doubles(loss().apply(model.predict(images.sub(way))));
        double[] error = new double[up.length];
        for (int i = 0; i < error.length; i++) {
            error[i] = (up[i] - down[i]) / (2 * h) - slopes[i];
        }
        return error;
    }

    @Test
    void parameterGradientsStayAsTheyWere() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        // Gradients as if a training step were under way.
        Tensors.backward(() -> Tensors.forward(block, images).head().square().sum());
        List<double[]> before = gradients(block);
        assertThat(before.get(0)[0]).isNotZero();

        try (TargetModel model = new TargetModel(block, parameters)) {
            model.predict(images);
            model.gradient(images, loss());
        }

        assertThat(gradients(block)).usingRecursiveComparison().isEqualTo(before);
        for (Parameter parameter : block.getParameters().values()) {
            assertThat(parameter.getArray().hasGradient()).isTrue();
        }
    }

    @Test
    void trainingGoesOnAfterATargetIsClosed() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(block, parameters)) {
            model.gradient(images, loss());
        }

        Tensors.backward(() -> Tensors.forward(block, images).head().square().sum());

        assertThat(gradients(block).get(0)[0]).isNotZero();
    }

    @Test
    void anUpdateOfTheParametersIsSeen() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(block, parameters)) {
            double[] before = Tensors.doubles(model.predict(images).head());

            // The last layer twice as large: so are the logits.
            block.getChildren().get("04Linear").getParameters().forEach(p -> {
                try (NDScope scope = new NDScope()) {
                    scope.suppressNotUsedWarning();
                    NDArray array = p.getValue().getArray();
                    array.muli(2);
                }
            });

            double[] after = Tensors.doubles(model.predict(images).head());
            for (int i = 0; i < before.length; i++) {
                assertThat(after[i]).isCloseTo(2 * before[i], within(1e-5));
            }
        }
    }

    @Test
    void parametersThatAreLoadedAnewAreSeen() throws Exception {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(block, parameters)) {
            double[] before = Tensors.doubles(model.predict(images).head());
            ByteArrayOutputStream saved = new ByteArrayOutputStream();
            block.saveParameters(new DataOutputStream(saved));
            block.getParameters().forEach(p -> p.getValue().getArray().muli(0));
            assertThat(Tensors.doubles(model.predict(images).head())).containsOnly(0);

            block.loadParameters(
                    parameters, new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));

            assertThat(Tensors.doubles(model.predict(images).head())).isEqualTo(before);
        }
    }

    @Test
    void resultsBelongToTheScopeAroundTheCall() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(block, parameters)) {
            NDArray logits;
            TargetModel.LossGradient result;
            double[] first;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                logits = model.predict(images).head();
                result = model.gradient(images, loss());
                first = Tensors.doubles(result.gradient());
            }
            assertThat(logits.isReleased()).isTrue();
            assertThat(result.losses().isReleased()).isTrue();
            assertThat(result.gradient().isReleased()).isTrue();

            // The views of the parameters outlive the scope that they were made in.
            TargetModel.LossGradient second = model.gradient(images, loss());
            assertThat(Tensors.doubles(second.gradient())).isEqualTo(first);
            assertThat(second.losses().getManager()).isSameAs(manager);
            assertThat(second.gradient().getManager()).isSameAs(manager);
            assertThat(second.losses().hasGradient()).isFalse();
        }
    }

    @Test
    void callsLeaveNothingOpenButTheirResult() {
        VisionTransformer vit = TinyNetworks.reMoEVit(parameters);
        NDArray images = images(DataType.FLOAT32);
        Function<NDList, NDArray> loss = loss();
        try (TargetModel model = new TargetModel(vit, parameters)) {
            model.gradient(images, loss);
            int held = manager.getManagedArrays().size();
            int heldByParameters = parameters.getManagedArrays().size();

            for (int call = 0; call < 50; call++) {
                TargetModel.LossGradient result = model.gradient(images, loss);
                result.outputs().close();
                result.losses().close();
                result.gradient().close();
                model.predict(images).close();
            }

            assertThat(manager.getManagedArrays()).hasSize(held);
            assertThat(parameters.getManagedArrays()).hasSize(heldByParameters);
        }
    }

    @Test
    void regionWeightsFollowTheLogits() {
        VisionTransformer vit = TinyNetworks.reMoEVit(parameters);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(vit, parameters)) {
            NDList outputs = model.predict(images);

            assertThat(outputs.getShapes()).containsExactly(new Shape(4, 5), new Shape(4, 4));
            assertThat(outputs.get(1).getManager()).isSameAs(manager);
            assertThat(Tensors.doubles(outputs.get(1)))
                    .isEqualTo(Tensors.doubles(Tensors.forward(vit, images).get(1)));
        }
    }

    @Test
    void theModelIsInEvaluationMode() {
        Block plain = TinyNetworks.golden(parameters, DataType.FLOAT32);
        SequentialBlock dropping = new SequentialBlock()
                .add(Dropout.builder().optRate(0.9f).build())
                .add(plain);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(dropping, parameters);
                TargetModel plainModel = new TargetModel(plain, parameters)) {
            assertThat(Tensors.doubles(model.predict(images).head()))
                    .isEqualTo(Tensors.doubles(plainModel.predict(images).head()));
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
    void aParameterThatIsNotFiniteIsNamed(float wrong) {
        Block block = new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(Linear.builder().setUnits(2).build());
        block.initialize(parameters, DataType.FLOAT32, IMAGES);
        block.getParameters().get("02Linear_bias").getArray().set(new NDIndex(0), wrong);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TargetModel(block, parameters))
                .withMessageContaining("02Linear_bias")
                .withMessageContaining("NaN");
    }

    @Test
    void gradientsAreRefusedWhileAnotherCollectorIsOpen() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(block, parameters)) {
            try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
                assertThatThrownBy(() -> model.gradient(images, loss()))
                        .isInstanceOf(IllegalStateException.class);
            }

            assertThat(model.gradient(images, loss()).losses().getShape()).isEqualTo(new Shape(4));
        }
    }

    @Test
    void aFailingLossLeavesTheModelUsable() {
        Block block = TinyNetworks.golden(parameters, DataType.FLOAT32);
        NDArray images = images(DataType.FLOAT32);
        NDArray labels = manager.create(new long[] {0, 3, 1, 5});
        try (TargetModel model = new TargetModel(block, parameters)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> model.gradient(
                            images, out -> CrossEntropy.perImage(out.head(), labels)))
                    .withMessageContaining("Label 5");

            assertThat(model.gradient(images, loss()).losses().getShape()).isEqualTo(new Shape(4));
        }
    }
}
