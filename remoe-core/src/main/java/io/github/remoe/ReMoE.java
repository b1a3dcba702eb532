package io.github.remoe;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;

import io.github.remoe.moe.GateType;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;

/**
 * The settings of a network's {@link ReMoEBlock}s, and their insertion into a {@link
 * VisionTransformer} or a network of somebody else's.
 *
 * <p>Insertion preserves the function: the feed-forward network of a chosen layer becomes the global
 * expert of that layer's block, the other experts start at zero, so every logit stays what it was
 * (unless the global expert is left out). That holds for a network before its initialisation as for
 * a trained one.
 *
 * <pre>{@code
 * VisionTransformer vit = Presets.builder("deit_tiny_patch4_32").optNumClasses(10).build();
 * ReMoE.builder().optRegions(2, 2).optTopK(2).build().insertInto(vit);
 * }</pre>
 *
 * @param layers the layers, counted from 1, that get a block; empty means {@link
 *     #defaultLayers(int)}
 * @param rows how many regions lie below each other
 * @param columns how many regions lie beside each other
 * @param centerRatio how much of each side the centre region spans; 0 is the default
 * @param gate the gate
 * @param topK how many regions of an image stay switched on
 * @param globalExpert whether the replaced feed-forward network stays as the global expert
 * @param centerExpert whether there is a centre expert
 * @param regionalExperts whether there are regional experts
 * @param bottleneckRatio the hidden width of the centre and regional experts as a fraction of the
 *     tokens' width
 * @param lambda1 the coefficient of the centre branch
 * @param lambda2 the coefficient of the regional branch
 */
