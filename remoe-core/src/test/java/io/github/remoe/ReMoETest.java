package io.github.remoe;

import static io.github.remoe.Tensors.backward;
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
import ai.djl.nn.Block;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.moe.AeaGate;
import io.github.remoe.moe.GateType;
import io.github.remoe.moe.MlpGate;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

class ReMoETest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    // 16 x 16 pixels in 8 x 8 patches.
    private static VisionTransformer.Builder tiny(int depth) {
        return VisionTransformer.builder()
                .optImageSize(16)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optNumHeads(3)
                .optDepth(depth)
                .optNumClasses(5);
    }

    // Large random parameters, so that no difference hides.
    private VisionTransformer start(VisionTransformer vit, DataType type) {
        vit.getParameters()
                .forEach(p ->
                        p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.5, 0.5)));
        vit.initialize(manager, type, vit.inputShape(1));
        return vit;
    }

    private NDArray images(DataType type) {
        return Golden.initializer("image", 0, 1).initialize(manager, new Shape(2, 3, 16, 16), type);
    }

    private static List<Integer> reMoELayers(VisionTransformer vit) {
        return IntStream.rangeClosed(1, vit.getBlocks().size())
                .filter(layer ->
                        vit.getBlocks().get(layer - 1).getFeedForward() instanceof ReMoEBlock)
                .boxed()
                .toList();
    }

    @ParameterizedTest
    @EnumSource(GateType.class)
    void insertionIntoATrainedNetworkLeavesEveryLogitAsItWas(GateType gate) {
        VisionTransformer vit = start(tiny(6).build(), DataType.FLOAT32);
        double[] before = doubles(forward(vit, images(DataType.FLOAT32)).head());

        ReMoE.builder().optGate(gate).build().insertInto(vit);

        NDList after = forward(vit, images(DataType.FLOAT32));
        assertThat(doubles(after.head())).isEqualTo(before);
        assertThat(after).hasSize(3);
        for (NDArray weights : after.subNDList(1)) {
            assertThat(weights.getShape()).isEqualTo(new Shape(2, 4));
            assertThat(doubles(weights.mean(new int[] {1})))
                    .containsExactly(new double[] {1, 1}, within(1e-6));
        }
    }

    @Test
    void insertionIntoTheLastLayerTooLeavesEveryLogitAsItWas() {
        VisionTransformer vit = start(tiny(4).build(), DataType.FLOAT32);
        double[] before = doubles(forward(vit, images(DataType.FLOAT32)).head());

        ReMoE.builder().optLayers(4, 1, 3).optRegions(3, 3).optTopK(5).build().insertInto(vit);

        NDList after = forward(vit, images(DataType.FLOAT32));
        assertThat(reMoELayers(vit)).containsExactly(1, 3, 4);
        // Without a block there, the last layer computes its class token alone: other rounding.
        assertThat(doubles(after.head())).containsExactly(before, within(1e-6));
        assertThat(after.get(3).getShape()).isEqualTo(new Shape(2, 9));
        assertThat(vit.getOutputShapes(new Shape[] {vit.inputShape(2)}))
                .isEqualTo(after.getShapes());
    }

    @Test
    void insertionBeforeInitializationHoldsTheNetworkThatTheLayerHad() {
        VisionTransformer vit = tiny(2).build();
        Block feedForward = vit.getBlocks().get(1).getFeedForward();

        ReMoE.builder().optLayers(2).build().insertInto(vit);

        ReMoEBlock block = (ReMoEBlock) vit.getBlocks().get(1).getFeedForward();
        assertThat(block.getGlobalExpert()).isSameAs(feedForward);
        assertThat(vit.isInitialized()).isFalse();
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        assertThat(forward(vit, images(DataType.FLOAT32))).hasSize(2);
    }

    @Test
    void settingsReachTheBlock() {
        VisionTransformer vit = tiny(2).optDistillationToken(true).build();

        ReMoE.builder()
                .optLayers(1)
                .optRegions(2, 4)
                .optCenterRatio(0.75f)
                .optGate(GateType.MLP)
                .optTopK(3)
                .optGlobalExpert(false)
                .optCenterExpert(false)
                .optBottleneckRatio(0.5f)
                .build()
                .insertInto(vit);

        ReMoEBlock block = (ReMoEBlock) vit.getBlocks().get(0).getFeedForward();
        assertThat(block.getGrid()).isEqualTo(new RegionGrid(8, 8, 2, 4, 0.75f));
        assertThat(block.getGate()).isInstanceOf(MlpGate.class);
        assertThat(block.getTopK()).isEqualTo(3);
        assertThat(block.getGlobalExpert()).isNull();
        assertThat(block.getCenterExpert()).isNull();
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        // The gate does not look at the attention, but who inspects the layer may.
        Shape[] tokens = {new Shape(1, 66, 12)};
        assertThat(vit.getBlocks().get(0).getSelfAttention().getOutputShapes(tokens))
                .hasSize(2);
        // 8 experts of hidden width 12 / 2.
        assertThat(block.getRegionalExperts().getParameters().get("weight1").getShape())
                .isEqualTo(new Shape(8, 12, 6));
    }

    @Test
    void lambdasAndSwitchesReachTheIntegration() {
        // All experts give the constant 1, so each branch is seen by what it adds.
        assertThat(addedToThePatches(ReMoE.builder().optLambda1(10).optLambda2(100)))
                .containsExactly(100, 110);
        assertThat(addedToThePatches(ReMoE.builder().optLambda2(100).optRegionalExperts(false)))
                .containsExactly(0, 1);
        assertThat(addedToThePatches(ReMoE.builder().optCenterExpert(false))).containsExactly(1, 1);
    }

    @Test
    void theCenterExpertReachesAsFarAsTheCenter() {
        ReMoE.Builder centerAlone = ReMoE.builder().optRegionalExperts(false);

        // A corner patch, and one in the middle.
        assertThat(addedToThePatches(centerAlone)).containsExactly(0, 1);
        assertThat(addedToThePatches(centerAlone.optCenterRatio(1))).containsExactly(1, 1);
        assertThat(ReMoE.builder().build().centerRatio()).isEqualTo(0.5f);
    }

    @Test
    void settingsFromBeforeThereWasAChoiceHaveTheUsualCenter() {
        Gson gson = new Gson();
        ReMoE usual = ReMoE.builder().build();
        JsonObject settings = gson.toJsonTree(usual).getAsJsonObject();
        assertThat(settings.remove("centerRatio")).isNotNull();

        assertThat(gson.fromJson(settings, ReMoE.class)).isEqualTo(usual);
    }

    // What the block of layer 1 adds to a corner patch and to one in the centre.
    private double[] addedToThePatches(ReMoE.Builder builder) {
        VisionTransformer vit = tiny(1).build();
        builder.optGate(GateType.UNIFORM).optGlobalExpert(false).build().insertInto(vit);
        ReMoEBlock block = (ReMoEBlock) vit.getBlocks().get(0).getFeedForward();
        block.getParameters().forEach(p -> {
            float bias = p.getKey().endsWith("bias2") ? 1 : 0;
            p.getValue().setInitializer(Golden.initializer("", bias, bias));
        });
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 65, 12));
        NDArray z = forward(block, manager.zeros(new Shape(1, 65, 12))).head();
        return new double[] {z.getFloat(0, 1, 0), z.getFloat(0, 1 + 3 * 8 + 3, 0)};
    }

    @Test
    void defaultLayersAreThePapersAndTheSameRelativePlacesOfOtherDepths() {
        assertThat(ReMoE.defaultLayers(12)).containsExactly(6, 10);
        assertThat(ReMoE.defaultLayers(6)).containsExactly(3, 5);
        assertThat(ReMoE.defaultLayers(24)).containsExactly(12, 20);
        // round(0.5) = 1 and round(0.83) = 1.
        assertThat(ReMoE.defaultLayers(1)).containsExactly(1);
    }

    @Test
    void unsetLayersAreTheDefaultOnes() {
        VisionTransformer vit = tiny(12).build();

        ReMoE.builder().build().insertInto(vit);

        assertThat(reMoELayers(vit)).containsExactly(6, 10);
        assertThat(((ReMoEBlock) vit.getBlocks().get(5).getFeedForward()).getGate())
                .isInstanceOf(AeaGate.class);
    }

    @Test
    void aLayerThatIsNotThereIsRefused() {
        VisionTransformer vit = tiny(12).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optLayers(6, 13).build().insertInto(vit))
                .withMessage("There is no layer 13: the network has layers 1 to 12.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optLayers(0).build().insertInto(vit))
                .withMessageContaining("no layer 0");
        assertThat(reMoELayers(vit)).isEmpty();
    }

    @Test
    void theSameLayerTwiceIsRefused() {
        VisionTransformer vit = tiny(4).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optLayers(2, 3, 2).build().insertInto(vit))
                .withMessage("A layer is named twice in [2, 3, 2].");
        assertThat(reMoELayers(vit)).isEmpty();
    }

    @Test
    void aLayerThatHoldsABlockAlreadyIsRefused() {
        VisionTransformer vit = tiny(4).build();
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        Block block = vit.getBlocks().get(1).getFeedForward();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optLayers(1, 2).build().insertInto(vit))
                .withMessage("Layer 2 holds a ReMoE block already.");
        assertThat(reMoELayers(vit)).containsExactly(2);
        assertThat(vit.getBlocks().get(1).getFeedForward()).isSameAs(block);
    }

    @Test
    void settingsThatDoNotFitLeaveTheNetworkUnchanged() {
        VisionTransformer vit = start(tiny(4).build(), DataType.FLOAT32);
        double[] before = doubles(forward(vit, images(DataType.FLOAT32)).head());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optRegions(9, 2).build().insertInto(vit))
                .withMessageContaining("9 x 2 regions do not fit a grid of 8 x 8 patches");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder().optTopK(5).build().insertInto(vit))
                .withMessageContaining("topK must be 1 to 4");
        assertThat(reMoELayers(vit)).isEmpty();
        NDList after = forward(vit, images(DataType.FLOAT32));
        assertThat(after).hasSize(1);
        assertThat(doubles(after.head())).isEqualTo(before);
    }

    @Test
    void regionWeightsTeachTheAttentionOfTheirLayer() {
        VisionTransformer vit = start(tiny(2).build(), DataType.FLOAT32);
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        EncoderBlock layer = vit.getBlocks().get(1);

        backward(() -> forward(vit, images(DataType.FLOAT32)).get(1).square().sum());

        // Rows of D = 12: queries, keys, values. W needs the probabilities, so not the values.
        NDArray qkv =
                layer.getSelfAttention().getParameters().get("01qkv_weight").getArray();
        NDArray gradient = qkv.getGradient().abs();
        assertThat(gradient.get("0:12").sum().getFloat()).isGreaterThan(1e-4f);
        assertThat(gradient.get("12:24").sum().getFloat()).isGreaterThan(1e-4f);
        assertThat(gradient.get("24:36").sum().getFloat()).isZero();
        // Nothing behind the attention takes part, but the layer before does.
        NDArray behind = layer.getFeedForward().getParameters().valueAt(0).getArray();
        assertThat(behind.getGradient().abs().sum().getFloat()).isZero();
        NDArray ahead = vit.getBlocks()
                .get(0)
                .getFeedForward()
                .getParameters()
                .valueAt(0)
                .getArray();
        assertThat(ahead.getGradient().abs().sum().getFloat()).isPositive();
    }

    @ParameterizedTest
    @EnumSource(GateType.class)
    void gradientsOfThePixelsAreThoseOfCentralDifferences(GateType gate) {
        VisionTransformer vit = tiny(2).build();
        // All regions stay on: a region that goes off or on within the difference would be a jump.
        ReMoE.builder().optLayers(1, 2).optGate(gate).optTopK(4).build().insertInto(vit);
        start(vit, DataType.FLOAT64);
        NDArray images = images(DataType.FLOAT64);
        NDArray factors = Golden.tensor(manager, DataType.FLOAT64, "factors", 2, 5);

        Differences.check(images, () -> forward(vit, images).head().mul(factors).sum());
    }

    @Test
    void aModelSavesAndLoadsTheWholeBitForBit(@TempDir Path folder) throws Exception {
        VisionTransformer saved = tiny(2).build();
        ReMoE remoe = ReMoE.builder().optLayers(2).optGate(GateType.MLP).build();
        remoe.insertInto(saved);
        start(saved, DataType.FLOAT32);
        try (Model model = Model.newInstance("remoe")) {
            model.setBlock(saved);
            model.save(folder, "remoe");
        }

        try (Model model = Model.newInstance("remoe")) {
            VisionTransformer loaded = tiny(2).build();
            remoe.insertInto(loaded);
            model.setBlock(loaded);
            model.load(folder, "remoe");

            NDList expected = forward(saved, images(DataType.FLOAT32));
            NDList actual = forward(loaded, images(DataType.FLOAT32));
            assertThat(doubles(actual.get(0))).isEqualTo(doubles(expected.get(0)));
            assertThat(doubles(actual.get(1))).isEqualTo(doubles(expected.get(1)));
        }

        try (Model model = Model.newInstance("remoe")) {
            VisionTransformer other = tiny(2).build();
            ReMoE.builder()
                    .optLayers(2)
                    .optGate(GateType.MLP)
                    .optRegions(1, 4)
                    .build()
                    .insertInto(other);
            model.setBlock(other);
            assertThatThrownBy(() -> model.load(folder, "remoe"))
                    .isInstanceOf(MalformedModelException.class)
                    .hasMessageContaining("2 x 2 regions")
                    .hasMessageContaining("1 x 4 regions");
        }
    }
}
