package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Loads weights that were trained elsewhere into a {@link VisionTransformer}: timm's, or this
 * project's own, from a safetensors file, a sharded index or a Hugging Face folder.
 *
 * <pre>{@code
 * VisionTransformer vit = Presets.builder("deit_tiny_patch4_32").optNumClasses(10).build();
 * ReMoE.builder().build().insertInto(vit);
 * vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
 * LoadReport report = Pretrained.builder().build().load(vit, Path.of("model.safetensors"));
 * report.summary().forEach(System.out::println);
 * }</pre>
 *
 * <ul>
 *   <li>Position embedding and patch kernel are resized to the network's image and patch size, as
 *       timm does.
 *   <li>Where the network has a ReMoE block and the file a plain feed-forward network, that becomes
 *       the global expert; the other experts and the gate keep their values. A network fresh from its
 *       initialisation then computes what the file's network did.
 *   <li>A head for another number of classes, or none, leaves the network's head as it is.
 *   <li>Everything else has to fit, and so have the settings that no tensor shows, such as {@code
 *       topK}, if the file tells them, as this project's own do. Otherwise there is an error that
 *       names all that does not, and the network is unchanged.
 * </ul>
 *
 * <p>Weights may be float32, float16, bfloat16 or float64; the network gets float32.
 */
public final class Pretrained {

    private final PatchResize patchResize;
    private final int gridRows;
    private final int gridColumns;

    private Pretrained(Builder builder) {
        patchResize = builder.patchResize;
        gridRows = builder.gridRows;
        gridColumns = builder.gridColumns;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Loads weights into a network.
     *
     * @param vit the network, initialised
     * @param weights a safetensors file, an index {@code *.index.json} of shards beside it, or a
     *     folder with {@code model.safetensors} or {@code model.safetensors.index.json}
     * @return what became of each tensor
     * @throws IOException if the weights cannot be read, do not fit the network, or hold numbers that
     *     are not finite; the network is then unchanged
     * @throws IllegalStateException if the network is not initialised
     */
    public LoadReport load(VisionTransformer vit, Path weights) throws IOException {
        if (!vit.isInitialized()) {
            throw new IllegalStateException(
                    "Initialise the network before weights are loaded into it: what they do not"
                            + " hold keeps its first values.");
        }
        NDManager parent = vit.getParameters().valueAt(0).getArray().getManager();
        try (NDManager manager = parent.newSubManager();
                NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            SafeTensorsReader reader = new SafeTensorsReader(manager);
            NDList stored = new NDList();
            Map<String, String> checksums = new LinkedHashMap<>();
            for (SafeTensorsFile file : SafeTensorsFile.find(weights)) {
                // Of the very bytes that the weights are made of: the file may change.
                MessageDigest digest = Sha256.start();
                stored.addAll(reader.read(file, name -> true, digest));
                checksums.put(file.path().getFileName().toString(), Sha256.end(digest));
            }
            WeightsMatch match = new WeightsMatch(
                    vit,
                    stored,
                    WeightsConfig.read(weights, reader.metadata()),
                    gridRows,
                    gridColumns);
            match.check(weights);
            Map<TimmTensors.Tensor, NDArray> values = new LinkedHashMap<>();
            for (Map.Entry<TimmTensors.Tensor, NDArray> pair : match.pairs().entrySet()) {
                values.put(
                        pair.getKey(), fitted(vit, pair.getKey(), pair.getValue(), match, weights));
            }
            // Only now: whatever is wrong was found before the first change.
            values.forEach(TimmTensors.Tensor::write);
            return match.report(checksums);
        }
    }

    /** The numbers as float32, in the tensor's shape. */
    private NDArray fitted(
            VisionTransformer vit,
            TimmTensors.Tensor tensor,
            NDArray stored,
            WeightsMatch match,
            Path weights)
            throws IOException {
        NDArray array = stored.toType(DataType.FLOAT32, false);
        float[] numbers = array.toFloatArray();
        for (float number : numbers) {
            if (!Float.isFinite(number)) {
                throw new IOException(String.format(
                        "The tensor '%s' of %s holds %s, so these are no weights to start from. The"
                                + " network is unchanged.",
                        stored.getName(), weights, number));
            }
        }
        Shape shape = tensor.shape();
        if (!match.isResized(tensor)) {
            return array;
        }
        Shape old = stored.getShape();
        float[] resized;
        if (tensor.name().equals(WeightsMatch.POSITIONS)) {
            int grid = vit.getGridSize();
            resized = Resizing.positions(
                    numbers,
                    vit.getEmbedDim(),
                    vit.getPrefixTokens(),
                    match.gridRows(),
                    match.gridColumns(),
                    grid,
                    grid);
        } else {
            int size = vit.getPatchSize();
            resized = Resizing.kernel(
                    numbers, (int) old.get(2), (int) old.get(3), size, size, patchResize);
        }
        return array.getManager().create(resized, shape);
    }

    /** The Builder to construct a {@link Pretrained}. */
    public static final class Builder {

        private PatchResize patchResize = PatchResize.PSEUDO_INVERSE;
        private int gridRows;
        private int gridColumns;

        private Builder() {}

        /**
         * Sets how the patch kernel is resized; default {@link PatchResize#PSEUDO_INVERSE}, as timm.
         *
         * @param patchResize the way
         * @return this builder
         * @throws NullPointerException if it is null
         */
        public Builder optPatchResize(PatchResize patchResize) {
            this.patchResize = Objects.requireNonNull(patchResize, "patchResize");
            return this;
        }

        /**
         * Sets the patch grid that the file's position embedding is for. Default: what the file or
         * its {@code config.json} says, else a square.
         *
         * @param rows the patches below each other, from 1
         * @param columns the patches beside each other, from 1
         * @return this builder
         * @throws IllegalArgumentException if one is below 1
         */
        public Builder optGrid(int rows, int columns) {
            if (rows < 1 || columns < 1) {
                throw new IllegalArgumentException(String.format(
                        "A patch grid has at least one row and one column, got %d x %d. Leave optGrid"
                                + " out if the grid is square.",
                        rows, columns));
            }
            gridRows = rows;
            gridColumns = columns;
            return this;
        }

        /**
         * Builds the loader.
         *
         * @return the loader
         */
        public Pretrained build() {
            return new Pretrained(this);
        }
    }
}
