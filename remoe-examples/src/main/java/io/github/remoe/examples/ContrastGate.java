package io.github.remoe.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.nn.Activation;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.ReMoE;
import io.github.remoe.moe.Gate;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.moe.RegionTransform;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

/** A gate of one's own: a region weighs as much as its tokens differ from their mean. */
public final class ContrastGate extends Gate {

    private final RegionTransform regions;

    /**
     * Creates a gate.
     *
     * @param grid the regions to weigh
     * @param prefixTokens the number of tokens before the patches
     */
    public ContrastGate(RegionGrid grid, int prefixTokens) {
        super(grid);
        regions = RegionTransform.ofRegions(grid, prefixTokens);
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        NDArray tokens = inputs.head(); // (B,T,D)
        NDArray mean = regions.mean(tokens); // (B,K,D)
        NDArray variance = regions.mean(tokens.mul(tokens)).sub(mean.mul(mean));
        // By rounding, a variance may come out a little below zero.
        return normalize(Activation.relu(variance.mean(new int[] {2}))); // W (B,K), mean 1
    }

    /**
     * Puts ReMoE blocks with this gate into a network.
     *
     * @param vit the network, not yet initialised
     */
    public static void insertInto(VisionTransformer vit) {
        RegionGrid grid = new RegionGrid(vit.getGridSize(), vit.getGridSize(), 2, 2);
        for (int layer : ReMoE.defaultLayers(vit.getBlocks().size())) {
            EncoderBlock encoder = vit.getBlocks().get(layer - 1);
            encoder.replaceFeedForward(
                    feedForward -> ReMoEBlock.builder()
                            .setGrid(grid)
                            .optPrefixTokens(vit.getPrefixTokens())
                            .optGlobalExpert(feedForward)
                            .optGate(new ContrastGate(grid, vit.getPrefixTokens()))
                            .build(),
                    false); // true hands the layer's attention (B,H,T,T) to the gate
        }
    }
}
