package io.github.remoe.vit;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EncoderBlockTest {

    private NDManager manager;
    private NDArray tokens;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 5, 6);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private EncoderBlock start(EncoderBlock block) {
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());
        return block;
    }

    private NDArray read(EncoderBlock block, int number) {
        PairList<String, Object> params = new PairList<>();
        params.add(EncoderBlock.TOKENS_READ, number);
        return block.forward(new ParameterStore(manager, false), new NDList(tokens), false, params)
                .head();
    }

    private static Block zero() {
        return LambdaBlock.singleton(x -> x.mul(0));
    }

    @Test
    void attentionAndFeedForwardAreAddedToTheTokens() {
        EncoderBlock block = start(new EncoderBlock(6, 2, VisionTransformer.linear(6), 0));

        NDArray norm1 = forward(block.getChildren().get("01norm1"), tokens).head();
        NDArray x = tokens.add(forward(block.getSelfAttention(), norm1).head());
        NDArray norm2 = forward(block.getChildren().get("03norm2"), x).head();
        NDArray expected = x.add(forward(block.getFeedForward(), norm2).head());

        assertThat(doubles(forward(block, tokens).head())).isEqualTo(doubles(expected));
    }

    @Test
    void theTokensReadAreThoseOfAllTokens() {
        EncoderBlock block = start(new EncoderBlock(6, 2, new Mlp(24, 6), 0));
        NDArray all = forward(block, tokens).head();

        NDArray read = read(block, 2);

        assertThat(doubles(read)).containsExactly(doubles(all.get(":, :2")), within(1e-6));
    }

    @Test
    void aNetworkThatMayMixTokensGetsAllOfThemWhateverIsRead() {
        EncoderBlock block = start(new EncoderBlock(6, 2, VisionTransformer.linear(6), 0));

        NDArray output = read(block, 2);

        assertThat(doubles(output)).isEqualTo(doubles(forward(block, tokens).head()));
    }

    @Test
    void gradientsOfTheTokensReadAreThoseOfAllTokens() {
        EncoderBlock block = start(new EncoderBlock(6, 2, new Mlp(24, 6), 0));
        tokens.setRequiresGradient(true);
        Tensors.backward(
                () -> forward(block, tokens).head().get(":, :1").square().sum());
        double[] expected = doubles(tokens.getGradient());
        tokens.getGradient().subi(tokens.getGradient());

        Tensors.backward(() -> read(block, 1).square().sum());

        assertThat(doubles(tokens.getGradient())).containsExactly(expected, within(1e-5));
    }

    @Test
    void theNormIsOverEachTokenWithTimmsEpsilon() {
        EncoderBlock block = new EncoderBlock(6, 2, zero(), 0);
        block.initialize(manager, DataType.FLOAT64, tokens.getShape());
        // Numbers as small as the epsilon 1e-6 is large: mean 0, variance 1e-6.
        NDArray tiny = manager.create(
                new double[] {1e-3, -1e-3, 1e-3, -1e-3, 1e-3, -1e-3}, new Shape(1, 1, 6));

        double[] normed =
                doubles(forward(block.getChildren().get("01norm1"), tiny).head());

        // 1e-3 / sqrt(1e-6 + 1e-6).
        double half = Math.sqrt(0.5);
        assertThat(normed)
                .containsExactly(
                        new double[] {half, -half, half, -half, half, -half}, within(1e-9));
    }

    @Test
    void aFeedForwardNetworkThatAsksForItSeesTheAttention() {
        EncoderBlock block = new EncoderBlock(6, 2, zero(), 0);
        block.replaceFeedForward(old -> new LambdaBlock(inputs -> inputs), true);
        start(block);

        NDList output = forward(block, tokens);

        // It handed on tokens and attention; the rows of the attention add up to 1.
        assertThat(output).hasSize(2);
        assertThat(output.get(1).getShape()).isEqualTo(new Shape(2, 2, 5, 5));
        assertThat(doubles(output.get(1).sum(new int[] {3})))
                .containsExactly(doubles(manager.ones(new Shape(20))), within(1e-6));
    }

    @Test
    void aReplacementThatDoesNotAskSeesTokensAlone() {
        EncoderBlock block = new EncoderBlock(6, 2, zero(), 0);
        block.replaceFeedForward(old -> new LambdaBlock(inputs -> inputs), true);
        block.replaceFeedForward(old -> new LambdaBlock(inputs -> inputs), false);
        start(block);

        assertThat(forward(block, tokens)).hasSize(1);
        // The attention does not hand out what nobody takes.
        assertThat(forward(block.getSelfAttention(), tokens)).hasSize(1);
    }

    @Test
    void aReplacementIsBuiltAroundThePresentBlockAndKeepsItsPlace() {
        Block first = zero();
        EncoderBlock block = new EncoderBlock(6, 2, first, 0);

        block.replaceFeedForward(old -> new SequentialBlock().add(old), false);

        assertThat(((SequentialBlock) block.getFeedForward())
                        .getChildren()
                        .get(0)
                        .getValue())
                .isSameAs(first);
        assertThat(block.getChildren().keys())
                .containsExactly("01norm1", "02attn", "03norm2", "04mlp");
    }
}
