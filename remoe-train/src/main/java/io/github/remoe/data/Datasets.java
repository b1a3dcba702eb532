package io.github.remoe.data;

import ai.djl.training.dataset.Dataset.Usage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

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
            throw new FileNotFoundException(
                    "no folder "
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
        throw new FileNotFoundException(
                "no dataset in "
                        + path
                        + ": expected data_batch_1.bin (CIFAR-10), train.bin (CIFAR-100), or one"
                        + " folder for each class with .jpg, .jpeg or .png files");
    }

    private static void requireSize32(String name, int imageSize) {
        if (imageSize != 32) {
            throw new IllegalArgumentException(
                    name + " has images of 32 x 32: set the image size to 32, was " + imageSize);
        }
    }
}
