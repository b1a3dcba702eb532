package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.weights.SafeTensors;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/**
 * The adversarial images of one attack at one epsilon, as an evaluation has saved them ({@link
 * RobustEvaluator.Builder#optAdversarialFolder}).
 *
 * <p>The file is in the safetensors format and holds the arrays {@code images} (N,C,h,w) of float32,
 * and {@code indices}, {@code labels} and {@code predictions} (N) of int64, in the order of the
 * indices. There is one row for each image that the attack has a prediction of: an image that is wrong
 * as it is stands for itself, one that was broken at a smaller epsilon has its adversarial image of
 * there, and one that the attack could not break has the attack's best try.
 */
public final class AdversarialSet implements AutoCloseable {

    static final String INDICES = "indices";
    static final String IMAGES = "images";
    static final String LABELS = "labels";
    static final String PREDICTIONS = "predictions";
    static final List<String> ARRAYS = List.of(INDICES, LABELS, PREDICTIONS, IMAGES);
    static final String ATTACK = "attack";
    static final String EPSILON = "epsilon";
    static final String SETTINGS = "evaluation";

    private final Path file;
    private final NDManager manager;
    private final EvaluationSettings settings;
    private final String attack;
    private final float epsilon;
    private final NDArray images;
    private final long[] indices;
    private final long[] labels;
    private final long[] predictions;

    private AdversarialSet(Path file, NDManager manager, Collection<Long> wanted)
            throws IOException {
        this.file = file;
        this.manager = manager;
        settings = settings(file);
        Map<String, String> metadata = SafeTensors.loadMetadata(file);
        attack = metadata.get(ATTACK);
        epsilon = Float.parseFloat(metadata.get(EPSILON));
        NDList arrays = SafeTensors.load(
                file,
                manager,
                name -> ARRAYS.contains(name) && (wanted == null || !name.equals(IMAGES)));
        if (arrays.size() != ARRAYS.size() - (wanted == null ? 0 : 1)) {
            throw foreign(file, "it does not have the arrays " + ARRAYS);
        }
        long size = arrays.get(INDICES).getShape().get(0);
        long[] all = longs(arrays.get(INDICES), size);
        long[] rows = LongStream.range(0, size)
                .filter(row -> wanted == null || wanted.contains(all[(int) row]))
                .toArray();
        images = wanted == null
                ? arrays.get(IMAGES)
                : SafeTensors.loadRows(file, manager, IMAGES, rows);
        if (images.getDataType() != DataType.FLOAT32
                || images.getShape().dimension() != 4
                || images.getShape().get(0) != rows.length) {
            throw foreign(file, "images are " + images.getShape() + " of " + images.getDataType());
        }
        indices = of(rows, all);
        labels = of(rows, longs(arrays.get(LABELS), size));
        predictions = of(rows, longs(arrays.get(PREDICTIONS), size));
    }

    private static long[] of(long[] rows, long[] values) {
        return Arrays.stream(rows).map(row -> values[(int) row]).toArray();
    }

    private long[] longs(NDArray array, long size) throws IOException {
        if (array.getDataType() != DataType.INT64 || !array.getShape().equals(new Shape(size))) {
            throw foreign(
                    file,
                    String.format(
                            "%s are %s of %s for %d images",
                            array.getName(), array.getShape(), array.getDataType(), size));
        }
        return array.toLongArray();
    }

    /**
     * Reads a set.
     *
     * @param file the file
     * @param manager the parent of the set's manager
     * @return the set, to be closed
     * @throws IOException if the file cannot be read, is cut off, or is no set of adversarial images
     */
    public static AdversarialSet load(Path file, NDManager manager) throws IOException {
        return load(file, manager, null);
    }

    /**
     * Reads a part of a set; the other images are not read from the file.
     *
     * @param file the file
     * @param manager the parent of the set's manager
     * @param indices the indices of the images in the whole dataset; those that the set does not hold
     *     are passed over; null means all
     * @return the set, to be closed
     * @throws IOException if the file cannot be read, is cut off, or is no set of adversarial images
     */
    public static AdversarialSet load(Path file, NDManager manager, Collection<Long> indices)
            throws IOException {
        NDManager own = manager.newSubManager();
        try {
            return new AdversarialSet(file, own, indices);
        } catch (IOException | RuntimeException e) {
            own.close();
            throw e;
        }
    }

    /**
     * Returns the name of the file that a set is saved in.
     *
     * @param attack the attack's name
     * @param epsilon the radius
     * @return such as {@code pgd-20-0.03137255.safetensors}
     */
    public static String fileName(String attack, float epsilon) {
        return attack + "-" + epsilon + ".safetensors";
    }

    /**
     * Reads which evaluation a set comes from.
     *
     * @param file the file
     * @return the evaluation's settings
     * @throws IOException if the file cannot be read, or is no set of adversarial images
     */
    public static EvaluationSettings settings(Path file) throws IOException {
        Map<String, String> metadata = SafeTensors.loadMetadata(file);
        for (String name : List.of(ATTACK, EPSILON, SETTINGS)) {
            if (!metadata.containsKey(name)) {
                throw foreign(file, "its metadata has no " + name);
            }
        }
        try {
            return EvaluationSettings.fromJson(metadata.get(SETTINGS));
        } catch (RuntimeException e) {
            throw foreign(file, e.getMessage());
        }
    }

