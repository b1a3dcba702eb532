package io.github.remoe.moe;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.training.ParameterStore;
import ai.djl.util.PairList;

import io.github.remoe.autograd.Constants;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Locale;

/**
 * A region-aware mixture of experts in the place of a feed-forward network (paper, section
 * "Method").
 *
 * <p>Input: tokens (B,T,D) with T = P + N, optionally followed by the attention probabilities
 * (B,H,T,T) of the same layer. Output: tokens (B,T,D), then the region weights W (B,K) as the gate
 * gives them (dense, mean 1), unless {@link Builder#optTokensOnly(boolean)} leaves them out; behind
 * them, if a forward pass asks for it by {@link #SALIENCY}, the saliency of the patches (B,N).
 *
 * <ul>
 *   <li>The global expert, any DJL block from (B,T,D) to (B,T,D), sees all tokens. It is the
 *       feed-forward network that this block replaces, so pretrained weights keep their value.
 *   <li>The centre expert and the K regional experts are bottlenecks that see the patches of their
 *       own region. Their output projections start at zero: a fresh block computes exactly what its
 *       global expert computes.
 *   <li>Routing keeps, for each image, the {@code topK} regions of the largest weights, rescaled to
 *       mean 1, and switches the others off; regions tied with the last one kept stay too.
 *   <li>Unified region integration adds up: Z = Z_global + lambda_1 Z_center + lambda_2 W (.)
 *       Z_region, zero where a branch does not reach.
 * </ul>
 *
 * <pre>{@code
 * Block remoe = ReMoEBlock.builder()
 *         .setGrid(new RegionGrid(8, 8, 2, 2)) // 8 x 8 patches, 2 x 2 regions
 *         .optPrefixTokens(1)                  // a class token before the patches
 *         .optGlobalExpert(feedForward)        // the block that it replaces
 *         .build();
 * }</pre>
 */
public final class ReMoEBlock extends AbstractBlock {

    /** How many regions of an image stay switched on unless told otherwise. */
    public static final int DEFAULT_TOP_K = 2;

    /**
     * An optional parameter of a forward pass, a Boolean: whether all regions stay switched on,
     * whatever top-k is. An attack's gradients reach the experts that routing switches off that way.
     */
    public static final String DENSE = "dense";

    /**
     * An optional parameter of a forward pass, a Boolean: whether the saliency s of the patches (B,N),
     * row by row, follows the region weights. An {@link AeaGate} makes W of it; with another gate it
     * tells where the attention of the layer goes, and W has nothing to do with it.
     */
    public static final String SALIENCY = "saliency";

    private static final byte VERSION = 1;

    private final RegionGrid grid;
    private final int prefixTokens;
    private final int topK;
    private final float bottleneckRatio;
    private final float lambda1;
    private final float lambda2;
    private final boolean tokensOnly;

    private final Block globalExpert;
    private final Gate gate;
    private final Saliency saliency;
    private final RegionExperts centerExpert;
    private final RegionTransform center;
    private final RegionExperts regionalExperts;
    private final RegionTransform regions;

