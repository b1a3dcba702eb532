package io.github.remoe.data;

import ai.djl.training.dataset.Dataset.Usage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.LongStream;

/** Finds the right dataset for a word or path, as it is given on a command line. */
public final class Datasets {

    /** The word for the {@link SyntheticDataset}. */
    public static final String SYNTHETIC = "synthetic";

    private Datasets() {}

    /**
     * Returns a builder of the dataset that {@code data} means; a sampler is still to be set.
     *
     * @param data {@code "synthetic"}, or the path of a folder with CIFAR-10 or CIFAR-100 in binary
     *     form, or with class folders of JPEG and PNG files
     * @param usage which part
     * @param imageSize the wanted height and width; 32 except for class folders
     * @return the builder
     * @throws IOException if the folder is missing or holds none of these
     * @throws IllegalArgumentException if the dataset does not come in the wanted size
     */
    public static PixelDataset.BaseBuilder<?> builder(String data, Usage usage, int imageSize)
            throws IOException {
        if (data.equals(SYNTHETIC)) {
            requireSize32("the synthetic dataset", imageSize);
            return SyntheticDataset.builder().optUsage(usage);
        }
        Path path = Path.of(data);
        if (!Files.isDirectory(path)) {
            throw new FileNotFoundException("no folder "
                    + path
                    + ": give \""
                    + SYNTHETIC
                    + "\" or a folder with a dataset");
        }
        if (CifarDataset.findFolder(path) != null) {
            requireSize32("CIFAR in " + path, imageSize);
            return CifarDataset.builder().setPath(path).optUsage(usage);
        }
        if (ImageFolderDataset.hasFolders(path)) {
            return ImageFolderDataset.builder()
                    .setPath(path)
                    .setImageSize(imageSize)
                    .optUsage(usage);
        }
        throw new FileNotFoundException("no dataset in "
                + path
                + ": expected data_batch_1.bin (CIFAR-10), train.bin (CIFAR-100), or one"
                + " folder for each class with .jpg, .jpeg or .png files");
    }

    /**
     * Chooses images at random; a dataset's first ones may all be of one class.
     *
     * @param dataset the dataset
     * @param samples how many images; 0 means all
     * @param seed what the choice depends on
     * @return the chosen images, or the dataset itself if that is no fewer
     * @throws IllegalArgumentException if the number is negative
     */
    public static PixelDataset sample(PixelDataset dataset, int samples, long seed) {
        if (samples < 0) {
            throw new IllegalArgumentException(
                    "The number of samples must be at least 1, or 0 for all; got " + samples + ".");
        }
        if (samples == 0 || samples >= dataset.size()) {
            return dataset;
        }
        return dataset.subDataset(LongStream.range(0, dataset.size())
                .boxed()
                .sorted(Comparator.comparingLong(index -> Seeds.of("sample", seed, index)))
                .limit(samples)
                .toList());
    }

    /**
     * Divides a dataset among machines: every image is in the shard of one.
     *
     * @param dataset the dataset
     * @param shard which shard, 0 to {@code shards} - 1
     * @param shards how many there are
     * @return the images whose index in the whole dataset leaves {@code shard} when divided by {@code
     *     shards}; the dataset itself if there is one shard
     * @throws IllegalArgumentException if there is no such shard
     */
    public static PixelDataset shard(PixelDataset dataset, int shard, int shards) {
        if (shards < 1 || shard < 0 || shard >= shards) {
            throw new IllegalArgumentException(String.format(
                    "There is no shard %d of %d: shards count from 0.", shard, shards));
        }
        if (shards == 1) {
            return dataset;
        }
        return dataset.subDataset(LongStream.range(0, dataset.size())
                .filter(position -> dataset.getIndex(position) % shards == shard)
                .boxed()
                .toList());
    }

    private static void requireSize32(String name, int imageSize) {
        if (imageSize != 32) {
            throw new IllegalArgumentException(
                    name + " has images of 32 x 32: set the image size to 32, was " + imageSize);
        }
    }
}
