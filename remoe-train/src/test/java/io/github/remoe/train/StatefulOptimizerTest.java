package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.moe.GateType;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.SafeTensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

class StatefulOptimizerTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private enum Kind {
        SGD {
            @Override
            StatefulOptimizer create() {
                // The rate of every update differs.
                return TorchSgd.builder()
                        .setLearningRateTracker(new WarmUpCosine(0.1f, 2, 12, 0))
                        .optMomentum(0.9f)
                        .optWeightDecays(0.1f)
                        .build();
            }
        },
        SGD_WITHOUT_MOMENTUM {
            @Override
            StatefulOptimizer create() {
                return TorchSgd.builder()
                        .setLearningRateTracker(new WarmUpMilestones(0.1f, 3, 0.1f, 6))
                        .build();
            }
        },
        ADAMW {
            @Override
            StatefulOptimizer create() {
                return TorchAdamW.builder()
                        .setLearningRateTracker(new WarmUpCosine(0.1f, 2, 12, 0))
                        .optWeightDecays(0.1f)
                        .build();
            }
        };

        abstract StatefulOptimizer create();
    }

    private ParameterBlock network() {
        ParameterBlock network = new ParameterBlock()
                .with("weight", Parameter.Type.WEIGHT, 3, 2)
                .with("frozen", Parameter.Type.WEIGHT, 2)
                .with("bias", Parameter.Type.BIAS, 3);
        network.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        network.initialize(manager, DataType.FLOAT32, new Shape(1));
        network.getParameters().get("frozen").freeze(true);
        return network;
    }

    /** One step down the sum of w^2. */
    private static void step(ParameterBlock network, StatefulOptimizer optimizer) {
        for (String name : List.of("weight", "bias")) {
            NDArray weight = network.getParameters().get(name).getArray();
            Tensors.backward(() -> weight.square().sum());
        }
        network.update(optimizer);
    }

    private static void steps(ParameterBlock network, StatefulOptimizer optimizer, int count) {
        for (int i = 0; i < count; i++) {
            step(network, optimizer);
        }
    }

    private static double[] numbers(ParameterBlock network, String name) {
        return Tensors.doubles(network.getParameters().get(name).getArray());
    }

    private static void copy(ParameterBlock from, ParameterBlock to) {
        from.getParameters().forEach(p -> {
            NDArray values = to.getParameters().get(p.getKey()).getArray().stopGradient();
            values.subi(values.duplicate()).addi(p.getValue().getArray().stopGradient());
        });
    }

    @ParameterizedTest
    @EnumSource
    void aResumedRunGoesOnBitForBit(Kind kind, @TempDir Path folder) throws IOException {
        ParameterBlock whole = network();
        StatefulOptimizer optimizer = kind.create();
        steps(whole, optimizer, 4);
        Path file = folder.resolve("optimizer.safetensors");
        SafeTensors.save(file, optimizer.getState(whole, manager), Map.of());
        ParameterBlock resumed = network();
        copy(whole, resumed);
        steps(whole, optimizer, 5);

        StatefulOptimizer second = kind.create();
        second.load(resumed, SafeTensors.load(file, manager));
        assertThat(second.getUpdates()).isEqualTo(4);
        steps(resumed, second, 5);

        assertThat(numbers(resumed, "weight")).isEqualTo(numbers(whole, "weight"));
        assertThat(numbers(resumed, "bias")).isEqualTo(numbers(whole, "bias"));
        assertThat(second.getUpdates()).isEqualTo(9);
        // It would not without the state.
        ParameterBlock forgetful = network();
        copy(resumed, forgetful);
        step(resumed, second);
        step(forgetful, kind.create());
        assertThat(numbers(forgetful, "weight")).isNotEqualTo(numbers(resumed, "weight"));
    }

    @Test
    void theStateIsNamedByTheParameters() {
        ParameterBlock network = network();
        StatefulOptimizer adamW = Kind.ADAMW.create();

        assertThat(adamW.getState(network, manager)).hasSize(1);
        steps(network, adamW, 2);
        NDList state = adamW.getState(network, manager);

        assertThat(state.stream().map(NDArray::getName))
                .containsExactlyInAnyOrder(
                        "optimizer.updates",
                        "optimizer.firstMoment.weight",
                        "optimizer.secondMoment.weight",
                        "optimizer.firstMoment.bias",
                        "optimizer.secondMoment.bias");
        assertThat(state.get("optimizer.updates").toLongArray()).containsExactly(2, 0, 2);
        assertThat(state.get("optimizer.firstMoment.weight").getShape()).isEqualTo(new Shape(3, 2));
    }

    @Test
    void theStateIsACopy() {
        ParameterBlock network = network();
        StatefulOptimizer sgd = Kind.SGD.create();
        step(network, sgd);
        double[] before = velocity(sgd, network);

        // Neither the saved nor the loaded arrays are the optimizer's own.
        NDList saved = sgd.getState(network, manager);
        saved.get("optimizer.velocity.weight").addi(1);
        assertThat(velocity(sgd, network)).isEqualTo(before);
        sgd.load(network, saved);
        saved.close();

        assertThat(velocity(sgd, network)[0]).isEqualTo((float) before[0] + 1);
    }

    private double[] velocity(StatefulOptimizer optimizer, ParameterBlock network) {
        return Tensors.doubles(
                optimizer.getState(network, manager).get("optimizer.velocity.weight"));
    }

    @Test
    void aStateGoesToTheDevicesOfTheTrainer() {
        ParameterBlock network = network();
        StatefulOptimizer sgd = Kind.SGD.create();
        step(network, sgd);
        NDList state = sgd.getState(network, manager);
        ParameterBlock second = network();
        copy(network, second);
        StatefulOptimizer other = Kind.SGD.create();

        other.load(second, state, Device.cpu());
        step(network, sgd);
        step(second, other);

        assertThat(numbers(second, "weight")).isEqualTo(numbers(network, "weight"));
    }

    private void assertRefused(NDList state, String... messages) {
        ParameterBlock network = network();
        StatefulOptimizer sgd = Kind.SGD.create();
        step(network, sgd);
        double[] before = velocity(sgd, network);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> sgd.load(network, state))
                .withMessageContaining("saved state of the optimizer")
                .withMessageContaining("same network")
                .withMessageContainingAll(messages);

        assertThat(velocity(sgd, network)).isEqualTo(before);
        assertThat(sgd.getUpdates()).isEqualTo(1);
    }

    private NDList sgdState() {
        ParameterBlock network = network();
        StatefulOptimizer sgd = Kind.SGD.create();
        steps(network, sgd, 3);
        return sgd.getState(network, manager);
    }

    @Test
    void missingArraysAreNamed() {
        NDList state = sgdState();
        state.removeIf(array -> array.getName().endsWith("bias"));
        assertRefused(state, "lacks 'optimizer.velocity.bias'");
        assertRefused(new NDList(), "lacks 'optimizer.updates'");
    }

    @Test
    void unknownArraysAreNamed() {
        NDList state = sgdState();
        NDArray frozen = manager.zeros(new Shape(2));
        frozen.setName("optimizer.velocity.frozen");
        state.add(frozen);
        assertRefused(state, "1 unknown", "optimizer.velocity.frozen");

        ParameterBlock network = network();
        StatefulOptimizer adamW = Kind.ADAMW.create();
        step(network, adamW);
        assertRefused(adamW.getState(network, manager), "lacks 'optimizer.velocity.weight'");
    }

    @Test
    void arraysOfOtherShapesAreNamed() {
        NDList state = sgdState();
        state.removeIf(array -> array.getName().endsWith("weight"));
        NDArray turned = manager.zeros(new Shape(2, 3));
        turned.setName("optimizer.velocity.weight");
        state.add(turned);

        assertRefused(state, "'optimizer.velocity.weight'", "(2, 3)", "(3, 2)");
    }

    @Test
    void anArrayIsThereOnce() {
        NDList state = sgdState();
        state.add(state.head());

        assertRefused(state, "two arrays named");
    }

    @Test
    void theStateOfAnotherNetworkIsNotGiven() {
        ParameterBlock network = network();
        StatefulOptimizer sgd = Kind.SGD.create();
        step(network, sgd);

        assertThatIllegalStateException()
                .isThrownBy(() -> sgd.getState(network(), manager))
                .withMessageContaining("2 of the 2 updated parameters");
    }

    @ParameterizedTest
    @EnumSource
    void nothingStaysOpen(Kind kind) {
        ParameterBlock network = network();
        StatefulOptimizer optimizer = kind.create();
        step(network, optimizer);
        int before = manager.getManagedArrays().size();

        for (int i = 0; i < 5; i++) {
            try (NDManager copies = manager.newSubManager()) {
                optimizer.load(network, optimizer.getState(network, copies));
            }
        }

        assertThat(manager.getManagedArrays()).hasSize(before);
    }

    @Test
    void anotherThreadCanSaveLoadAndGoOn() throws Exception {
        // Autograd records on every thread but the one that loaded DJL.
        ParameterBlock network = network();
        ParameterBlock second = network();
        StatefulOptimizer here = Kind.ADAMW.create();
        StatefulOptimizer there = Kind.ADAMW.create();
        steps(network, here, 4);

        CompletableFuture.runAsync(() -> {
                    steps(second, there, 2);
                    there.load(second, there.getState(second, manager));
                    steps(second, there, 2);
                })
                .get();

        assertThat(numbers(second, "weight")).isEqualTo(numbers(network, "weight"));
    }

    @Test
    void theFirstUpdateCanHaveAnotherNumber() {
        List<Integer> asked = new ArrayList<>();
        Tracker spy = number -> {
            asked.add(number);
            return 0;
        };
        StatefulOptimizer sgd = TorchSgd.builder()
                .setLearningRateTracker(spy)
                .optBeginNumUpdate(10)
                .build();
        steps(network(), sgd, 2);

        assertThat(asked).containsExactly(11, 11, 12, 12);
        assertThat(sgd.getUpdates()).isEqualTo(2);
    }

    /** Which parameters an update with a gradient of zero changes: those that decay. */
    private static List<String> decayed(Block network, StatefulOptimizer optimizer) {
        List<String> changed = new ArrayList<>();
        network.getParameters().forEach(p -> {
            NDArray weight = p.getValue().getArray();
            double[] before = Tensors.doubles(weight);
            optimizer.update(p.getValue().getId(), weight, weight.getGradient());
            if (!Arrays.equals(before, Tensors.doubles(weight))) {
                changed.add(p.getKey());
            }
        });
        return changed;
    }

    /** Two layers, the first with 2 x 2 regions; nothing is zero. */
    private VisionTransformer reMoE(GateType gate) {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(4)
                .optPatchSize(2)
                .optEmbedDim(6)
                .optDepth(2)
                .optNumClasses(3)
                .optDistillationToken(true)
                .build();
        ReMoE.builder().optLayers(1).optGate(gate).build().insertInto(vit);
        vit.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), 0.5, 1)));
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    @Test
    void normsBiasesAndTokensCanBeLeftOutOfTheDecay() {
        VisionTransformer vit = reMoE(GateType.MLP);
        StatefulOptimizer sgd = TorchSgd.builder()
                .setLearningRateTracker(Tracker.fixed(0.5f))
                .optWeightDecays(0.5f)
                .optDecayWeightsOnly(vit)
                .build();

        assertThat(decayed(vit, sgd))
                .containsExactlyInAnyOrder(
                        "01patchEmbed_01proj_weight",
                        "02block_02attn_01qkv_weight",
                        "02block_02attn_02proj_weight",
                        "02block_04mlp_01globalExpert_01Linear_weight",
                        "02block_04mlp_01globalExpert_03Linear_weight",
                        "02block_04mlp_02gate_weight1",
                        "02block_04mlp_02gate_weight2",
                        "02block_04mlp_03centerExpert_weight1",
                        "02block_04mlp_03centerExpert_weight2",
                        "02block_04mlp_04regionalExperts_weight1",
                        "02block_04mlp_04regionalExperts_weight2",
                        "03block_02attn_01qkv_weight",
                        "03block_02attn_02proj_weight",
                        "03block_04mlp_01Linear_weight",
                        "03block_04mlp_03Linear_weight",
                        "05head_weight",
                        "06headDist_weight");
    }

    @Test
    void everythingDecaysByDefault() {
        VisionTransformer vit = reMoE(GateType.MLP);
        StatefulOptimizer adamW = TorchAdamW.builder()
                .setLearningRateTracker(Tracker.fixed(0.5f))
                .optWeightDecays(0.5f)
                .build();

        assertThat(decayed(vit, adamW)).isEqualTo(vit.getParameters().keys());
    }

    @Test
    void aNetworkThatHasGrownSinceIsRefused() {
        VisionTransformer vit = TinyNetworks.plainVit();
        StatefulOptimizer sgd = TorchSgd.builder()
                .setLearningRateTracker(Tracker.fixed(0.5f))
                .optDecayWeightsOnly(vit)
                .build();
        ReMoE.builder().optLayers(1).build().insertInto(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

        assertThatIllegalStateException()
                .isThrownBy(() -> decayed(vit, sgd))
                .withMessageContaining("ReMoE blocks inserted");
    }
}
