package io.github.remoe.vit;

import static io.github.remoe.Tensors.backward;
import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.training.ParameterStore;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

class DropPathTest {

    private static final int IMAGES = 64;
    private static final int TOKENS = 3;
    private static final int DIM = 4;

    private NDManager manager;
    private NDArray tokens;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        tokens = Golden.tensor(manager, DataType.FLOAT32, "x", IMAGES, TOKENS, DIM);
        Engine.getInstance().setRandomSeed(3);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private EncoderBlock block(float rate, Block feedForward) {
        EncoderBlock block = new EncoderBlock(DIM, 2, feedForward, rate);
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());
        return block;
    }

    private NDArray trained(Block block, NDArray input) {
        return block.forward(new ParameterStore(manager, false), new NDList(input), true)
                .head();
    }

    /** The numbers of one image. */
    private static double[] image(NDArray array, int image) {
        return Arrays.copyOfRange(doubles(array), image * TOKENS * DIM, (image + 1) * TOKENS * DIM);
    }

    private static NDArray attention(EncoderBlock block, NDArray x) {
        NDArray normed = forward(block.getChildren().get("01norm1"), x).head();
        return forward(block.getSelfAttention(), normed).head();
    }

    private static NDArray feedForward(EncoderBlock block, NDArray x) {
        NDArray normed = forward(block.getChildren().get("03norm2"), x).head();
        return forward(block.getFeedForward(), normed).head();
    }

    @Test
    void eachBranchOfEachImageIsLeftOutOrScaled() {
        EncoderBlock block = block(0.5f, VisionTransformer.linear(DIM));
        NDArray output = trained(block, tokens);

        // What stays counts twice.
        NDArray attended = tokens.add(attention(block, tokens).mul(2));
        NDArray[] possible = {
            tokens,
            attended,
            tokens.add(feedForward(block, tokens).mul(2)),
            attended.add(feedForward(block, attended).mul(2))
        };
        int[] seen = new int[possible.length];
        for (int image = 0; image < IMAGES; image++) {
            double[] actual = image(output, image);
            int matches = 0;
            for (int i = 0; i < possible.length; i++) {
                double[] expected = image(possible[i], image);
                double largest = 0;
                for (int k = 0; k < expected.length; k++) {
                    largest = Math.max(largest, Math.abs(expected[k] - actual[k]));
                }
                if (i == 0 ? largest == 0 : largest < 1e-5) {
                    matches++;
                    seen[i]++;
                }
            }
            assertThat(matches).as("image %d", image).isEqualTo(1);
        }
        // A quarter each.
        for (int count : seen) {
            assertThat(count).isBetween(6, 28);
        }
    }

    @Test
    void onAverageNothingChanges() {
        // The feed-forward network gives ones, and the attention has no weights: 1 + the factor.
        EncoderBlock block =
                new EncoderBlock(DIM, 2, LambdaBlock.singleton(x -> x.onesLike()), 0.25f);
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer("", 0, 0)));
        NDArray many = manager.ones(new Shape(4000, 1, DIM));
        block.initialize(manager, DataType.FLOAT32, many.getShape());

        double[] added = doubles(trained(block, many).sub(1));

        int kept = 0;
        for (double number : added) {
            if (number != 0) {
                assertThat(number).isCloseTo(1 / 0.75, within(1e-6));
                kept++;
            }
        }
        // 0.75, with a standard deviation of 0.007; the numbers of an image agree.
        assertThat(kept / (double) added.length).isCloseTo(0.75, within(0.03));
        for (int i = 0; i < added.length; i++) {
            assertThat(added[i]).isEqualTo(added[i - i % DIM]);
        }
    }

    @Test
    void aBranchThatIsLeftOutGetsNoGradient() {
        EncoderBlock block = block(0.999f, VisionTransformer.linear(DIM));
        NDArray one = Golden.tensor(manager, DataType.FLOAT32, "x", 1, TOKENS, DIM);
        one.setRequiresGradient(true);

        backward(() -> trained(block, one).sum());

        assertThat(doubles(one.getGradient())).containsOnly(1);
        block.getParameters()
                .forEach(p -> assertThat(doubles(p.getValue().getArray().getGradient()))
                        .as(p.getKey())
                        .containsOnly(0));
    }

    @Test
    void gradientsOfWhatStaysAreScaled() {
        EncoderBlock block = block(0.5f, VisionTransformer.linear(DIM));

        backward(() -> trained(block, tokens).sum());

        // The last bias reaches every token of the images whose branch stays, twice.
        double[] slopes = doubles(
                block.getFeedForward().getParameters().get("bias").getArray().getGradient());
        for (double slope : slopes) {
            assertThat(slope % (2 * TOKENS)).isZero();
            assertThat(slope / (2 * TOKENS)).isBetween(16.0, 48.0);
        }
    }

    @Test
    void evaluationLeavesNothingOut() {
        Block plain = block(0, VisionTransformer.linear(DIM));
        Block dropping = block(0.5f, VisionTransformer.linear(DIM));

        assertThat(doubles(forward(dropping, tokens).head()))
                .isEqualTo(doubles(forward(plain, tokens).head()));
    }

    @Test
    void atRateZeroTrainingIsEvaluationAndDrawsNothing() {
        Block block = block(0, VisionTransformer.linear(DIM));
        Engine.getInstance().setRandomSeed(3);
        double[] next = doubles(manager.randomUniform(0, 1, new Shape(4)));
        Engine.getInstance().setRandomSeed(3);

        assertThat(doubles(trained(block, tokens)))
                .isEqualTo(doubles(forward(block, tokens).head()));
        assertThat(doubles(manager.randomUniform(0, 1, new Shape(4)))).isEqualTo(next);
    }

    @Test
    void theEnginesSeedRepeatsIt() {
        Block block = block(0.5f, VisionTransformer.linear(DIM));
        Engine.getInstance().setRandomSeed(11);
        double[] first = doubles(trained(block, tokens));
        double[] second = doubles(trained(block, tokens));
        Engine.getInstance().setRandomSeed(11);

        assertThat(doubles(trained(block, tokens))).isEqualTo(first).isNotEqualTo(second);
    }

    @Test
    void theRateRisesLinearlyFromLayerToLayer() {
        assertThat(rates(Presets.builder("vit_micro_patch4_32").optDepth(5).optDropPathRate(0.2f)))
                .containsExactly(new double[] {0, 0.05, 0.1, 0.15, 0.2}, within(1e-7));
        assertThat(rates(Presets.builder("vit_micro_patch4_32").optDepth(1).optDropPathRate(0.2f)))
                .containsExactly(0);
        assertThat(rates(Presets.builder("vit_micro_patch4_32")))
                .containsOnly(0)
                .hasSize(6);
    }

    private static double[] rates(VisionTransformer.Builder builder) {
        return builder.build().getBlocks().stream()
                .mapToDouble(EncoderBlock::getDropPathRate)
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 1, Float.NaN})
    void theRateIsBelowOne(float rate) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Presets.builder("vit_micro_patch4_32")
                        .optDropPathRate(rate)
                        .build())
                .withMessageContaining("drop path rate must be 0 to less than 1");
    }

    @Test
    void theRegionWeightsOfABranchThatIsLeftOutAreReturned() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .optDropPathRate(0.999f)
                .build();
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        NDArray images = manager.randomUniform(0, 1, vit.inputShape(2));

        NDList output = vit.forward(new ParameterStore(manager, false), new NDList(images), true);

        // They look at the attention before it is left out.
        assertThat(doubles(output.get(1)))
                .containsExactly(doubles(forward(vit, images).get(1)), within(1e-6));
        assertThat(doubles(output.head()))
                .isNotEqualTo(doubles(forward(vit, images).head()));
    }
}
