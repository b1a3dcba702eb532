package io.github.remoe.moe;

import static io.github.remoe.Tensors.doubles;
import static io.github.remoe.Tensors.forward;
import static io.github.remoe.Tensors.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParameterList;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.transformer.PointwiseFeedForwardBlock;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

class ReMoEBlockTest {

    // A class token, then
    // 0   1 |  2   3
    // 4   5*|  6*  7
    // ------+-------
    // 8   9*| 10* 11
    // 12 13 | 14  15     with the centre region starred.
    private static final RegionGrid GRID = new RegionGrid(4, 4, 2, 2);

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    // One image of one channel, token i being the number i; the global expert doubles it.
    private NDArray counted() {
        return manager.arange(17f).reshape(1, 17, 1);
    }

    private static Block twice() {
        return LambdaBlock.singleton(x -> x.mul(2));
    }

    private static ReMoEBlock.Builder uniform() {
        return ReMoEBlock.builder().setGrid(GRID).optPrefixTokens(1).optGate(GateType.UNIFORM);
    }

    // Experts that give a constant, whatever they see: 100 the centre expert, k the k-th regional.
    private ReMoEBlock constant(ReMoEBlock.Builder builder) {
        ReMoEBlock block = builder.build();
        if (block.getCenterExpert() != null) {
            start(block.getCenterExpert().getParameters().get("bias2"), 100);
        }
        if (block.getRegionalExperts() != null) {
            start(block.getRegionalExperts().getParameters().get("bias2"), 1, 2, 3, 4);
        }
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 17, 1));
        return block;
    }

    @Test
    void integrationAddsUpTheThreeBranches() {
        ReMoEBlock block = constant(uniform().optGlobalExpert(twice()));

        NDList output = forward(block, counted());

        assertThat(output.get(0).getShape()).isEqualTo(new Shape(1, 17, 1));
        // The class token gets 2 x 0; patch i gets 2 (i + 1) + its region + 100 in the centre.
        assertThat(doubles(output.get(0)))
                .containsExactly(
                        0, 2 + 1, 4 + 1, 6 + 2, 8 + 2, 10 + 1, 12 + 101, 14 + 102, 16 + 2, 18 + 3,
                        20 + 103, 22 + 104, 24 + 4, 26 + 3, 28 + 3, 30 + 4, 32 + 4);
        assertThat(doubles(output.get(1))).containsExactly(1, 1, 1, 1);
    }

    @Test
    void lambdasScaleTheCenterAndTheRegionalBranch() {
        ReMoEBlock block =
                constant(uniform().optGlobalExpert(twice()).optLambda1(0.5f).optLambda2(10));

        double[] z = doubles(forward(block, counted()).head());

        assertThat(z[0]).isEqualTo(0);
        assertThat(z[1]).isEqualTo(2 + 10 * 1);
        assertThat(z[6]).isEqualTo(12 + 0.5 * 100 + 10 * 1);
        assertThat(z[16]).isEqualTo(32 + 10 * 4);
    }

    @Test
    void oneRegionWithAUniformGateIsAPlainFfnOfTwoBranches() {
        Block ffn = new PointwiseFeedForwardBlock(List.of(24), 6, Activation::gelu);
        ReMoEBlock block = ReMoEBlock.builder()
                .setGrid(new RegionGrid(4, 4, 1, 1))
                .optPrefixTokens(1)
                .optGate(GateType.UNIFORM)
                .optGlobalExpert(ffn)
                .optCenterExpert(false)
                .build();
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 17, 6);
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDArray z = forward(block, tokens).head();

        ParameterList second = block.getRegionalExperts().getParameters();
        NDArray patches = tokens.get(":, 1:").reshape(32, 6);
        NDArray hidden = Activation.gelu(patches.matMul(matrix(second, "weight1"))
                .add(second.get("bias1").getArray().reshape(1, -1)));
        NDArray branch = hidden.matMul(matrix(second, "weight2"))
                .add(second.get("bias2").getArray().reshape(1, -1))
                .reshape(2, 16, 6);
        NDArray first = forward(ffn, tokens).head();
        assertThat(doubles(z.get(":, 0"))).isEqualTo(doubles(first.get(":, 0")));
        assertThat(doubles(z.get(":, 1:")))
                .containsExactly(doubles(first.get(":, 1:").add(branch)), within(1e-5));
        assertThat(branch.abs().min().getFloat()).isGreaterThan(1e-4f);
    }

    /** The only expert's matrix. */
    private static NDArray matrix(ParameterList experts, String name) {
        return experts.get(name).getArray().squeeze(0);
    }

    @Test
    void withoutTheGlobalExpertThePrefixTokensAreZero() {
        double[] z = doubles(forward(constant(uniform()), counted()).head());

        assertThat(z).containsExactly(0, 1, 1, 2, 2, 1, 101, 102, 2, 3, 103, 104, 4, 3, 3, 4, 4);
    }

    @Test
    void withoutTheCenterExpertTheRestStays() {
        ReMoEBlock block = constant(uniform().optCenterExpert(false));

        assertThat(block.getCenterExpert()).isNull();
        assertThat(doubles(forward(block, counted()).head()))
                .containsExactly(0, 1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4);
    }

    @Test
    void withoutTheRegionalExpertsTheWeightsStayInTheOutput() {
        ReMoEBlock block = constant(uniform().optRegionalExperts(false));

        NDList output = forward(block, counted());

        assertThat(block.getRegionalExperts()).isNull();
        assertThat(doubles(output.get(0)))
                .containsExactly(0, 0, 0, 0, 0, 0, 100, 100, 0, 0, 100, 100, 0, 0, 0, 0, 0);
        assertThat(doubles(output.get(1))).containsExactly(1, 1, 1, 1);
    }

    @Test
    void regionsThatRoutingSwitchesOffAddNothing() {
        ReMoEBlock block = constant(ReMoEBlock.builder()
                .setGrid(GRID)
                .optPrefixTokens(1)
                .optTopK(1)
                .optCenterExpert(false));
        // The class token looks at patch 3 alone, which lies in region 2.
        NDArray attention = manager.zeros(new Shape(1, 1, 17, 17));
        attention.set(new NDIndex("0, 0, 0, 4"), 1f);

        NDList output = forward(block, counted(), attention);

        // Region 2 carries all the weight, 4, and its expert gives 2.
        assertThat(doubles(output.get(1))).containsExactly(new double[] {0, 4, 0, 0}, within(1e-5));
        assertThat(doubles(output.get(0)))
                .containsExactly(
                        new double[] {0, 0, 0, 8, 8, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0},
                        within(1e-4));
    }

    @Test
    void tokensOnlyLeavesTheWeightsOutAndFitsASequence() {
        ReMoEBlock block = uniform()
                .optGlobalExpert(twice())
                .optTokensOnly(true)
                .optCenterExpert(false)
                .build();
        Block sequence = new SequentialBlock().add(twice()).add(block).add(twice());
        sequence.initialize(manager, DataType.FLOAT32, new Shape(1, 17, 1));

        NDList output = forward(sequence, counted());

        assertThat(output).hasSize(1);
        assertThat(doubles(output.head())).isEqualTo(doubles(counted().mul(8)));
        assertThat(sequence.getOutputShapes(new Shape[] {new Shape(1, 17, 1)}))
                .containsExactly(new Shape(1, 17, 1));
    }

    @Test
    void outputShapesAreTokensAndWeights() {
        assertThat(uniform().build().getOutputShapes(new Shape[] {new Shape(3, 17, 6)}))
                .containsExactly(new Shape(3, 17, 6), new Shape(3, 4));
    }

    @ParameterizedTest
    @EnumSource(GateType.class)
    void aFreshBlockComputesExactlyWhatItsGlobalExpertComputes(GateType gate) {
        Block global = new PointwiseFeedForwardBlock(List.of(24), 6, Activation::gelu);
        ReMoEBlock block = ReMoEBlock.builder()
                .setGrid(GRID)
                .optPrefixTokens(1)
                .optGlobalExpert(global)
                .optGate(gate)
                .build();
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 2, 17, 6);
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());

        double[] z = doubles(forward(block, tokens).head());

        assertThat(z).isEqualTo(doubles(forward(global, tokens).head()));
        assertThat(block.getGlobalExpert()).isSameAs(global);
    }

    @Test
    void theImagesOfABatchDoNotMix() {
        ReMoEBlock block = ReMoEBlock.builder()
                .setGrid(new RegionGrid(5, 3, 2, 2))
                .optGate(GateType.MLP)
                .build();
        block.getParameters()
                .forEach(p -> p.getValue().setInitializer(Golden.initializer(p.getKey(), -1, 1)));
        NDArray tokens = Golden.tensor(manager, DataType.FLOAT32, "x", 3, 15, 6);
        block.initialize(manager, DataType.FLOAT32, tokens.getShape());

        NDList together = forward(block, tokens);
        NDList alone = forward(block, tokens.get("1:2"));

        assertThat(doubles(together.get(0).get("1:2")))
                .containsExactly(doubles(alone.get(0)), within(1e-5));
        assertThat(doubles(together.get(1).get("1:2")))
                .containsExactly(doubles(alone.get(1)), within(1e-5));
    }

    @Test
    void anOwnGateTakesThePlaceOfTheNamedOne() {
        Gate gate = new MlpGate(GRID, 1, 2);

        ReMoEBlock block = uniform().optGate(gate).build();

        assertThat(block.getGate()).isSameAs(gate);
        assertThat(uniform().optGate(gate).optGate(GateType.AEA).build().getGate())
                .isInstanceOf(AeaGate.class);
    }

    @Test
    void topKIsTwoOrAllRegionsUnlessSet() {
        assertThat(uniform().build().getTopK()).isEqualTo(2);
        assertThat(ReMoEBlock.builder()
                        .setGrid(new RegionGrid(4, 4, 1, 1))
                        .build()
                        .getTopK())
                .isEqualTo(1);
        assertThat(uniform().optTopK(4).build().getTopK()).isEqualTo(4);
    }

    @Test
    void aBuilderBuildsOneBlockAfterAnother() {
        ReMoEBlock.Builder builder = uniform().optGate(GateType.MLP);
        ReMoEBlock first = builder.build();
        ReMoEBlock second = builder.setGrid(new RegionGrid(4, 4, 1, 1)).build();

        assertThat(second.getGate()).isNotSameAs(first.getGate());
        assertThat(second.getTopK()).isEqualTo(1);
    }

    @Test
    void aWrongNumberOfTokensIsToldWithTheRightOne() {
        ReMoEBlock block = constant(uniform());

        assertThatIllegalArgumentException()
                .isThrownBy(() -> forward(block, manager.zeros(new Shape(1, 16, 1))))
                .withMessage(
                        "This ReMoE block takes tokens of shape (B, 17, D): 1 prefix tokens and 4 x 4"
                                + " patches; got (1, 16, 1). Give the block the patch grid and the"
                                + " prefix tokens of its host.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform()
                        .build()
                        .initialize(manager, DataType.FLOAT32, new Shape(1, 18, 1)))
                .withMessageContaining("(B, 17, D)");
    }

    @Test
    void aGlobalExpertOfAnotherWidthIsRefused() {
        ReMoEBlock block =
                uniform().optGlobalExpert(Linear.builder().setUnits(3).build()).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> block.initialize(manager, DataType.FLOAT32, new Shape(2, 17, 5)))
                .withMessageContaining(
                        "The global expert makes (2, 17, 3) of tokens (2, 17, 5). It must keep");
    }

    @Test
    void oneExpertAtLeastIsOn() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform()
                        .optCenterExpert(false)
                        .optRegionalExperts(false)
                        .build())
                .withMessage("At least one of the global, centre and regional experts must be on.");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 5})
    void topKIsAtMostTheNumberOfRegions(int topK) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform().optTopK(topK).build())
                .withMessage("topK must be 1 to 4, the number of regions, got %d.", topK);
    }

    @Test
    void theGateWeighsTheRegionsOfTheBlock() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform()
                        .optGate(new UniformGate(new RegionGrid(4, 4, 1, 4)))
                        .build())
                .withMessageContaining("The gate weighs")
                .withMessageContaining("columns=4");
    }

    @Test
    void theGridMustBeSet() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ReMoEBlock.builder().build())
                .withMessageContaining("setGrid");
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void theBottleneckRatioIsPositive(float ratio) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform().optBottleneckRatio(ratio).build())
                .withMessageContaining("bottleneck ratio");
    }

    @Test
    void theLambdasAreFiniteAndThePrefixIsNotNegative() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform().optLambda1(Float.NaN).build())
                .withMessageContaining("finite");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform().optLambda2(Float.POSITIVE_INFINITY).build())
                .withMessageContaining("finite");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> uniform().optPrefixTokens(-1).build())
                .withMessageContaining("prefix tokens");
    }
}
