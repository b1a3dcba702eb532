package io.github.remoe.inference;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.Region;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

class RegionInspectorTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static VisionTransformer.Builder tiny(int side) {
        return VisionTransformer.builder()
                .optImageSize(2 * side)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(3)
                .optNumClasses(5);
    }

    private VisionTransformer with(VisionTransformer vit, ReMoE.Builder... remoes) {
        for (ReMoE.Builder remoe : remoes) {
            remoe.build().insertInto(vit);
        }
        vit.getParameters()
                .forEach(p ->
                        p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.5, 0.5)));
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    private NDArray images(VisionTransformer vit, int count) {
        return Golden.initializer("image", 0, 1)
                .initialize(manager, vit.inputShape(count), DataType.FLOAT32);
    }

    private List<List<RegionRouting>> inspect(VisionTransformer vit, NDArray images) {
        RegionInspector inspector = new RegionInspector(vit);
        return inspector.read(forward(inspector, images));
    }

    /** The weights by hand: the mean of s over each region, scaled to mean 1. */
    private static double[] weightsOf(RegionRouting layer) {
        List<Region> regions = layer.grid().regions();
        double[] means = new double[regions.size()];
        double sum = 0;
        for (int patch = 0; patch < layer.saliency().size(); patch++) {
            int row = patch / layer.grid().patchColumns();
            int column = patch % layer.grid().patchColumns();
            for (int k = 0; k < means.length; k++) {
                if (regions.get(k).contains(row, column)) {
                    means[k] += layer.saliency().get(patch) / regions.get(k).size();
                }
            }
        }
        for (double mean : means) {
            sum += mean;
        }
        for (int k = 0; k < means.length; k++) {
            means[k] *= means.length / sum;
        }
        return means;
    }

    private static double[] doubled(List<Float> values) {
        return values.stream().mapToDouble(Float::doubleValue).toArray();
    }

    @ParameterizedTest
    @CsvSource({
        "8, 2, 2, true, false",
        "4, 2, 2, true, true",
        "4, 2, 2, false, false",
        "14, 3, 3, true, false",
        "7, 4, 4, false, false",
        "4, 1, 1, true, false",
        "4, 1, 3, false, false",
        "1, 1, 1, true, true"
    })
    void weightsAreTheMeansOfTheSaliencyThatIsRead(
            int side, int rows, int columns, boolean classToken, boolean distillationToken) {
        VisionTransformer vit = with(
                tiny(side)
                        .optClassToken(classToken)
                        .optDistillationToken(distillationToken)
                        .build(),
                ReMoE.builder().optLayers(1, 3).optRegions(rows, columns));
        NDArray images = images(vit, 3);
        NDList plain = forward(vit, images);

        List<List<RegionRouting>> read = inspect(vit, images);

        assertThat(read).hasSize(3).allSatisfy(layers -> assertThat(layers).hasSize(2));
        for (int image = 0; image < 3; image++) {
            for (int i = 0; i < 2; i++) {
                RegionRouting layer = read.get(image).get(i);
                assertThat(layer.layer()).isEqualTo(1 + 2 * i);
                assertThat(doubled(layer.weights().weights()))
                        .isEqualTo(doubles(plain.get(1 + i).get(image)))
                        .containsExactly(weightsOf(layer), within(2e-6));
                assertThat(layer.gatedBySaliency()).isTrue();
                assertThat(layer.saliency()).hasSize(side * side);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4})
    void whatTopKKeepsIsWhatMultipliesTheExperts(int topK) {
        VisionTransformer vit =
                with(tiny(4).build(), ReMoE.builder().optLayers(2).optTopK(topK));
        NDArray images = images(vit, 2);
        NDArray weights = forward(vit, images).get(1);
        ReMoEBlock block = (ReMoEBlock) vit.getBlocks().get(1).getFeedForward();
        NDArray routed = block.route(weights);

        List<List<RegionRouting>> read = inspect(vit, images);

        for (int image = 0; image < 2; image++) {
            RegionRouting layer = read.get(image).get(0);
            assertThat(doubled(layer.routed())).isEqualTo(doubles(routed.get(image)));
            int on = 0;
            for (int region = 0; region < 4; region++) {
                on += layer.isOn(region) ? 1 : 0;
            }
            assertThat(on).isEqualTo(topK);
        }
    }

    @Test
    void saliencyIsReadInPatchesRowByRow() {
        // 2 x 3 patches of saliency 1 to 6, two regions below each other and three beside each
        // other.
        RegionRouting layer = new RegionRouting(
                new RegionWeights(4, 1, 3, List.of(5 / 7f, 1f, 9 / 7f)),
                List.of(0f, 1.5f, 1.5f),
                List.of(1f, 2f, 3f, 4f, 5f, 6f),
                true,
                new RegionGrid(2, 3, 1, 3),
                null);

        assertThat(layer.layer()).isEqualTo(4);
        assertThat(layer.isOn(0)).isFalse();
        assertThat(layer.isOn(2)).isTrue();
        // Region means 2.5, 3.5 and 4.5, whose mean is 3.5.
        assertThat(doubled(layer.relativeSaliency()))
                .containsExactly(
                        new double[] {1 / 3.5, 2 / 3.5, 3 / 3.5, 4 / 3.5, 5 / 3.5, 6 / 3.5},
                        within(1e-6));
        assertThat(weightsOf(layer))
                .containsExactly(new double[] {2.5 / 3.5, 1, 4.5 / 3.5}, within(1e-6));
    }

    @Test
    void noSaliencyAtAllIsTheMeanEverywhere() {
        RegionRouting layer = new RegionRouting(
                new RegionWeights(1, 1, 1, List.of(1f)),
                List.of(1f),
                List.of(0f, 0f),
                true,
                new RegionGrid(1, 2, 1, 1),
                null);

        assertThat(layer.relativeSaliency()).containsExactly(1f, 1f);
    }

    @ParameterizedTest
    @EnumSource(
            value = GateType.class,
            names = {"MLP", "UNIFORM"})
    void otherGatesDoNotLookAtTheAttentionThatIsStillRead(GateType gate) {
        VisionTransformer aea = with(tiny(4).build(), ReMoE.builder().optLayers(1));
        VisionTransformer other =
                with(tiny(4).build(), ReMoE.builder().optLayers(1).optGate(gate));
        NDArray images = images(aea, 2);

        RegionRouting expected = inspect(aea, images).get(1).get(0);
        RegionRouting layer = inspect(other, images).get(1).get(0);

        assertThat(layer.gatedBySaliency()).isFalse();
        // The same parameters by name up to the first ReMoE layer, so the same attention.
        assertThat(layer.saliency()).isEqualTo(expected.saliency());
        assertThat(layer.weights()).isNotEqualTo(expected.weights());
    }

    @Test
    void expertsThatAreNotThereAreNotOn() {
        VisionTransformer vit = with(
                tiny(4).build(),
                ReMoE.builder().optLayers(1).optRegionalExperts(false).optCenterExpert(true),
                ReMoE.builder().optLayers(2).optCenterExpert(false));

        List<RegionRouting> layers = inspect(vit, images(vit, 1)).get(0);

        assertThat(layers.get(0).routed()).containsOnly(0f);
        assertThat(layers.get(0).center()).isEqualTo(new Region(1, 1, 2, 2));
        assertThat(layers.get(1).routed())
                .contains(0f)
                .isNotEqualTo(layers.get(0).routed());
        assertThat(layers.get(1).center()).isNull();
    }

    @Test
    void aHostThatKeepsItsAttentionIsReadByTheSimilarityOfItsTokens() {
        VisionTransformer vit = tiny(4).build();
        ReMoE.builder().optLayers(1).build().insertInto(vit);
        vit.getBlocks().get(0).replaceFeedForward(block -> block, false);
        with(vit);
        NDArray images = images(vit, 1);

        RegionRouting layer = inspect(vit, images).get(0).get(0);

        assertThat(doubled(layer.weights().weights()))
                .isEqualTo(doubles(forward(vit, images).get(1)))
                .containsExactly(weightsOf(layer), within(2e-6));
    }

    @Test
    void aNetworkWithoutReMoEGivesItsLogitsAlone() {
        VisionTransformer vit = with(tiny(4).build());
        NDArray images = images(vit, 2);
        RegionInspector inspector = new RegionInspector(vit);

        NDList outputs = forward(inspector, images);

        assertThat(outputs).hasSize(1);
        assertThat(doubles(outputs.head()))
                .isEqualTo(doubles(forward(vit, images).head()));
        assertThat(inspector.read(outputs)).containsExactly(List.of(), List.of());
    }

    @Test
    void nothingButTheSaliencyIsNewInTheOutput() {
        VisionTransformer vit = with(
                tiny(4).build(),
                ReMoE.builder().optLayers(1).optRegions(2, 1),
                ReMoE.builder().optLayers(3).optRegions(3, 3));
        NDArray images = images(vit, 2);
        RegionInspector inspector = new RegionInspector(vit);

        NDList plain = forward(vit, images);
        NDList outputs = forward(inspector, images);

        assertThat(plain.getShapes())
                .containsExactly(new Shape(2, 5), new Shape(2, 2), new Shape(2, 9));
        assertThat(outputs.getShapes())
                .isEqualTo(inspector.getOutputShapes(new Shape[] {images.getShape()}))
                .containsExactly(
                        new Shape(2, 5),
                        new Shape(2, 2),
                        new Shape(2, 16),
                        new Shape(2, 9),
                        new Shape(2, 16));
        assertThat(doubles(outputs.head())).isEqualTo(doubles(plain.head()));
        assertThat(doubles(outputs.get(3))).isEqualTo(doubles(plain.get(2)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> inspector.read(plain))
                .withMessageContaining("there are 5 arrays to read; got 3");
    }
}
