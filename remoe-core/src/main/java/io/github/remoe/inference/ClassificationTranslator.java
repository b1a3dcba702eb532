package io.github.remoe.inference;

import ai.djl.Model;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.BasicTranslator;
import ai.djl.translate.Batchifier;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;

import io.github.remoe.image.RgbImage;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.moe.RegionGrid;
import io.github.remoe.vit.VisionTransformer;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * An image of any size in, its classes out, for a {@link VisionTransformer}.
 *
 * <p>The image becomes RGB without alpha, its shorter side is resized to the network's image size
 * (bicubic with antialiasing) and the centre square is cut out: {@link RgbImage}, with which image
 * folders are trained and evaluated on too. The network itself normalises the pixels. Images are
 * stacked to batches, whatever their sizes. Immutable: any number of predictors in any number of
 * threads may share a translator.
 */
public final class ClassificationTranslator implements Translator<Image, Classifications> {

    private static final int CHANNELS = 3;

    private final int imageSize;
    private final int resizedSize;
    private final List<String> classNames;
    private final int topK;
    private final boolean applySoftmax;
    private final Map<Integer, RegionGrid> grids = new TreeMap<>();

    private ClassificationTranslator(Builder builder) {
        imageSize = builder.vit.getImageSize();
        // As timm does it: rounded off, so that the cut is never larger than told.
        resizedSize = (int) Math.floor(imageSize / builder.cropRatio);
        classNames = builder.classNames;
        topK = builder.topK;
        applySoftmax = builder.applySoftmax;
        for (int layer = 1; layer <= builder.vit.getBlocks().size(); layer++) {
            if (builder.vit.getBlocks().get(layer - 1).getFeedForward()
                    instanceof ReMoEBlock block) {
                grids.put(layer, block.getGrid());
            }
        }
    }

    /**
     * Creates a builder.
     *
     * @param vit the network that the images are for
     * @return a new builder; it needs the names of the classes
     */
    public static Builder builder(VisionTransformer vit) {
        return new Builder(vit);
    }