    private static IOException foreign(Path file, String reason) {
        return new IOException(String.format(
                "%s is no set of adversarial images: %s. Name a file that an evaluation has saved.",
                file, reason));
    }

    /**
     * Returns the evaluation that the set comes from.
     *
     * @return its settings
     */
    public EvaluationSettings settings() {
        return settings;
    }

    /**
     * Returns the attack's name.
     *
     * @return the name
     */
    public String attack() {
        return attack;
    }

    /**
     * Returns what the attack was allowed.
     *
     * @return the threat model
     */
    public ThreatModel threatModel() {
        return settings.threatModel(settings.epsilons().indexOf(epsilon));
    }

    /**
     * Returns the adversarial images.
     *
     * @return (N,C,h,w), which goes with {@link #close()}
     */
    public NDArray images() {
        return images;
    }

    /**
     * Returns the images' indices in the whole dataset.
     *
     * @return N indices, ascending
     */
    public long[] indices() {
        return indices.clone();
    }

    /**
     * Returns the true classes.
     *
     * @return N labels
     */
    public long[] labels() {
        return labels.clone();
    }

    /**
     * Returns what the model of the evaluation took the adversarial images for.
     *
     * @return N classes
     */
    public long[] predictions() {
        return predictions.clone();
    }

    /**
     * What became of a set that was checked again.
     *
     * @param accuracy the share of its images that the model classifies rightly
     * @param changed the indices of the images that the model takes for another class than is saved:
     *     none if it is the same model on the same kind of device, and for another model those that
     *     it sees otherwise
     */
    public record Verification(Accuracy accuracy, List<Long> changed) {

        /** Copies the indices. */
        public Verification {
            changed = List.copyOf(changed);
        }
    }

    /**
     * Checks the images against the clean ones, and has a model classify them again.
     *
     * @param model the evaluation's model, or another one to see how far the images transfer
     * @param dataset the dataset of the evaluation
     * @param batchSize how many images are looked at at a time
     * @return what the model makes of them
     * @throws IllegalArgumentException if the dataset is not the evaluation's
     * @throws IllegalStateException if an image is not what the threat model allows, or a label is
     *     not the dataset's
     */
    public Verification verify(TargetModel model, PixelDataset dataset, int batchSize) {
        if (batchSize < 1) {
            throw new IllegalArgumentException(
                    "batchSize must be at least 1, got " + batchSize + ".");
        }
        if (!dataset.getChecksum().equals(settings.datasetChecksum())) {
            throw new IllegalArgumentException(String.format(
                    "%s was made from a dataset with the checksum %s, this one has %s. Give the same"
                            + " dataset, '%s'.",
                    file, settings.datasetChecksum(), dataset.getChecksum(), settings.dataset()));
        }
        long[] positions = positions(dataset);
        List<Long> changed = new ArrayList<>();
        long correct = 0;
        for (int from = 0; from < positions.length; from += batchSize) {
            int to = Math.min(positions.length, from + batchSize);
            long[] predicted = predict(model, dataset, positions, from, to);
            for (int row = from; row < to; row++) {
                correct += predicted[row - from] == labels[row] ? 1 : 0;
                if (predicted[row - from] != predictions[row]) {
                    changed.add(indices[row]);
                }
            }
        }
        return new Verification(new Accuracy(correct, positions.length), changed);
    }

    private long[] positions(PixelDataset dataset) {
        Map<Long, Long> byIndex = new HashMap<>();
        for (long position = 0; position < dataset.size(); position++) {
            byIndex.put(dataset.getIndex(position), position);
        }
        long[] positions = new long[indices.length];
        for (int row = 0; row < positions.length; row++) {
            Long position = byIndex.get(indices[row]);
            if (position == null) {
                throw new IllegalArgumentException(String.format(
                        "%s holds image %d, which is not in this part of the dataset. Give the whole"
                                + " dataset.",
                        file, indices[row]));
            }
            positions[row] = position;
        }
        return positions;
    }

    private long[] predict(
            TargetModel model, PixelDataset dataset, long[] positions, int from, int to) {
        long[] chosen = Arrays.copyOfRange(positions, from, to);
        try (Batch batch = dataset.getByIndices(manager.newSubManager(), chosen);
                NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray adversarial = images.get(new NDIndex("{}:{}", from, to));
            AdversarialCheck.violation(
                            threatModel(),
                            adversarial,
                            batch.getData().singletonOrThrow(),
                            Arrays.copyOfRange(indices, from, to))
                    .ifPresent(wrong -> {
                        throw new IllegalStateException(String.format(
                                "%s is garbled: it holds %s. Restore it from a copy, or evaluate"
                                        + " again.",
                                file, wrong));
                    });
            long[] expected = batch.getLabels().singletonOrThrow().toLongArray();
            for (int row = from; row < to; row++) {
                if (labels[row] != expected[row - from]) {
                    throw new IllegalStateException(String.format(
                            "%s is garbled: image %d has the label %d, expected %d. Restore it from"
                                    + " a copy, or evaluate again.",
                            file, indices[row], labels[row], expected[row - from]));
                }
            }
            return model.predict(adversarial).head().argMax(1).toLongArray();
        }
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        manager.close();
    }
}
