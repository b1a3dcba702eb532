package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;
import ai.djl.nn.transformer.TransformerEncoderBlock;

import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
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
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.stream.Collectors;

class BlockTreeTest {

    // A class token and 4 x 4 patches.
    private static final Shape TOKENS = new Shape(3, 17, 8);
    private static final BiPredicate<String, Block> FEED_FORWARD =
            (path, block) -> block instanceof PointwiseFeedForwardBlock;

    @TempDir
    private Path temp;

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Two of DJL's encoder blocks and a head. */
    private static SequentialBlock encoder() {
        return new SequentialBlock()
                .add(new TransformerEncoderBlock(8, 2, 12, 0.1f, Activation::gelu))
                .add(new TransformerEncoderBlock(8, 2, 12, 0.1f, Activation::gelu))
                .add(LambdaBlock.singleton(tokens -> tokens.get(":, 0"), "classToken"))
                .add(Linear.builder().setUnits(5).build());
    }

    private <B extends Block> B initialized(B block) {
        block.getParameters().forEach(p -> {
            Parameter.Type type = p.getValue().getType();
            if (type == Parameter.Type.WEIGHT || type == Parameter.Type.BIAS) {
                p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.4, 0.4));
            }
        });
        block.initialize(manager, DataType.FLOAT32, TOKENS);
        return block;
    }

    private NDArray tokens() {
        return Golden.tensor(manager, DataType.FLOAT32, "tokens", TOKENS.getShape());
    }

    private double[] outputs(Block block) {
        return Tensors.doubles(Tensors.forward(block, tokens()).head());
    }

    @ParameterizedTest
    @EnumSource(GateType.class)
    void aTrainedNetworkOfDjlStaysAsItWas(GateType gate) {
        SequentialBlock network = initialized(encoder());
        double[] before = outputs(network);
        Map<Parameter, float[]> weights = network.getParameters().values().stream()
                .collect(Collectors.toMap(p -> p, p -> p.getArray().toFloatArray()));

        List<String> replaced =
                ReMoE.builder().optGate(gate).build().insertInto(network, 4, 4, 1, FEED_FORWARD);

        assertThat(replaced)
                .containsExactly(
                        "01TransformerEncoderBlock/03outputBlock",
                        "02TransformerEncoderBlock/03outputBlock");
        assertThat(outputs(network)).usingComparatorWithPrecision(1e-6).containsExactly(before);
        assertThat(network.getParameters().values()).containsAll(weights.keySet());
        weights.forEach((parameter, values) ->
                assertThat(parameter.getArray().toFloatArray()).isEqualTo(values));
        assertThat(BlockTree.paths(network))
                .contains("02TransformerEncoderBlock/03outputBlock/01ReMoEBlock/01globalExpert");
    }

    @Test
    void theExpertsTakePartInTraining() {
        SequentialBlock network = initialized(encoder());
        ReMoE.builder().build().insertInto(network, 4, 4, 1, FEED_FORWARD);
        double[] before = outputs(network);

        Tensors.backward(
                () -> Tensors.forward(network, tokens()).head().square().sum());

        String expert = "01TransformerEncoderBlock_03outputBlock_01ReMoEBlock_04regionalExperts_";
        Parameter output = network.getParameters().get(expert + "weight2");
        assertThat(output.getArray().getGradient().abs().sum().getFloat()).isPositive();
        NDArray step = output.getArray().getGradient().mul(0.1);
        output.getArray().stopGradient().subi(step);
        assertThat(outputs(network)[0]).isNotCloseTo(before[0], within(1e-7));
    }

    @Test
    void whatIsSavedLoadsIntoTheSame() throws Exception {
        ReMoE remoe = ReMoE.builder().optTopK(4).build();
        SequentialBlock network = initialized(encoder());
        remoe.insertInto(network, 4, 4, 1, FEED_FORWARD);
        network.getParameters()
                .values()
                .forEach(p -> p.getArray().stopGradient().addi(0.01f));
        double[] expected = outputs(network);
        try (Model model = Model.newInstance("bert")) {
            model.setBlock(network);
            model.save(temp, "bert");
        }
        SequentialBlock again = encoder();
        remoe.insertInto(again, 4, 4, 1, FEED_FORWARD);
        try (Model model = Model.newInstance("bert")) {
            model.setBlock(again);
            model.load(temp);
            assertThat(outputs(again)).usingComparatorWithPrecision(1e-6).containsExactly(expected);
        }
    }

    @Test
    void aNetworkMayBeInitializedAfterwards() {
        SequentialBlock network = encoder();
        double[] expected = outputs(initialized(encoder()));

        ReMoE.builder().build().insertInto(network, 4, 4, 1, FEED_FORWARD);

        // Weights start by name, so the feed-forward networks' are given their old ones.
        network.getParameters().forEach(p -> {
            Parameter.Type type = p.getValue().getType();
            if (type == Parameter.Type.WEIGHT || type == Parameter.Type.BIAS) {
                String old = p.getKey().replace("_01ReMoEBlock_01globalExpert", "");
                if (!old.contains("ReMoEBlock")) {
                    p.getValue().setInitializer(Golden.initializer(old, -0.4, 0.4));
                }
            }
        });
        network.initialize(manager, DataType.FLOAT32, TOKENS);
        assertThat(outputs(network)).usingComparatorWithPrecision(1e-6).containsExactly(expected);
    }

    @Test
    void childrenOfASequenceAreExchanged() {
        Block shared = Linear.builder().setUnits(8).build();
        SequentialBlock network = initialized(new SequentialBlock()
                .add(shared)
                .addSingleton(Activation::relu)
                .add(shared)
                .add(Linear.builder().setUnits(2).build()));
        double[] before = outputs(network);
        List<String> paths = BlockTree.paths(network);

        assertThat(BlockTree.replace(
                        network,
                        (path, block) -> block == shared,
                        block -> new SequentialBlock().add(block).add(new LambdaBlock(x -> x))))
                .containsExactly("01Linear", "03Linear");

        assertThat(network.getChildren().get(0).getValue())
                .isSameAs(network.getChildren().get(2).getValue());
        assertThat(outputs(network)).isEqualTo(before);
        BlockTree.replace(
                network, (path, block) -> block instanceof SequentialBlock, block -> shared);
        assertThat(BlockTree.paths(network)).isEqualTo(paths);
    }

    @Test
    void theSlotsOfAVisionTransformerAreFilled() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .build();
        assertThat(ReMoE.builder()
                        .build()
                        .insertInto(vit, 4, 4, 1, (path, block) -> path.endsWith("mlp")))
                .hasSize(2);
        assertThat(vit.getBlocks().get(1).getFeedForward()).isInstanceOf(ReMoEBlock.class);
    }

    @Test
    void whatCannotBeReplacedIsSaid() {
        SequentialBlock network = encoder();
        List<String> before = BlockTree.paths(network);
        ReMoE remoe = ReMoE.builder().build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> remoe.insertInto(network, 4, 4, 1, (path, block) -> false))
                .withMessageContaining("No block matches")
                .withMessageContaining("01TransformerEncoderBlock/03outputBlock");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> remoe.insertInto(
                        network,
                        4,
                        4,
                        1,
                        (path, block) -> FEED_FORWARD.test(path, block)
                                || path.equals("02TransformerEncoderBlock/01selfAttention")))
                .withMessageContaining("in a TransformerEncoderBlock, which does not let go of it");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoE.builder()
                        .optLayers(1)
                        .build()
                        .insertInto(network, 4, 4, 1, FEED_FORWARD))
                .withMessageContaining("leave the layers [1] out");
        SequentialBlock trained = initialized(encoder());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> remoe.insertInto(trained, 5, 4, 1, FEED_FORWARD))
                .withMessageContaining("takes tokens of shape (B, 21, D)");
        assertThat(BlockTree.paths(trained)).isEqualTo(before);
        assertThat(BlockTree.paths(network)).isEqualTo(before);
        ParallelBlock parallel = new ParallelBlock(list -> list.get(0));
        parallel.add(Linear.builder().setUnits(8).build());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> BlockTree.replace(
                        parallel, (path, block) -> block instanceof Linear, block -> block))
                .withMessageContaining("in a ParallelBlock");
    }

    @Test
    void aLayerThatIsThereTwiceIsChangedOnce() {
        EncoderBlock layer = VisionTransformer.builder()
                .optEmbedDim(8)
                .optNumHeads(2)
                .optDepth(1)
                .build()
                .getBlocks()
                .get(0);
        SequentialBlock network = initialized(new SequentialBlock().add(layer).add(layer));
        double[] before = outputs(network);

        List<String> replaced = ReMoE.builder()
                .build()
                .insertInto(network, 4, 4, 1, (path, block) -> path.endsWith("mlp"));

        assertThat(replaced).containsExactly("01EncoderBlock/04mlp", "02EncoderBlock/04mlp");
        ReMoEBlock block = (ReMoEBlock) layer.getFeedForward();
        assertThat(block.getGlobalExpert()).isNotInstanceOf(ReMoEBlock.class);
        assertThat(outputs(network)).usingComparatorWithPrecision(1e-6).containsExactly(before);
    }

    @Test
    void aBlockThatOneHostKeepsAndAnotherDoesNotIsReplacedInBoth() {
        for (boolean keptFirst : new boolean[] {false, true}) {
            SequentialBlock shared = new SequentialBlock()
                    .add(Linear.builder().setUnits(8).build())
                    .add(Linear.builder().setUnits(8).build());
            ParallelBlock keeps = new ParallelBlock(list -> list.get(0)).add(shared);
            SequentialBlock network = initialized(
                    keptFirst
                            ? new SequentialBlock().add(keeps).add(shared)
                            : new SequentialBlock().add(shared).add(keeps));
            double[] before = outputs(network);

            List<String> replaced = ReMoE.builder()
                    .build()
                    .insertInto(network, 4, 4, 1, (path, block) -> block == shared);

            assertThat(replaced).hasSize(2);
            assertThat(outputs(network)).usingComparatorWithPrecision(1e-6).containsExactly(before);
            Block lone = network.getChildren().get(keptFirst ? 1 : 0).getValue();
            assertThat(lone).isInstanceOf(ReMoEBlock.class);
            assertThat(shared.getChildren().values()).containsExactly(lone);
        }
    }
}
