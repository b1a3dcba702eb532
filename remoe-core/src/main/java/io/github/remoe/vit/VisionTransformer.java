package io.github.remoe.vit;

import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.AbstractBlock;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.NormalInitializer;
import ai.djl.training.initializer.TruncatedNormalInitializer;
import ai.djl.util.PairList;

import io.github.remoe.autograd.Constants;
import io.github.remoe.nn.Linear;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * The vision transformer (ViT, Dosovitskiy et al. 2021; DeiT, Touvron et al. 2021).
 *
 * <p>Input: images (B,3,h,w), float32 pixels in [0,1], RGB. Output: logits (B,classes), followed by
 * whatever the feed-forward networks return beyond their tokens, in layer order (a {@code
 * ReMoEBlock} returns its region weights there). The pixels are normalised by the network itself, so
 * an attack works in pixel space and a caller cannot forget to do it. The optional parameters of a
 * forward pass go on to every feed-forward network.
 *
 * <pre>{@code
 * VisionTransformer vit = Presets.builder("deit_tiny_patch4_32").optNumClasses(10).build();
 * vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
 * }</pre>
 */
public final class VisionTransformer extends AbstractBlock {

    private static final byte VERSION = 1;
    private static final int CHANNELS = 3;
    // timm's initial standard deviation of projections, position embedding and tokens.
    static final float INIT_STD = 0.02f;
    private static final float LAYER_NORM_EPSILON = 1e-6f;

    private final int imageSize;
    private final int patchSize;
    private final int embedDim;
    private final int numHeads;
    private final int numClasses;
    private final float mlpRatio;
    private final boolean classToken;
    private final float[] mean;
    private final float[] std;

    private final Parameter clsToken;
    private final Parameter distToken;
    private final Parameter posEmbed;
    private final PatchEmbedding patchEmbed;
    private final List<EncoderBlock> blocks;
    private final LayerNorm norm;
    private final Linear head;
    private final Linear headDist;

    private VisionTransformer(Builder builder, Supplier<Block> feedForwards) {
        super(VERSION);
        imageSize = builder.imageSize;
        patchSize = builder.patchSize;
        embedDim = builder.embedDim;
        numHeads = builder.numHeads;
        numClasses = builder.numClasses;
        mlpRatio = builder.feedForward == null ? builder.mlpRatio : 0;
        classToken = builder.classToken;
        mean = builder.mean;
        std = builder.std;

        clsToken = classToken ? addToken("clsToken", 1) : null;
        distToken = builder.distillationToken ? addToken("distToken", 1) : null;
        posEmbed = addToken("posEmbed", getPrefixTokens() + getGridSize() * getGridSize());
        if (classToken) {
            // Next to nothing, as in timm: the class token starts as its position embedding.
            clsToken.setInitializer(new NormalInitializer(1e-6f));
        }

        patchEmbed = addChildBlock("patchEmbed", new PatchEmbedding(patchSize, embedDim));
        List<EncoderBlock> layers = new ArrayList<>();
        for (int i = 0; i < builder.depth; i++) {
            float dropPathRate = i == 0 ? 0 : builder.dropPathRate * i / (builder.depth - 1);
            EncoderBlock layer =
                    new EncoderBlock(embedDim, numHeads, feedForwards.get(), dropPathRate);
            layers.add(addChildBlock("block", layer));
        }
        blocks = Collections.unmodifiableList(layers);
        norm = addChildBlock("norm", layerNorm());
        head = addChildBlock("head", linear(numClasses));
        headDist = distToken == null ? null : addChildBlock("headDist", linear(numClasses));
    }

