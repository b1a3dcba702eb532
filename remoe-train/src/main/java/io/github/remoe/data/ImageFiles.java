package io.github.remoe.data;

import ai.djl.ndarray.types.Shape;

import io.github.remoe.image.RgbImage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * JPEG and PNG files picked one by one or by the folder, brought to one size as by {@link
 * ImageFolderDataset}.
 *
 * <p>The classes are given, since they are a model's. An image that lies in a folder with the name of
 * a class, or with a WordNet id that {@link ImageFolderDataset} knows it by, has that label; other images are {@link #UNLABELLED}. The folders looked at are those from
 * the image up to the path that was added, or the file's own folder if that is a file.
 */
public final class ImageFiles extends PixelDataset {

    /** The label of an image whose class is not known. */
    public static final int UNLABELLED = -1;

    private final int imageSize;
    private final List<String> classes;
    private final List<Path> files = new ArrayList<>();
    private final List<Integer> labels = new ArrayList<>();
    private final Map<Path, Integer> folderLabels = new HashMap<>();

    private ImageFiles(Builder builder) throws IOException {
        super(builder);
        imageSize = builder.imageSize;
        classes = builder.classes;
        for (Path path : builder.paths) {
            add(path.toAbsolutePath().normalize());
        }
    }

    /**
     * Creates a builder.
     *
     * @return a new builder; it needs a path, an image size and a sampler
     */
    public static Builder builder() {
        return new Builder();
    }

    private void add(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            List<Path> found;
            try (Stream<Path> images = ImageFolderDataset.find(path)) {
                found = images.sorted().toList();
            }
            if (found.isEmpty()) {
                throw new FileNotFoundException(
                        "no images in " + path + ": expected .jpg, .jpeg or .png files");
            }
            for (Path file : found) {
                add(file, path);
            }
        } else if (Files.exists(path)) {
            add(path, path.getParent());
        } else {
            throw new FileNotFoundException(
                    "no file or folder " + path + ": give JPEG or PNG files, or folders of them");
        }
    }

    private void add(Path file, Path top) throws IOException {
        files.add(file);
        int label = UNLABELLED;
        for (Path folder = file.getParent();
                label == UNLABELLED && folder != null && folder.startsWith(top);
                folder = folder.getParent()) {
            label = label(folder);
        }
        labels.add(label);
    }

    private int label(Path folder) throws IOException {
        Integer known = folderLabels.get(folder);
        if (known == null) {
            known = folder.getParent() == null
                    ? UNLABELLED
                    : new ClassNames(folder.getParent())
                            .label(folder.getFileName().toString(), classes);
            folderLabels.put(folder, known);
        }
        return known;
    }

    /** {@inheritDoc} */
    @Override
    public String getName() {
        return "files";
    }

    /** {@inheritDoc} */
    @Override
    public List<String> getClasses() {
        return classes;
    }

    /**
     * {@inheritDoc}
     *
     * @return (3, imageSize, imageSize)
     */
    @Override
    public Shape getImageShape() {
        return new Shape(3, imageSize, imageSize);
    }

    /**
     * Returns the file of an image.
     *
     * @param index the index of the image in the whole dataset
     * @return its path
     */
    public Path getFile(long index) {
        return files.get(Math.toIntExact(index));
    }

    /**
     * Reads every file once, so that one that is damaged is found before long work starts.
     *
     * @throws IOException if a file is no JPEG or PNG image; the message names it
     */
    public void check() throws IOException {
        for (Path file : files) {
            RgbImage.read(file);
        }
    }

    /** {@inheritDoc} */
    @Override
    protected long availableSize() {
        return files.size();
    }

    /** {@inheritDoc} */
    @Override
    protected void readPixels(long index, byte[] pixels) throws IOException {
        RgbImage.read(getFile(index)).toSquare(imageSize, pixels);
    }

    @Override
    void readPart(long index, Part part, byte[] pixels) throws IOException {
        RgbImage image = RgbImage.read(getFile(index));
        part.of(image.height(), image.width(), index)
                .ifPresentOrElse(
                        box -> box.resize(image, imageSize, imageSize, pixels),
                        () -> image.toSquare(imageSize, pixels));
    }

    /** {@inheritDoc} */
    @Override
    protected int label(long index) {
        return labels.get(Math.toIntExact(index));
    }

    /** Decoding takes nearly all of the time. */
    @Override
    protected boolean readsInParallel() {
        return true;
    }

    /** The builder of {@link ImageFiles}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private final List<Path> paths = new ArrayList<>();
        private List<String> classes = List.of();
        private int imageSize;

        Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Adds a file, or a folder with all JPEG and PNG files in it and in the folders below,
         * sorted by path.
         *
         * @param path the file or folder
         * @return this builder
         */
        public Builder addPath(Path path) {
            paths.add(path);
            return this;
        }

        /**
         * Sets the height and width that all images are brought to.
         *
         * @param imageSize pixels, 1 or more
         * @return this builder
         */
        public Builder setImageSize(int imageSize) {
            if (imageSize < 1) {
                throw new IllegalArgumentException("imageSize must be 1 or more, was " + imageSize);
            }
            this.imageSize = imageSize;
            return this;
        }

        /**
         * Sets the names of the classes; none by default, and all images are unlabelled.
         *
         * @param classes the names, in the order of the labels
         * @return this builder
         */
        public Builder optClasses(List<String> classes) {
            this.classes = List.copyOf(classes);
            return this;
        }

        /**
         * Lists the files; none is opened yet.
         *
         * @return the dataset
         * @throws IOException if a path is missing or a folder holds no images
         */
        @Override
        public ImageFiles build() throws IOException {
            if (paths.isEmpty()) {
                throw new IllegalArgumentException("addPath is missing");
            }
            if (imageSize == 0) {
                throw new IllegalArgumentException("setImageSize is missing");
            }
            return new ImageFiles(this);
        }
    }
}
