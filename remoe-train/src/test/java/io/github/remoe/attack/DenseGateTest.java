package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.function.Function;

/** Gradients of another network, and of the dense gate. */
class DenseGateTest {

    private NDManager manager;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(4, 3, 8, 8), DataType.FLOAT32);
        labels = manager.create(new long[] {0, 3, 1, 4});
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private VisionTransformer network(int topK) {
        VisionTransformer vit = TinyNetworks.plainVit();
        ReMoE.builder().optLayers(1).optTopK(topK).build().insertInto(vit);
        TinyNetworks.startByName(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    private Function<NDList, NDArray> loss() {
        return outputs -> CrossEntropy.perImage(outputs.head(), labels);
    }

    @Test
    void theLossIsOfTheModelAndItsWayBackThroughTheOther() {
        Block rounding = new SequentialBlock()
                .addSingleton(x -> x.mul(manager.create(10f)).round())
                .add(Blocks.batchFlattenBlock());
        Block doubling =
                new SequentialBlock().addSingleton(x -> x.add(x)).add(Blocks.batchFlattenBlock());
        NDArray pixels = Tensors.array(manager, new Shape(1, 3, 1, 1), 0.12, 0.58, 0.91);
        try (TargetModel model = new TargetModel(rounding, manager);
                TargetModel adaptive = model.withGradientsOf(doubling)) {
            Function<NDList, NDArray> squares = out -> out.head().square().sum(new int[] {1});

            assertThat(Tensors.doubles(model.gradient(pixels, squares).gradient()))
                    .containsOnly(0);
            TargetModel.LossGradient result = adaptive.gradient(pixels, squares);

            assertThat(Tensors.doubles(result.logits())).containsExactly(1, 6, 9);
            assertThat(Tensors.doubles(result.losses())).containsExactly(1 + 36 + 81);
            // 2 times the logit, times the slope 2 of the other network.
            assertThat(Tensors.doubles(result.gradient())).containsExactly(4, 24, 36);
            assertThat(Tensors.doubles(adaptive.predict(pixels).head())).containsExactly(1, 6, 9);
        }
    }

    @Test
    void theOtherNetworkMustGiveTheSameOutputs() {
        Block logitsOnly = TinyNetworks.golden(manager, DataType.FLOAT32);
        try (TargetModel model = new TargetModel(network(2), manager);
                TargetModel adaptive = model.withGradientsOf(logitsOnly)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> adaptive.gradient(images, loss()))
                    .withMessageContaining("(4, 5)")
                    .withMessageContaining("same outputs");
        }
    }

    @Test
    void whereAllExpertsAreOnItIsPgd() {
        VisionTransformer vit = network(4);
        Attack pgd = Pgd.builder(ThreatModel.linf(8 / 255f))
                .optLoss(new RoutingLoss(1))
                .build();
        try (TargetModel model = new TargetModel(vit, manager);
                TargetModel adaptive = model.withGradientsOf(new DenseGate(vit))) {
            assertThat(pgd.perturb(adaptive, images, labels, 7).toByteArray())
                    .isEqualTo(pgd.perturb(model, images, labels, 7).toByteArray());
        }
    }

    @Test
    void verdictsAreThoseOfTheNetworkAsItIs() {
        VisionTransformer vit = network(1);
        try (TargetModel model = new TargetModel(vit, manager);
                TargetModel dense = new TargetModel(new DenseGate(vit), manager);
                TargetModel adaptive = model.withGradientsOf(new DenseGate(vit))) {
            TargetModel.LossGradient result = adaptive.gradient(images, loss());

            byte[] logits = model.predict(images).head().toByteArray();
            assertThat(dense.predict(images).head().toByteArray()).isNotEqualTo(logits);
            assertThat(adaptive.predict(images).head().toByteArray()).isEqualTo(logits);
            assertThat(result.logits().toByteArray()).isEqualTo(logits);
        }
    }

    @Test
    void gradientsReachTheExpertsThatAreSwitchedOff() {
        VisionTransformer vit = network(1);
        NDArray image = images.get("0:1");
        Function<NDList, NDArray> margin = outputs -> outputs.head().get(":, 0");
        try (TargetModel model = new TargetModel(vit, manager);
                TargetModel adaptive = model.withGradientsOf(new DenseGate(vit))) {
            double[] plain = Tensors.doubles(model.gradient(image, margin).gradient());
            double[] dense = Tensors.doubles(adaptive.gradient(image, margin).gradient());
            assertThat(dense).isNotEqualTo(plain);

            long switchedOff = model.predict(image).get(1).argMin().getLong();
            changeExpert(vit, switchedOff);

            assertThat(Tensors.doubles(model.gradient(image, margin).gradient()))
                    .isEqualTo(plain);
            assertThat(Tensors.doubles(adaptive.gradient(image, margin).gradient()))
                    .isNotEqualTo(dense);
        }
    }

    private static void changeExpert(VisionTransformer vit, long expert) {
        ReMoEBlock block = (ReMoEBlock) vit.getBlocks().get(0).getFeedForward();
        NDArray weights =
                block.getRegionalExperts().getParameters().get("weight2").getArray();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            weights.get(expert).muli(3);
        }
    }

    @Test
    void aNetworkWithoutReMoEBlocksIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DenseGate(TinyNetworks.plainVit()))
                .withMessageContaining("0 of them there and 0 elsewhere");
    }

    @Test
    void aBlockThatTheGateCannotReachIsRefused() {
        VisionTransformer vit = network(2);
        vit.getBlocks()
                .get(1)
                .replaceFeedForward(
                        feedForward -> new SequentialBlock()
                                .add(((ReMoEBlock) vit.getBlocks().get(0).getFeedForward())),
                        false);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new DenseGate(vit))
                .withMessageContaining("1 of them there and 1 elsewhere");
    }
}