    private ReMoEBlock(Builder builder, int topK, Gate gate) {
        super(VERSION);
        grid = builder.grid;
        prefixTokens = builder.prefixTokens;
        this.topK = topK;
        bottleneckRatio = builder.bottleneckRatio;
        lambda1 = builder.lambda1;
        lambda2 = builder.lambda2;
        tokensOnly = builder.tokensOnly;

        globalExpert = builder.globalExpert == null
                ? null
                : addChildBlock("globalExpert", builder.globalExpert);
        this.gate = addChildBlock("gate", gate);
        saliency = new Saliency(prefixTokens);
        center = RegionTransform.ofCenter(grid, prefixTokens);
        centerExpert = builder.centerExpert
                ? addChildBlock("centerExpert", new RegionExperts(1, builder.bottleneckRatio))
                : null;
        regions = RegionTransform.ofRegions(grid, prefixTokens);
        regionalExperts = builder.regionalExperts
                ? addChildBlock(
                        "regionalExperts", new RegionExperts(grid.size(), builder.bottleneckRatio))
                : null;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    protected NDList forwardInternal(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        checkTokens(inputs.head().getShape());
        NDList outputs = new NDList();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList tokens = new NDList(inputs.head());
            NDArray weights = gate.forward(parameterStore, inputs, training).singletonOrThrow();

            NDList branches = new NDList();
            if (regionalExperts != null) {
                NDList patches = new NDList(regions.toRegions(tokens.head()));
                NDArray y = regionalExperts
                        .forward(parameterStore, patches, training)
                        .head();
                NDArray routed = scale(isOn(DENSE, params) ? weights : route(weights), lambda2);
                branches.add(regions.toTokens(regions.weigh(y, routed)));
            }
            if (centerExpert != null) {
                NDList patches = new NDList(center.toRegions(tokens.head()));
                NDArray y =
                        centerExpert.forward(parameterStore, patches, training).head();
                branches.add(center.toTokens(scale(y, lambda1)));
            }
            if (globalExpert != null) {
                branches.add(
                        globalExpert.forward(parameterStore, tokens, training).head());
            }
            // R2P makes arrays that nobody else holds, so the other branches are added in place.
            NDArray z = branches.stream().reduce(NDArray::addi).orElseThrow();

            outputs.add(z);
            if (!tokensOnly) {
                outputs.add(weights);
                if (isOn(SALIENCY, params)) {
                    outputs.add(saliency.of(inputs).get(":, {}:", prefixTokens));
                }
            }
            NDScope.unregister(outputs);
        }
        outputs.forEach(NDScope::register);
        return outputs;
    }

    /**
     * Keeps the {@code topK} largest weights of each image, rescaled to mean 1, and zeroes the rest.
     *
     * @param weights the gate's weights W (B,K)
     * @return the weights (B,K) that multiply the regional experts' outputs
     */
    public NDArray route(NDArray weights) {
        if (topK == grid.size()) {
            return weights;
        }
        NDArray largest = weights.stopGradient().topK(topK, 1, true, true).get(0);
        NDArray smallestKept = largest.get(":, {}:", topK - 1);
        NDArray kept = weights.mul(weights.gte(smallestKept).toType(weights.getDataType(), false));
        return kept.div(kept.mean(new int[] {1}, true));
    }

    private static boolean isOn(String name, PairList<String, Object> params) {
        return params != null && Boolean.TRUE.equals(params.get(name));
    }

    private static NDArray scale(NDArray array, float lambda) {
        return lambda == 1 ? array : array.mul(Constants.scalar(array, lambda));
    }

    private void checkTokens(Shape shape) {
        if (shape.dimension() != 3 || shape.get(1) != prefixTokens + grid.patches()) {
            throw new IllegalArgumentException(String.format(
                    "This ReMoE block takes tokens of shape (B, %d, D): %d prefix tokens"
                            + " and %d x %d patches; got %s. Give the block the patch grid"
                            + " and the prefix tokens of its host.",
                    prefixTokens + grid.patches(),
                    prefixTokens,
                    grid.patchRows(),
                    grid.patchColumns(),
                    shape));
        }
    }

    private void checkGlobalExpert(Shape tokens) {
        Shape output = globalExpert.getOutputShapes(new Shape[] {tokens})[0];
        if (!output.equals(tokens)) {
            throw new IllegalArgumentException(String.format(
                    "The global expert makes %s of tokens %s. It must keep their shape, since the other"
                            + " experts' outputs are added to it.",
                    output, tokens));
        }
    }

