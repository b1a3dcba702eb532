package io.github.remoe.vit;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;

import io.github.remoe.Differences;
import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.nio.file.Path;

class VisionTransformerTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    // 8 x 8 pixels in 4 x 4 patches.
    private static VisionTransformer.Builder tiny() {
        return VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optNumHeads(3)
                .optDepth(2)
                .optNumClasses(5);
    }

    private VisionTransformer start(VisionTransformer vit, DataType type) {
        vit.getParameters()
                .forEach(p ->
                        p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.5, 0.5)));
        vit.initialize(manager, type, vit.inputShape(1));
        return vit;
    }

    private VisionTransformer start(VisionTransformer.Builder builder) {
        return start(builder.build(), DataType.FLOAT32);
    }

    private NDArray images(int count) {
        return Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(count, 3, 8, 8), DataType.FLOAT32);
    }

    @Test
    void sizesAreThoseOfTheBuilder() {
        VisionTransformer vit = tiny().build();

        assertThat(vit.inputShape(7)).isEqualTo(new Shape(7, 3, 8, 8));
        assertThat(vit.getGridSize()).isEqualTo(4);
        assertThat(vit.getOutputShapes(new Shape[] {vit.inputShape(7)}))
                .containsExactly(new Shape(7, 5));
    }

    @Test
    void aBuilderBuildsOneNetworkAfterAnother() {
        VisionTransformer.Builder builder = tiny();
        VisionTransformer first = start(builder);
        VisionTransformer second = start(builder.optEmbedDim(24));

        // The hidden width is 4 times the width.
        assertThat(first.getParameters().get("02block_04mlp_01Linear_weight").getShape())
                .isEqualTo(new Shape(48, 12));
        assertThat(second.getParameters().get("02block_04mlp_01Linear_weight").getShape())
                .isEqualTo(new Shape(96, 24));
    }

    @Test
    void parametersStartAsInTimm() {
        VisionTransformer vit = tiny().optEmbedDim(48).build();
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

        // 0.02 cut at two standard deviations, which leaves 0.88 of it.
        NDArray weight =
                vit.getParameters().get("02block_04mlp_01Linear_weight").getArray();
        assertThat(weight.square().mean().sqrt().getFloat()).isBetween(0.016f, 0.02f);
        assertThat(weight.abs().max().getFloat()).isBetween(0.035f, 0.04f);
        assertThat(doubles(vit.getParameters().get("05head_bias").getArray())).containsOnly(0);
        assertThat(doubles(vit.getParameters().get("04norm_gamma").getArray())).containsOnly(1);
        assertThat(vit.getParameters().get("clsToken").getArray().abs().max().getFloat())
                .isBetween(1e-8f, 1e-5f);
        assertThat(vit.getParameters().get("posEmbed").getArray().abs().max().getFloat())
                .isBetween(0.035f, 0.04f);
        // Uniform up to 1 / sqrt(3 x 2 x 2), as PyTorch starts a convolution.
        assertThat(vit.getParameters()
                        .get("01patchEmbed_01proj_weight")
                        .getArray()
                        .abs()
                        .max()
                        .getFloat())
                .isBetween(0.26f, 0.2887f);
    }

    @Test
    void logitsComeFirstThenWhatTheLayersReturnInTheirOrder() {
        VisionTransformer vit = tiny().optDepth(3).build();
        extra(vit.getBlocks().get(2), 30);
        extra(vit.getBlocks().get(0), 10);
        start(vit, DataType.FLOAT32);

        NDList outputs = forward(vit, images(2));

        assertThat(outputs).hasSize(3);
        assertThat(outputs.get(0).getShape()).isEqualTo(new Shape(2, 5));
        assertThat(doubles(outputs.get(1))).containsExactly(10);
        assertThat(doubles(outputs.get(2))).containsExactly(30);
    }

    private void extra(EncoderBlock block, float number) {
        block.replaceFeedForward(
                old -> new LambdaBlock(inputs -> new NDList(inputs.head(), manager.create(number))),
                false);
    }

    @Test
    void normalizationTakesMeanAndDeviationOfEachChannel() {
        float[] mean = {0.1f, 0.2f, 0.3f};
        float[] std = {0.5f, 0.25f, 2};
        VisionTransformer normalizing = start(tiny().optNormalization(mean, std));
        VisionTransformer plain =
                start(tiny().optNormalization(new float[] {0, 0, 0}, new float[] {1, 1, 1}));
        NDArray images = images(2);
        Shape perChannel = new Shape(1, 3, 1, 1);

        NDArray byHand =
                images.sub(manager.create(mean, perChannel)).div(manager.create(std, perChannel));

        assertThat(doubles(forward(normalizing, images).head()))
                .containsExactly(doubles(forward(plain, byHand).head()), within(1e-6));
    }

    @Test
    void theImagesOfABatchDoNotMix() {
        VisionTransformer vit = start(tiny());
        NDArray images = images(3);

        assertThat(doubles(forward(vit, images).head().get("1:2")))
                .containsExactly(doubles(forward(vit, images.get("1:2")).head()), within(1e-5));
    }

    @Test
    void withoutAClassTokenTheMeanPatchIsClassified() {
        VisionTransformer vit = start(tiny().optClassToken(false).optDepth(1));
        // Nothing but the embedding is left of the layer.
        vit.getBlocks()
                .get(0)
                .replaceFeedForward(mlp -> LambdaBlock.singleton(x -> x.mul(0)), false);
        for (String name : new String[] {"weight", "bias"}) {
            vit.getBlocks()
                    .get(0)
                    .getSelfAttention()
                    .getParameters()
                    .get("02proj_" + name)
                    .getArray()
                    .muli(0);
        }
        NDArray images = images(2);

        NDArray logits = forward(vit, images).head();

        NDArray mean = manager.create(new float[] {0.485f, 0.456f, 0.406f}, new Shape(1, 3, 1, 1));
        NDArray std = manager.create(new float[] {0.229f, 0.224f, 0.225f}, new Shape(1, 3, 1, 1));
        NDArray patches =
                forward(vit.getPatchEmbed(), images.sub(mean).div(std)).head();
        NDArray tokens = patches.add(vit.getParameters().get("posEmbed").getArray());
        NDArray normed = forward(vit.getChildren().get("03norm"), tokens.mean(new int[] {1}))
                .head();
        NDArray expected = forward(vit.getChildren().get("04head"), normed).head();
        assertThat(vit.getPrefixTokens()).isZero();
        assertThat(vit.getParameters().keys()).doesNotContain("clsToken");
        assertThat(doubles(logits)).containsExactly(doubles(expected), within(1e-5));
    }

    @Test
    void distilledLogitsAreTheMeanOfBothHeads() {
        VisionTransformer vit = start(tiny().optDistillationToken(true));
        NDArray images = images(2);

        double[] both = doubles(forward(vit, images).head());
        double[] heads = new double[both.length];
        for (String silenced : new String[] {"05head_", "06headDist_"}) {
            VisionTransformer one = start(tiny().optDistillationToken(true));
            one.getParameters().get(silenced + "weight").getArray().muli(0);
            one.getParameters().get(silenced + "bias").getArray().muli(0);
            double[] half = doubles(forward(one, images).head());
            for (int i = 0; i < heads.length; i++) {
                assertThat(half[i]).isNotZero();
                heads[i] += half[i];
            }
        }

        assertThat(vit.getPrefixTokens()).isEqualTo(2);
        assertThat(both).containsExactly(heads, within(1e-5));
    }

    @Test
    void gradientsOfThePixelsAreThoseOfCentralDifferences() {
        VisionTransformer vit = start(tiny().optDistillationToken(true).build(), DataType.FLOAT64);
        NDArray images = images(2).toType(DataType.FLOAT64, false);
        NDArray factors = Golden.tensor(manager, DataType.FLOAT64, "factors", 2, 5);

        Differences.check(images, () -> forward(vit, images).head().mul(factors).sum());
    }

    @Test
    void imagesOfAnotherShapeAreToldTheRightOne() {
        VisionTransformer vit = start(tiny());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> forward(vit, manager.zeros(new Shape(2, 3, 16, 8))))
                .withMessage(
                        "This vision transformer takes images of shape (B, 3, 8, 8), got (2, 3, 16,"
                                + " 8). Resize the images, or build the network for their size.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> forward(vit, manager.zeros(new Shape(2, 1, 8, 8))))
                .withMessageContaining("got (2, 1, 8, 8)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> forward(vit, manager.zeros(new Shape(3, 8, 8))))
                .withMessageContaining("got (3, 8, 8)");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        tiny().build().initialize(manager, DataType.FLOAT32, new Shape(1, 3, 4, 4)))
                .withMessageContaining("got (1, 3, 4, 4)");
    }

    @Test
    void sizesThatDoNotFitAreRefused() {
        assertRefused(
                tiny().optPatchSize(3), "The image size 8 is not a multiple of the patch size 3.");
        assertRefused(tiny().optPatchSize(0), "Image and patch size must be positive.");
        assertRefused(
                tiny().optNumHeads(5),
                "The embedding dimension 12 is not a multiple of the 5 heads.");
        assertRefused(tiny().optDepth(0), "The depth must be at least 1, got 0.");
        assertRefused(tiny().optNumClasses(0), "There must be at least 1 class, got 0.");
        assertRefused(
                tiny().optClassToken(false).optDistillationToken(true),
                "A distillation token needs a class token beside it.");
        assertRefused(
                tiny().optNormalization(new float[] {0}, new float[] {1}),
                "The normalisation needs 3 means and 3 standard deviations.");
    }

    private static void assertRefused(VisionTransformer.Builder builder, String message) {
        assertThatIllegalArgumentException().isThrownBy(builder::build).withMessage(message);
    }

    @Test
    void aModelSavesAndLoadsTheNetworkBitForBit(@TempDir Path folder) throws Exception {
        VisionTransformer saved = start(tiny().optDistillationToken(true));
        try (Model model = Model.newInstance("vit")) {
            model.setBlock(saved);
            model.save(folder, "vit");
        }

        try (Model model = Model.newInstance("vit")) {
            model.setBlock(tiny().optDistillationToken(true).build());
            model.load(folder, "vit");

            assertThat(doubles(forward(model.getBlock(), images(2)).head()))
                    .isEqualTo(doubles(forward(saved, images(2)).head()));
        }
    }

    @Test
    void parametersOfAnotherNetworkAreToldApart() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        start(tiny()).saveParameters(new DataOutputStream(bytes));
        VisionTransformer other = tiny().optNumHeads(2).build();

        assertThatThrownBy(() -> other.loadParameters(
                        manager,
                        new DataInputStream(new ByteArrayInputStream(bytes.toByteArray()))))
                .isInstanceOf(MalformedModelException.class)
                .hasMessageContaining(
                        "saved from a network of 8 x 8 images, patch 2, width 12, depth 2, 3 heads,")
                .hasMessageContaining(
                        "this one has 8 x 8 images, patch 2, width 12, depth 2, 2 heads,")
                .hasMessageContaining("Build the network as it was when it was saved.");
    }
}