    /**
     * Creates a builder; {@link Presets#builder(String)} starts from a named size.
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
        NDArray images = inputs.singletonOrThrow();
        checkImages(images.getShape());

        NDArray x = embed(parameterStore, images, training);
        NDList extras = new NDList();
        EncoderBlock last = blocks.get(blocks.size() - 1);
        for (EncoderBlock block : blocks) {
            NDList output = block.forward(
                    parameterStore,
                    new NDList(x),
                    training,
                    block == last ? withTokensRead(params) : params);
            // The caller's handle is enough: autograd keeps what it needs of the layer's input.
            x.close();
            x = output.head();
            extras.addAll(output.subNDList(1));
        }
        NDList outputs = new NDList(classify(parameterStore, x, training));
        outputs.addAll(extras);
        return outputs;
    }

    /** Nothing reads the patches of the last layer if there is a class token. */
    private PairList<String, Object> withTokensRead(PairList<String, Object> params) {
        PairList<String, Object> all = new PairList<>();
        if (params != null) {
            all.addAll(params);
        }
        if (classToken) {
            all.add(EncoderBlock.TOKENS_READ, getPrefixTokens());
        }
        return all;
    }

    /** Pixels (B,3,h,w) to tokens (B,T,D): normalise, cut, put the prefix in front, add places. */
    private NDArray embed(ParameterStore parameterStore, NDArray images, boolean training) {
        NDArray tokens;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDManager manager = images.getManager();
            NDArray normalized =
                    images.sub(perChannel(manager, mean)).divi(perChannel(manager, std));
            NDArray patches = patchEmbed
                    .forward(parameterStore, new NDList(normalized), training)
                    .singletonOrThrow();

            NDList parts = new NDList();
            Shape prefixShape = new Shape(images.getShape().get(0), 1, embedDim);
            for (Parameter token : Arrays.asList(clsToken, distToken)) {
                if (token != null) {
                    parts.add(
                            value(parameterStore, token, images, training).broadcast(prefixShape));
                }
            }
            parts.add(patches);
            tokens = NDArrays.concat(parts, 1)
                    .add(value(parameterStore, posEmbed, images, training));
            // A result belongs to its first operand's manager, here that of the parameters, which
            // would keep every activation of the network for as long as the network lives.
            tokens.attach(manager);
            NDScope.unregister(tokens);
        }
        NDScope.register(tokens);
        return tokens;
    }

    /** Tokens (B,T,D) to logits (B,classes). */
    private NDArray classify(ParameterStore parameterStore, NDArray tokens, boolean training) {
        if (!classToken) {
            NDArray pooled = norm(parameterStore, tokens.mean(new int[] {1}), training);
            return head.forward(parameterStore, new NDList(pooled), training).head();
        }
        NDArray prefix = norm(parameterStore, tokens.get(":, :{}", getPrefixTokens()), training);
        NDArray logits = head.forward(parameterStore, new NDList(prefix.get(":, 0")), training)
                .head();
        if (headDist == null) {
            return logits;
        }
        NDArray distilled = headDist.forward(
                        parameterStore, new NDList(prefix.get(":, 1")), training)
                .head();
        return logits.add(distilled).mul(Constants.scalar(logits, 0.5));
    }

    private static NDArray perChannel(NDManager manager, float[] values) {
        return Constants.of(manager, values, new Shape(1, CHANNELS, 1, 1));
    }

    private NDArray norm(ParameterStore parameterStore, NDArray tokens, boolean training) {
        return norm.forward(parameterStore, new NDList(tokens), training).singletonOrThrow();
    }

    private static NDArray value(
            ParameterStore parameterStore, Parameter parameter, NDArray images, boolean training) {
        return parameterStore.getValue(parameter, images.getDevice(), training);
    }

    private void checkImages(Shape shape) {
        if (shape.dimension() != 4
                || shape.get(1) != CHANNELS
                || shape.get(2) != imageSize
                || shape.get(3) != imageSize) {
            throw new IllegalArgumentException(String.format(
                    "This vision transformer takes images of shape (B, 3, %d, %d), got %s."
                            + " Resize the images, or build the network for their size.",
                    imageSize, imageSize, shape));
        }
    }

    /** {@inheritDoc} */
    @Override
    protected void beforeInitialize(Shape... inputShapes) {
        checkImages(inputShapes[0]);
        super.beforeInitialize(inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    protected void initializeChildBlocks(
            NDManager manager, DataType dataType, Shape... inputShapes) {
        long batch = inputShapes[0].get(0);
        patchEmbed.initialize(manager, dataType, inputShapes);
        for (EncoderBlock block : blocks) {
            block.initialize(manager, dataType, tokenShape(batch));
        }
        norm.initialize(manager, dataType, tokenShape(batch));
        head.initialize(manager, dataType, new Shape(batch, embedDim));
        if (headDist != null) {
            headDist.initialize(manager, dataType, new Shape(batch, embedDim));
        }
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        long batch = inputShapes[0].get(0);
        List<Shape> shapes = new ArrayList<>(List.of(new Shape(batch, numClasses)));
        for (EncoderBlock block : blocks) {
            Shape[] outputs = block.getOutputShapes(new Shape[] {tokenShape(batch)});
            shapes.addAll(Arrays.asList(outputs).subList(1, outputs.length));
        }
        return shapes.toArray(new Shape[0]);
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
            throw new MalformedModelException("Unsupported version of the vision transformer: "
                    + loadVersion + ", expected " + VERSION + ".");
        }
        String saved = is.readUTF();
        if (!saved.equals(describe())) {
            throw new MalformedModelException(String.format(
                    "The parameters were saved from a network of %s, but this one has %s."
                            + " Build the network as it was when it was saved.",
                    saved, describe()));
        }
        readInputShapes(is);
        // DJL names the inputs only when it initialises a block, and saves none without names.
        super.beforeInitialize(inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    public void loadParameters(NDManager manager, DataInputStream is)
            throws IOException, MalformedModelException {
        try {
            super.loadParameters(manager, is);
        } catch (EOFException e) {
            throw new MalformedModelException(
                    "The parameters are cut off. Copy their file again, or save them again.", e);
        }
    }

    private String describe() {
        return String.format(
                Locale.ROOT,
                "%d x %d images, patch %d, width %d, depth %d, %d heads, %d prefix tokens, %d"
                        + " classes, pixel mean %s and std %s",
                imageSize,
                imageSize,
                patchSize,
                embedDim,
                blocks.size(),
                numHeads,
                getPrefixTokens(),
                numClasses,
                Arrays.toString(mean),
                Arrays.toString(std));
    }

    /**
     * Returns the shape of a batch of input images.
     *
     * @param batchSize the number of images
     * @return (batchSize, 3, h, w)
     */
    public Shape inputShape(long batchSize) {
        return new Shape(batchSize, CHANNELS, imageSize, imageSize);
    }

    /**
     * Returns the patch embedding.
     *
     * @return the block
     */
    public PatchEmbedding getPatchEmbed() {
        return patchEmbed;
    }

    /**
     * Returns the encoder blocks from the first layer to the last.
     *
     * @return the encoder blocks
     */
    public List<EncoderBlock> getBlocks() {
        return blocks;
    }

    /**
     * Returns the width D of the tokens.
     *
     * @return the embedding dimension
     */
    public int getEmbedDim() {
        return embedDim;
    }

    /**
     * Returns the height and width of the input images in pixels.
     *
     * @return the image size
     */
    public int getImageSize() {
        return imageSize;
    }

    /**
     * Returns the height and width of a patch in pixels.
     *
     * @return the patch size
     */
    public int getPatchSize() {
        return patchSize;
    }

    /**
     * Returns how many patches each side of the image is cut into.
     *
     * @return the side of the patch grid
     */
    public int getGridSize() {
        return imageSize / patchSize;
    }

    /**
     * Returns the number P of tokens before the patches: class token and distillation token.
     *
     * @return the number of prefix tokens
     */
    public int getPrefixTokens() {
        return (clsToken == null ? 0 : 1) + (distToken == null ? 0 : 1);
    }

    /**
     * Returns the number of attention heads of a layer.
     *
     * @return the number of heads
     */
    public int getNumHeads() {
        return numHeads;
    }

    /**
     * Returns the hidden width of the layers' own feed-forward networks, which a ReMoE block takes for
     * its global expert.
     *
     * @return the hidden width as a multiple of the embedding dimension, or 0 if the caller filled the
     *     slots with {@link Builder#optFeedForward(Supplier)}
     */
    public float getMlpRatio() {
        return mlpRatio;
    }

    /**
     * Returns whether a class token is classified; without one the mean of the patches is.
     *
     * @return true if there is a class token
     */
    public boolean hasClassToken() {
        return classToken;
    }

    /**
     * Returns whether there is a distillation token with its own head.
     *
     * @return true if there is one
     */
    public boolean hasDistillationToken() {
        return distToken != null;
    }

    /**
     * Returns what is subtracted from the pixels.
     *
     * @return the mean of each channel, for pixels in [0,1]
     */
    public float[] getMean() {
        return mean.clone();
    }

    /**
     * Returns what the pixels are divided by then.
     *
     * @return the standard deviation of each channel, for pixels in [0,1]
     */
    public float[] getStd() {
        return std.clone();
    }

    /**
     * Returns the number of classes.
     *
     * @return the number of logits of an image
     */
    public int getNumClasses() {
        return numClasses;
    }

    private Shape tokenShape(long batch) {
        long patches = (long) getGridSize() * getGridSize();
        return new Shape(batch, getPrefixTokens() + patches, embedDim);
    }

    private Parameter addToken(String name, int length) {
        return addParameter(Parameter.builder()
                .setName(name)
                .setType(Parameter.Type.OTHER)
                .optShape(new Shape(1, length, embedDim))
                .optInitializer(new TruncatedNormalInitializer(INIT_STD))
                .build());
    }

    static Linear linear(long units) {
        Linear linear = new Linear(units);
        linear.setInitializer(new TruncatedNormalInitializer(INIT_STD), Parameter.Type.WEIGHT);
        return linear;
    }

    static LayerNorm layerNorm() {
        return LayerNorm.builder().axis(2).optEpsilon(LAYER_NORM_EPSILON).build();
    }

    /** The Builder to construct a {@link VisionTransformer}; its defaults are DeiT-T's at 224. */
    public static final class Builder {

        private int imageSize = 224;
        private int patchSize = 16;
        private int embedDim = 192;
        private int depth = 12;
        private int numHeads = 3;
        private int numClasses = 1000;
        private float mlpRatio = 4;
        private boolean classToken = true;
        private boolean distillationToken;
        private float[] mean = {0.485f, 0.456f, 0.406f};
        private float[] std = {0.229f, 0.224f, 0.225f};
        private float dropPathRate;
        private Supplier<Block> feedForward;

        private Builder() {}

        /**
         * Sets the height and width of the input images.
         *
         * @param imageSize the side in pixels, a multiple of the patch size
         * @return this builder
         */
        public Builder optImageSize(int imageSize) {
            this.imageSize = imageSize;
            return this;
        }

        /**
         * Sets the height and width of a patch.
         *
         * @param patchSize the side in pixels
         * @return this builder
         */
        public Builder optPatchSize(int patchSize) {
            this.patchSize = patchSize;
            return this;
        }

        /**
         * Sets the width D of the tokens.
         *
         * @param embedDim the embedding dimension, a multiple of the number of heads
         * @return this builder
         */
        public Builder optEmbedDim(int embedDim) {
            this.embedDim = embedDim;
            return this;
        }

        /**
         * Sets the number of encoder blocks.
         *
         * @param depth the number of layers
         * @return this builder
         */
        public Builder optDepth(int depth) {
            this.depth = depth;
            return this;
        }

        /**
         * Sets the number of attention heads of a layer.
         *
         * @param numHeads the number of heads
         * @return this builder
         */
        public Builder optNumHeads(int numHeads) {
            this.numHeads = numHeads;
            return this;
        }

        /**
         * Sets the number of classes.
         *
         * @param numClasses the number of logits of an image
         * @return this builder
         */
        public Builder optNumClasses(int numClasses) {
            this.numClasses = numClasses;
            return this;
        }

        /**
         * Sets the hidden width of the default feed-forward network.
         *
         * @param mlpRatio the hidden width as a multiple of the embedding dimension
         * @return this builder
         */
        public Builder optMlpRatio(float mlpRatio) {
            this.mlpRatio = mlpRatio;
            return this;
        }

        /**
         * Sets whether a class token is classified; without one the mean of the patches is.
         *
         * @param classToken whether there is a class token
         * @return this builder
         */
        public Builder optClassToken(boolean classToken) {
            this.classToken = classToken;
            return this;
        }

        /**
         * Sets whether there is a distillation token with its own head (distilled DeiT). The logits
         * are the mean of both heads, as at inference in the DeiT paper.
         *
         * @param distillationToken whether there is a distillation token
         * @return this builder
         */
        public Builder optDistillationToken(boolean distillationToken) {
            this.distillationToken = distillationToken;
            return this;
        }

        /**
         * Sets the normalisation of the pixels, {@code (pixel - mean) / std} for each channel.
         *
         * @param mean the three channel means, for pixels in [0,1]
         * @param std the three channel standard deviations
         * @return this builder
         */
        public Builder optNormalization(float[] mean, float[] std) {
            this.mean = mean.clone();
            this.std = std.clone();
            return this;
        }

        /**
         * Sets how likely the last layer leaves each of its branches out in training, for one image
         * at a time (drop path, see {@link EncoderBlock}); default 0. The likelihood rises linearly
         * from 0 in the first layer, as in timm.
         *
         * @param dropPathRate 0 to less than 1; 0.1 is usual
         * @return this builder
         */
        public Builder optDropPathRate(float dropPathRate) {
            this.dropPathRate = dropPathRate;
            return this;
        }

        /**
         * Fills the feed-forward slot of every layer.
         *
         * @param feedForward makes a new block for each layer, tokens (B,T,D) to tokens (B,T,D);
         *     default is Linear, GELU, Linear
         * @return this builder
         */
        public Builder optFeedForward(Supplier<Block> feedForward) {
            this.feedForward = feedForward;
            return this;
        }

        /**
         * Builds the network.
         *
         * @return the network, not yet initialised
         * @throws IllegalArgumentException if the sizes do not fit each other
         */
        public VisionTransformer build() {
            require(patchSize > 0 && imageSize > 0, "Image and patch size must be positive.");
            require(
                    imageSize % patchSize == 0,
                    "The image size %d is not a multiple of the patch size %d.",
                    imageSize,
                    patchSize);
            require(depth > 0, "The depth must be at least 1, got %d.", depth);
            require(
                    numHeads > 0 && embedDim > 0 && embedDim % numHeads == 0,
                    "The embedding dimension %d is not a multiple of the %d heads.",
                    embedDim,
                    numHeads);
            require(numClasses > 0, "There must be at least 1 class, got %d.", numClasses);
            require(
                    classToken || !distillationToken,
                    "A distillation token needs a class token beside it.");
            require(
                    mean.length == CHANNELS && std.length == CHANNELS,
                    "The normalisation needs 3 means and 3 standard deviations.");
            require(
                    dropPathRate >= 0 && dropPathRate < 1,
                    "The drop path rate must be 0 to less than 1, got %s.",
                    dropPathRate);
            return new VisionTransformer(this, feedForward == null ? this::mlp : feedForward);
        }

        private Block mlp() {
            return new Mlp(Math.round(mlpRatio * embedDim), embedDim);
        }

        private static void require(boolean condition, String message, Object... values) {
            if (!condition) {
                throw new IllegalArgumentException(String.format(message, values));
            }
        }
    }
}