public record ReMoE(
        List<Integer> layers,
        int rows,
        int columns,
        float centerRatio,
        GateType gate,
        int topK,
        boolean globalExpert,
        boolean centerExpert,
        boolean regionalExperts,
        float bottleneckRatio,
        float lambda1,
        float lambda2) {

    // The paper inserts at 6 and 10 of 12 layers; other depths get the same relative places.
    private static final int PAPER_DEPTH = 12;
    private static final List<Integer> PAPER_LAYERS = List.of(6, 10);

    /** Fills in what a file from before there was a choice does not name. */
    public ReMoE {
        centerRatio = centerRatio == 0 ? RegionGrid.DEFAULT_CENTER_RATIO : centerRatio;
    }

    /**
     * Creates a builder with the paper's defaults.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns the layers, counted from 1, that a network of some depth gets its blocks in unless told
     * otherwise: 6 and 10 of 12 (paper, section "Loss and Training"), and the same relative places
     * of other depths.
     *
     * @param depth the number of layers
     * @return the layers
     */
    public static List<Integer> defaultLayers(int depth) {
        return layersAt(PAPER_LAYERS, depth);
    }

    /**
     * Returns the layers of a network of some depth at the same relative places as layers of 12, the
     * depth of the paper's networks.
     *
     * @param ofTwelve layers of 12, counted from 1
     * @param depth the number of layers
     * @return the layers, each once
     */
    public static List<Integer> layersAt(List<Integer> ofTwelve, int depth) {
        return ofTwelve.stream()
                .map(layer -> Math.max(1, Math.round((float) layer * depth / PAPER_DEPTH)))
                .distinct()
                .toList();
    }

    /**
     * Returns the regions over the patches of a network.
     *
     * @param vit the network
     * @return the grid
     * @throws IllegalArgumentException if the regions do not fit the patch grid
     */
    public RegionGrid grid(VisionTransformer vit) {
        return new RegionGrid(vit.getGridSize(), vit.getGridSize(), rows, columns, centerRatio);
    }

    /**
     * Tells what would make a network's {@link ReMoEBlock}s in one without: inserting each of these
     * settings gives the same network.
     *
     * @param vit the network
     * @return the settings, one for all layers that have the same, each with its layers; none if the
     *     network has no blocks
     * @throws IllegalArgumentException if a block has a gate of the caller's own
     */
    public static List<ReMoE> of(VisionTransformer vit) {
        List<ReMoE> blocks = new ArrayList<>();
        for (int layer = 1; layer <= vit.getBlocks().size(); layer++) {
            if (vit.getBlocks().get(layer - 1).getFeedForward() instanceof ReMoEBlock block) {
                ReMoE settings = of(block);
                int same = 0;
                while (same < blocks.size()
                        && !blocks.get(same).at(settings.layers()).equals(settings)) {
                    same++;
                }
                if (same == blocks.size()) {
                    blocks.add(settings.at(List.of(layer)));
                } else {
                    List<Integer> layers = new ArrayList<>(blocks.get(same).layers());
                    layers.add(layer);
                    blocks.set(same, settings.at(List.copyOf(layers)));
                }
            }
        }
        return blocks;
    }

    private static ReMoE of(ReMoEBlock block) {
        RegionGrid grid = block.getGrid();
        return new ReMoE(
                List.of(),
                grid.rows(),
                grid.columns(),
                grid.centerRatio(),
                GateType.of(block.getGate()),
                block.getTopK(),
                block.getGlobalExpert() != null,
                block.getCenterExpert() != null,
                block.getRegionalExperts() != null,
                block.getBottleneckRatio(),
                block.getLambda1(),
                block.getLambda2());
    }

    private ReMoE at(List<Integer> layers) {
        return new ReMoE(
                layers,
                rows,
                columns,
                centerRatio,
                gate,
                topK,
                globalExpert,
                centerExpert,
                regionalExperts,
                bottleneckRatio,
                lambda1,
                lambda2);
    }

    /**
     * Puts a {@link ReMoEBlock} into the feed-forward slot of each chosen layer.
     *
     * <p>Insert before a {@link ai.djl.training.Trainer} is made: one that exists does not know the
     * new parameters. In the last layer of a network with a class token the centre and regional
     * experts reach no logit, since they change patches only.
     *
     * @param vit the network; if it is initialised, the new blocks are initialised at once, beside
     *     its parameters
     * @throws IllegalArgumentException if there is no such layer, a layer holds a block already, or
     *     the regions do not fit the patch grid; the network is then unchanged
     */
    public void insertInto(VisionTransformer vit) {
        int depth = vit.getBlocks().size();
        RegionGrid grid = grid(vit);
        List<Integer> chosen = layers.isEmpty() ? defaultLayers(depth) : layers;
        if (chosen.stream().distinct().count() < chosen.size()) {
            throw new IllegalArgumentException("A layer is named twice in " + chosen + ".");
        }
        for (int layer : chosen) {
            if (layer < 1 || layer > depth) {
                throw new IllegalArgumentException(String.format(
                        "There is no layer %d: the network has layers 1 to %d.", layer, depth));
            }
            if (vit.getBlocks().get(layer - 1).getFeedForward() instanceof ReMoEBlock) {
                throw new IllegalArgumentException(
                        String.format("Layer %d holds a ReMoE block already.", layer));
            }
        }
        boolean initialized = vit.isInitialized();
        for (int layer : chosen) {
            EncoderBlock encoder = vit.getBlocks().get(layer - 1);
            // Whatever the gate: the saliency of the patches can be asked for.
            encoder.replaceFeedForward(
                    feedForward -> createBlock(grid, vit.getPrefixTokens(), feedForward, false),
                    true);
        }
        if (initialized) {
            NDArray weight = vit.getParameters().valueAt(0).getArray();
            vit.initialize(weight.getManager(), weight.getDataType(), vit.inputShape(1));
        }
    }

    /**
     * Puts a {@link ReMoEBlock} in the place of every feed-forward network that matches, in a network
     * that is not this library's; {@link BlockTree} says where that can be done. What the network
     * computes stays the same.
     *
     * <pre>{@code
     * ReMoE.builder().build().insertInto(bert, 8, 8, 1, (path, block) -> path.endsWith("outputBlock"));
     * }</pre>
     *
     * <p>The blocks return tokens alone, since their hosts do not expect more: there are no region
     * weights beside the logits, and so no region losses. An {@link GateType#AEA} gate goes by the
     * similarity of the tokens, for such hosts do not hand out their attention.
     *
     * @param network the network; where it is initialised, new blocks are initialised at once
     * @param patchRows the patch rows that the tokens (B, prefixTokens + patchRows x patchColumns, D)
     *     stand for
     * @param patchColumns the patch columns
     * @param prefixTokens the number P of tokens before the patches; the first is taken for the class
     *     token
     * @param matcher which blocks are feed-forward networks to be replaced, by their path and the
     *     block; tokens (B,T,D) to tokens (B,T,D)
     * @return the paths of the blocks that were replaced
     * @throws IllegalArgumentException if layers are set, which the matcher chooses here, no block
     *     matches, one cannot be replaced, or the tokens do not fit the regions; the network is then
     *     unchanged
     */
    public List<String> insertInto(
            Block network,
            int patchRows,
            int patchColumns,
            int prefixTokens,
            BiPredicate<String, Block> matcher) {
        if (!layers.isEmpty()) {
            throw new IllegalArgumentException(String.format(
                    "The matcher chooses what is replaced; leave the layers %s out.", layers));
        }
        RegionGrid grid = new RegionGrid(patchRows, patchColumns, rows, columns, centerRatio);
        return BlockTree.replace(
                network,
                matcher,
                feedForward -> createBlock(grid, prefixTokens, feedForward, true));
    }

    private Block createBlock(
            RegionGrid grid, int prefixTokens, Block feedForward, boolean tokensOnly) {
        return ReMoEBlock.builder()
                .optTokensOnly(tokensOnly)
                .setGrid(grid)
                .optPrefixTokens(prefixTokens)
                .optGlobalExpert(globalExpert ? feedForward : null)
                .optGate(gate)
                .optTopK(topK)
                .optCenterExpert(centerExpert)
                .optRegionalExperts(regionalExperts)
                .optBottleneckRatio(bottleneckRatio)
                .optLambda1(lambda1)
                .optLambda2(lambda2)
                .build();
    }

    /** The Builder to construct a {@link ReMoE}. */
    public static final class Builder {

        private List<Integer> layers = List.of();
        private int rows = 2;
        private int columns = 2;
        private float centerRatio;
        private GateType gate = GateType.AEA;
        private int topK;
        private boolean globalExpert = true;
        private boolean centerExpert = true;
        private boolean regionalExperts = true;
        private float bottleneckRatio = 0.36f;
        private float lambda1 = 1;
        private float lambda2 = 1;

        private Builder() {}

        /**
         * Sets the layers that get a block; default {@link ReMoE#defaultLayers(int)}.
         *
         * @param layers layers, counted from 1, each at most once
         * @return this builder
         */
        public Builder optLayers(Integer... layers) {
            this.layers = List.of(layers);
            return this;
        }

        /**
         * Sets how the patch grid is cut into K = rows x columns regions; default 2 x 2.
         *
         * @param rows how many regions lie below each other
         * @param columns how many regions lie beside each other
         * @return this builder
         */
        public Builder optRegions(int rows, int columns) {
            this.rows = rows;
            this.columns = columns;
            return this;
        }

        /**
         * Sets how much of each side of the patch grid the centre region spans, rounded up to whole
         * patches; default 0.5, which is as large as one of 2 x 2 regions.
         *
         * @param centerRatio greater than 0 to 1; 0 is the default
         * @return this builder
         */
        public Builder optCenterRatio(float centerRatio) {
            this.centerRatio = centerRatio;
            return this;
        }

        /**
         * Sets the gate; default {@link GateType#AEA}.
         *
         * @param gate the gate
         * @return this builder
         */
        public Builder optGate(GateType gate) {
            this.gate = gate;
            return this;
        }

        /**
         * Sets how many regions of an image stay switched on; default 2, or K if that is less.
         *
         * @param topK 1 to K; K is dense
         * @return this builder
         */
        public Builder optTopK(int topK) {
            this.topK = topK;
            return this;
        }

        /**
         * Sets whether the replaced feed-forward network stays as the global expert; default true.
         *
         * @param globalExpert false to switch the branch off
         * @return this builder
         */
        public Builder optGlobalExpert(boolean globalExpert) {
            this.globalExpert = globalExpert;
            return this;
        }

        /**
         * Sets whether there is a centre expert; default true.
         *
         * @param centerExpert false to switch the branch off
         * @return this builder
         */
        public Builder optCenterExpert(boolean centerExpert) {
            this.centerExpert = centerExpert;
            return this;
        }

        /**
         * Sets whether there are regional experts; default true.
         *
         * @param regionalExperts false to switch the branch off
         * @return this builder
         */
        public Builder optRegionalExperts(boolean regionalExperts) {
            this.regionalExperts = regionalExperts;
            return this;
        }

        /**
         * Sets the hidden width of the centre and regional experts as a fraction of the tokens'
         * width; default 0.36.
         *
         * @param bottleneckRatio greater than 0
         * @return this builder
         */
        public Builder optBottleneckRatio(float bottleneckRatio) {
            this.bottleneckRatio = bottleneckRatio;
            return this;
        }

        /**
         * Sets the coefficient of the centre branch; default 1.
         *
         * @param lambda1 the coefficient
         * @return this builder
         */
        public Builder optLambda1(float lambda1) {
            this.lambda1 = lambda1;
            return this;
        }

        /**
         * Sets the coefficient of the regional branch; default 1.
         *
         * @param lambda2 the coefficient
         * @return this builder
         */
        public Builder optLambda2(float lambda2) {
            this.lambda2 = lambda2;
            return this;
        }

        /**
         * Builds the settings.
         *
         * @return the settings
         */
        public ReMoE build() {
            return new ReMoE(
                    layers,
                    rows,
                    columns,
                    centerRatio,
                    gate,
                    topK == 0 ? Math.min(ReMoEBlock.DEFAULT_TOP_K, rows * columns) : topK,
                    globalExpert,
                    centerExpert,
                    regionalExperts,
                    bottleneckRatio,
                    lambda1,
                    lambda2);
        }
    }
}
