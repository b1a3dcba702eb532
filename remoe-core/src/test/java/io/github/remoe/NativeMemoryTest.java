package io.github.remoe;

import static io.github.remoe.Tensors.backward;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.ParameterStore;

import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How many arrays a pass leaves open: each keeps native memory until its manager closes. */
class NativeMemoryTest {

    private NDManager parameters;
    private NDManager step;

    @BeforeEach
    void open() {
        parameters = NDManager.newBaseManager();
        step = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        step.close();
        parameters.close();
    }

    private VisionTransformer network(int depth, Integer... reMoELayers) {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(depth)
                .optNumClasses(5)
                .build();
        if (reMoELayers.length > 0) {
            ReMoE.builder().optLayers(reMoELayers).build().insertInto(vit);
        }
        vit.initialize(parameters, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    private NDArray images(VisionTransformer vit) {
        return step.randomUniform(0, 1, vit.inputShape(2));
    }

    private int leftOpen(VisionTransformer vit) {
        NDArray images = images(vit);
        int before = step.getManagedArrays().size();
        forward(vit, images);
        return step.getManagedArrays().size() - before;
    }

    @Test
    void aPassLeavesFewArraysOpenHoweverDeepTheNetwork() {
        int shallow = leftOpen(network(1));

        assertThat(shallow).isBetween(1, 12);
        assertThat(leftOpen(network(8))).isEqualTo(shallow);
    }

    @Test
    void eachReMoELayerLeavesItsRegionWeightsOpenAndNothingElse() {
        int plain = leftOpen(network(4));

        assertThat(leftOpen(network(4, 1, 2, 4))).isEqualTo(plain + 3);
    }

    @Test
    void dropPathLeavesNothingOpen() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(4)
                .optNumClasses(5)
                .optDropPathRate(0.5f)
                .build();
        vit.initialize(parameters, DataType.FLOAT32, vit.inputShape(1));
        int without = leftOpen(vit);
        NDArray images = images(vit);
        int before = step.getManagedArrays().size();

        vit.forward(new ParameterStore(step, false), new NDList(images), true);

        assertThat(step.getManagedArrays()).hasSize(before + without);
    }

    @Test
    void aBlockByItselfLeavesItsTwoOutputsOpen() {
        ReMoEBlock block = ReMoEBlock.builder()
                .setGrid(new RegionGrid(4, 4, 2, 2))
                .optGate(GateType.MLP)
                .build();
        NDArray tokens = step.randomUniform(0, 1, new Shape(2, 16, 12));
        block.initialize(parameters, DataType.FLOAT32, tokens.getShape());
        int before = step.getManagedArrays().size();

        forward(block, tokens);

        assertThat(step.getManagedArrays()).hasSize(before + 2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void nothingStaysWithTheParameters(boolean withGradients) {
        VisionTransformer vit = network(2, 2);
        NDArray images = images(vit);
        int before = parameters.getManagedArrays().size();

        NDList outputs = new NDList();
        if (withGradients) {
            images.setRequiresGradient(true);
            backward(() -> {
                outputs.addAll(forward(vit, images));
                return outputs.head().sum();
            });
        } else {
            outputs.addAll(forward(vit, images));
        }

        assertThat(parameters.getManagedArrays()).hasSize(before);
        assertThat(outputs).hasSize(2);
        for (NDArray output : outputs) {
            assertThat(output.getManager()).isSameAs(step);
        }
    }

    @Test
    void whatAPassLeavesOpenGoesWithItsManager() {
        VisionTransformer vit = network(2, 2);
        int before = parameters.getManagedArrays().size();
        NDList outputs;
        try (NDManager attackStep = parameters.newSubManager()) {
            outputs = forward(vit, attackStep.randomUniform(0, 1, vit.inputShape(2)));
            assertThat(outputs.head().isReleased()).isFalse();
        }

        assertThat(outputs.head().isReleased()).isTrue();
        assertThat(parameters.getManagedArrays()).hasSize(before);
    }
}