    /**
     * Creates a builder for a model that {@link ai.djl.repository.zoo.Criteria} loaded from a {@link
     * ModelFolder}.
     *
     * @param model the model
     * @return a new builder, with the names of the folder's classes
     * @throws IOException if the folder has no names, or they cannot be read
     * @throws IllegalArgumentException if the model's network is no {@link VisionTransformer}, or it was
     *     not loaded from a folder
     */
    public static Builder builder(Model model) throws IOException {
        if (!(model.getBlock() instanceof VisionTransformer vit)) {
            throw new IllegalArgumentException(String.format(
                    "The images are prepared for a VisionTransformer, but the model has a %s.",
                    model.getBlock().getClass().getSimpleName()));
        }
        Path folder = model.getModelPath();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new IllegalArgumentException(
                    "The model was not loaded from a folder, so the names of"
                            + " its classes are not known. Name them:"
                            + " ClassificationTranslator.builder(vit).setClassNames(...); a RobustPredictor"
                            + " takes the translator by optTranslator.");
        }
        return builder(vit).setClassNames(ModelFolder.readClassNames(folder));
    }

    /** {@inheritDoc} */
    @Override
    public Batchifier getBatchifier() {
        return Batchifier.STACK;
    }

    /**
     * Makes the network's input of an image.
     *
     * @param ctx where the array is to belong to
     * @param image the image, grey or coloured, with alpha or without
     * @return pixels (3,h,w) in [0,1]
     */
    @Override
    public NDList processInput(TranslatorContext ctx, Image image) {
        return processInput(ctx.getNDManager(), image);
    }

    /**
     * Makes the network's input of an image.
     *
     * @param manager the manager of the array
     * @param image the image, grey or coloured, with alpha or without
     * @return pixels (3,h,w) in [0,1]
     */
    public NDList processInput(NDManager manager, Image image) {
        if (image.getWrappedImage() instanceof BufferedImage buffered) {
            // Image.toNDArray would brighten grey images: Java holds their colour space to be
            // linear.
            return processInput(manager, RgbImage.of(buffered));
        }
        try (NDArray array = image.toNDArray(manager, Image.Flag.COLOR);
                NDArray planes = array.transpose(2, 0, 1);
                NDArray bytes = planes.toType(DataType.UINT8, false)) {
            ByteBuffer buffer = bytes.toByteBuffer();
            byte[] pixels = new byte[buffer.remaining()];
            buffer.get(pixels);
            return processInput(manager, RgbImage.of(pixels, image.getHeight(), image.getWidth()));
        }
    }

    /**
     * Makes the network's input of an image.
     *
     * @param manager the manager of the array
     * @param image the image
     * @return pixels (3,h,w) in [0,1]
     */
    public NDList processInput(NDManager manager, RgbImage image) {
        byte[] pixels = new byte[CHANNELS * imageSize * imageSize];
        image.toSquare(resizedSize, imageSize, pixels);
        Shape shape = new Shape(CHANNELS, imageSize, imageSize);
        try (NDArray bytes = manager.create(ByteBuffer.wrap(pixels), shape, DataType.UINT8)) {
            return new NDList(bytes.toType(DataType.FLOAT32, true).divi(255f));
        }
    }

    /**
     * Returns the names of the classes.
     *
     * @return the names, in the order of the logits
     */
    public List<String> getClassNames() {
        return classNames;
    }

    /**
     * Returns the height and width that images are brought to.
     *
     * @return the network's image size in pixels
     */
    public int getImageSize() {
        return imageSize;
    }

    /**
     * Reads the network's output for one image.
     *
     * @param ctx the context, which is not looked at
     * @param list the logits (C), followed by what ReMoE layers return
     * @return the classes with their probabilities
     */
    @Override
    public Classifications processOutput(TranslatorContext ctx, NDList list) {
        Classifications classifications = new Classifications(classNames, probabilities(list));
        classifications.setTopK(topK);
        return classifications;
    }

    /**
     * Returns the same translator with the region weights in its output.
     *
     * @return a translator from images to classes and region weights
     */
    public Translator<Image, RegionClassifications> withRegionWeights() {
        return new BasicTranslator<>(this, (ctx, list) -> processRegions(list), getBatchifier());
    }

    /**
     * Reads the network's output for one image.
     *
     * @param list the logits (C), followed by the region weights (K) of each ReMoE layer
     * @return the classes with their probabilities, and the region weights
     */
    public RegionClassifications processRegions(NDList list) {
        if (list.size() != 1 + grids.size()) {
            throw new IllegalStateException(String.format(
                    "The network has %d ReMoE blocks, but returns %d arrays beside the logits.",
                    grids.size(), list.size() - 1));
        }
        List<RegionWeights> weights = new ArrayList<>();
        grids.forEach((layer, grid) -> weights.add(
                RegionWeights.of(layer, grid, list.get(1 + weights.size()).toFloatArray())));
        return new RegionClassifications(classNames, probabilities(list), topK, weights);
    }

    private List<Double> probabilities(NDList list) {
        NDArray logits = list.head();
        List<Double> probabilities = new ArrayList<>();
        for (float value : (applySoftmax ? logits.softmax(0) : logits).toFloatArray()) {
            probabilities.add((double) value);
        }
        return probabilities;
    }

    /** The Builder to construct a {@link ClassificationTranslator}. */
    public static final class Builder {

        private final VisionTransformer vit;
        private List<String> classNames;
        private int topK = 5;
        private boolean applySoftmax = true;
        private double cropRatio = 1;

        private Builder(VisionTransformer vit) {
            this.vit = vit;
        }

        /**
         * Sets the names of the classes.
         *
         * @param classNames the names, in the order of the logits
         * @return this builder
         */
        public Builder setClassNames(List<String> classNames) {
            this.classNames = List.copyOf(classNames);
            return this;
        }

        /**
         * Sets how many classes are printed and sent; default 5. A {@link Classifications} always
         * holds all.
         *
         * @param topK 1 or more
         * @return this builder
         */
        public Builder optTopK(int topK) {
            this.topK = topK;
            return this;
        }

        /**
         * Sets whether logits become probabilities; default true.
         *
         * @param applySoftmax false for the logits themselves
         * @return this builder
         */
        public Builder optApplySoftmax(boolean applySoftmax) {
            this.applySoftmax = applySoftmax;
            return this;
        }

        /**
         * Sets how much of the shorter side is kept: it is resized to the image size divided by this,
         * and the centre square cut out. Default 1, as image folders are trained and evaluated on;
         * weights from timm name theirs {@code crop_pct}, often 0.9.
         *
         * @param cropRatio greater than 0 to 1
         * @return this builder
         */
        public Builder optCropRatio(double cropRatio) {
            this.cropRatio = cropRatio;
            return this;
        }

        /**
         * Builds the translator.
         *
         * @return the translator
         * @throws IllegalArgumentException if there is not one name for each class, or a setting is out
         *     of range
         */
        public ClassificationTranslator build() {
            require(classNames != null, "Set the names of the classes: setClassNames(...).");
            ModelFolder.checkCount(classNames, vit);
            require(topK >= 1, "topK must be 1 or more, got %d.", topK);
            require(
                    cropRatio > 0 && cropRatio <= 1,
                    "cropRatio must be greater than 0 and at most 1, got %s.",
                    cropRatio);
            return new ClassificationTranslator(this);
        }

        private static void require(boolean condition, String message, Object... values) {
            if (!condition) {
                throw new IllegalArgumentException(String.format(message, values));
            }
        }
    }
}