    /** {@inheritDoc} */
    @Override
    protected void beforeInitialize(Shape... inputShapes) {
        checkTokens(inputShapes[0]);
        super.beforeInitialize(inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        Shape tokens = inputShapes[0];
        long batch = tokens.get(0);
        long dim = tokens.get(2);
        if (globalExpert != null) {
            globalExpert.initialize(manager, dataType, tokens);
            checkGlobalExpert(tokens);
        }
        gate.initialize(manager, dataType, inputShapes);
        if (centerExpert != null) {
            Shape patches = new Shape(batch, center.maxSize(), 1, dim);
            centerExpert.initialize(manager, dataType, patches);
        }
        if (regionalExperts != null) {
            Shape patches = new Shape(batch, regions.maxSize(), grid.size(), dim);
            regionalExperts.initialize(manager, dataType, patches);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        Shape weights = gate.getOutputShapes(inputShapes)[0];
        return tokensOnly ? new Shape[] {inputShapes[0]} : new Shape[] {inputShapes[0], weights};
    }

    /** {@inheritDoc} */
    @Override
    protected void saveMetadata(DataOutputStream os) throws IOException {
        os.writeUTF(describe());
        super.saveMetadata(os);
    }

    /** {@inheritDoc} */
    @Override
    public void loadMetadata(byte loadVersion, DataInputStream is)
            throws IOException, MalformedModelException {
        if (loadVersion != VERSION) {
            throw new MalformedModelException("Unsupported version of the ReMoE block: "
                    + loadVersion + ", expected " + VERSION + ".");
        }
        String saved = is.readUTF();
        if (!saved.equals(describe())) {
            throw new MalformedModelException(String.format(
                    "The parameters were saved from a ReMoE block with %s, but this one has"
                            + " %s. Build the block as it was when it was saved.",
                    saved, describe()));
        }
        readInputShapes(is);
    }

    /** What parameters depend on; top-k and the lambdas may change between saving and loading. */
    private String describe() {
        Region center = grid.center();
        RegionGrid usual =
                new RegionGrid(grid.patchRows(), grid.patchColumns(), grid.rows(), grid.columns());
        // The usual centre goes without saying, as in files from before there were others.
        String centerName = center.equals(usual.center())
                ? " center"
                : String.format(" center of %d x %d patches", center.height(), center.width());
        return String.format(
                Locale.ROOT,
                "%d x %d regions over %d x %d patches after %d prefix tokens, %s, experts:%s%s%s",
                grid.rows(),
                grid.columns(),
                grid.patchRows(),
                grid.patchColumns(),
                prefixTokens,
                gate.getClass().getSimpleName(),
                globalExpert == null ? "" : " global",
                centerExpert == null ? "" : centerName,
                regionalExperts == null ? "" : " regional");
    }

    /**
     * Returns the regions.
     *
     * @return the grid
     */
    public RegionGrid getGrid() {
        return grid;
    }

    /**
     * Returns the gate.
     *
     * @return the gate
     */
    public Gate getGate() {
        return gate;
    }

    /**
     * Returns how many regions of an image stay switched on.
     *
     * @return 1 to K
     */
    public int getTopK() {
        return topK;
    }

    /**
     * Returns the hidden width of the centre and regional experts.
     *
     * @return the width as a fraction of the tokens' width
     */
    public float getBottleneckRatio() {
        return bottleneckRatio;
    }

    /**
     * Returns the coefficient of the centre branch.
     *
     * @return lambda_1
     */
    public float getLambda1() {
        return lambda1;
    }

    /**
     * Returns the coefficient of the regional branch.
     *
     * @return lambda_2
     */
    public float getLambda2() {
        return lambda2;
    }

    /**
     * Returns the global expert.
     *
     * @return the block, or null if it is switched off
     */
    public Block getGlobalExpert() {
        return globalExpert;
    }

    /**
     * Returns the centre expert.
     *
     * @return the block of one expert, or null if it is switched off
     */
    public RegionExperts getCenterExpert() {
        return centerExpert;
    }

    /**
     * Returns the regional experts.
     *
     * @return the block of K experts, or null if they are switched off
     */
    public RegionExperts getRegionalExperts() {
        return regionalExperts;
    }

    /** The Builder to construct a {@link ReMoEBlock}. */
    public static final class Builder {

        private RegionGrid grid;
        private int prefixTokens;
        private Block globalExpert;
        private GateType gateType = GateType.AEA;
        private Gate gate;
        private int topK;
        private boolean centerExpert = true;
        private boolean regionalExperts = true;
        private float bottleneckRatio = 0.36f;
        private float lambda1 = 1;
        private float lambda2 = 1;
        private boolean tokensOnly;

        private Builder() {}

        /**
         * Sets the regions over the host's patch grid.
         *
         * @param grid the grid
         * @return this builder
         */
        public Builder setGrid(RegionGrid grid) {
            this.grid = grid;
            return this;
        }

        /**
         * Sets the number P of tokens before the patches; default 0. The first of them, if any, is
         * taken for the class token.
         *
         * @param prefixTokens the number of prefix tokens
         * @return this builder
         */
        public Builder optPrefixTokens(int prefixTokens) {
            this.prefixTokens = prefixTokens;
            return this;
        }

        /**
         * Sets the global expert, usually the feed-forward network that this block replaces.
         *
         * @param globalExpert a block from (B,T,D) to (B,T,D); none (the default) switches the
         *     branch off
         * @return this builder
         */
        public Builder optGlobalExpert(Block globalExpert) {
            this.globalExpert = globalExpert;
            return this;
        }

        /**
         * Sets the gate by its type; default {@link GateType#AEA}.
         *
         * @param gateType the type
         * @return this builder
         */
        public Builder optGate(GateType gateType) {
            this.gateType = gateType;
            gate = null;
            return this;
        }

        /**
         * Sets a gate of one's own.
         *
         * @param gate a gate over the same grid
         * @return this builder
         */
        public Builder optGate(Gate gate) {
            this.gate = gate;
            return this;
        }

        /**
         * Sets how many regions of an image stay switched on; default 2, or K if that is less.
         *
         * @param topK 1 to K; K is dense; 0 is the default
         * @return this builder
         */
        public Builder optTopK(int topK) {
            this.topK = topK;
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
         * Sets whether there are regional experts; default true. Without them the gate still gives
         * W, which the region losses look at.
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
         * Sets whether the output is the tokens alone, for hosts that take one array, such as a
         * {@link ai.djl.nn.SequentialBlock}; default false.
         *
         * @param tokensOnly true to leave the region weights out
         * @return this builder
         */
        public Builder optTokensOnly(boolean tokensOnly) {
            this.tokensOnly = tokensOnly;
            return this;
        }

        /**
         * Builds the block.
         *
         * @return the block, not yet initialised
         * @throws IllegalArgumentException if a setting is missing or out of range
         */
        public ReMoEBlock build() {
            require(grid != null, "Set the region grid: setGrid(new RegionGrid(...)).");
            require(prefixTokens >= 0, "The prefix tokens cannot be %d.", prefixTokens);
            int kept = topK == 0 ? Math.min(DEFAULT_TOP_K, grid.size()) : topK;
            require(
                    kept >= 1 && kept <= grid.size(),
                    "topK must be 1 to %d, the number of regions, got %d.",
                    grid.size(),
                    kept);
            require(
                    bottleneckRatio > 0 && bottleneckRatio < Float.POSITIVE_INFINITY,
                    "The bottleneck ratio must be greater than 0, got %s.",
                    bottleneckRatio);
            require(
                    Float.isFinite(lambda1) && Float.isFinite(lambda2),
                    "lambda_1 and lambda_2 must be finite, got %s and %s.",
                    lambda1,
                    lambda2);
            require(
                    globalExpert != null || centerExpert || regionalExperts,
                    "At least one of the global, centre and regional experts must be on.");
            Gate weigher =
                    gate == null ? gateType.create(grid, prefixTokens, bottleneckRatio) : gate;
            require(
                    weigher.getGrid().equals(grid),
                    "The gate weighs %s, but the block has %s.",
                    weigher.getGrid(),
                    grid);
            return new ReMoEBlock(this, kept, weigher);
        }

        private static void require(boolean condition, String message, Object... values) {
            if (!condition) {
                throw new IllegalArgumentException(String.format(message, values));
            }
        }
    }
}
