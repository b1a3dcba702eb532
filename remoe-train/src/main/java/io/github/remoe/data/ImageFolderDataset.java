package io.github.remoe.data;

import ai.djl.ndarray.types.Shape;

import io.github.remoe.image.RgbImage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * JPEG and PNG files of any size in class folders, brought to one size.
 *
 * <pre>
 * root/train/cat/1.jpg     root/cat/1.jpg
 * root/train/dog/2.jpg     root/dog/puppies/2.jpg
 * root/val/cat/3.jpg
 * </pre>
 *
 * <p>On the left the {@link Usage} picks the folder: {@code TRAIN} reads {@code train}, {@code
 * TEST} reads {@code test} or else {@code val}, {@code VALIDATION} reads {@code val}. On the right,
 * without such folders, every usage reads everything. Folders of a class may be nested. Classes and
 * files are sorted by name; when there is a {@code train} folder, its folders are the classes for
 * every usage, so labels mean the same in all of them.
 *
 * <p>A class has the name of its folder. Folders named by WordNet ids, as in ImageNet and Imagenette,
 * get readable names where those of all are known: Imagenette's ten are, and others are read from a
 * file {@code LOC_synset_mapping.txt}, as it comes with ImageNet, or {@code classes.txt}, in the root
 * or up to four folders above; a line of it has the folder's name, a blank or tab, and the class's
 * name.
 *
 * <p>Images become RGB without alpha, the shorter side is resized to the wanted size (bicubic with
 * antialiasing) and the centre square is cut out. Pixels are those of torchvision's {@code Resize}
 * and {@code CenterCrop} to about one step of 255, so published weights see what they are used to;
 * for the same reason embedded colour profiles and EXIF rotation are ignored.
 *
 * <p>Only the list of files is kept in memory: images are decoded when their batch is asked for, in
 * parallel, and again in each pass. Give {@code getData} an executor to decode ahead as well.
 *
 * <p>DJL's own {@code ImageFolder} could not be built upon: it makes several native arrays for each
 * image, resizes without antialiasing and without keeping the proportions, and takes the files of a
 * class in the order of the file system, so that neither an index nor a seed means the same image
 * on two machines.
 */
public final class ImageFolderDataset extends PixelDataset {

    private final int imageSize;
    private final String name;
    private final Path folder;
    private final boolean split;
    private final List<String> classes;
    private final List<Path> files = new ArrayList<>();
    private final List<Integer> labels = new ArrayList<>();

    private ImageFolderDataset(Builder builder) throws IOException {
        super(builder);
        imageSize = builder.imageSize;
        Path root = builder.path;
        if (!Files.isDirectory(root)) {
            throw new FileNotFoundException(
                    "no folder " + root + ": give the folder that holds the class folders");
        }
        name = root.toAbsolutePath().normalize().getFileName().toString();
        folder = splitFolder(root, builder.usage);
        split = !folder.equals(root);
        Path train = split(root, "train");
        List<String> classFolders = folderNames(train == null ? folder : train);
        classes = new ClassNames(root).of(classFolders);
        listFiles(train, classFolders);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder; it needs a path, an image size and a sampler
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Returns whether there are folders {@code train}, {@code test} or {@code val}.
     *
     * @return false if every usage reads the same images
     */
    public boolean isSplit() {
        return split;
    }

    /** Tells whether a folder has folders in it, as an image folder must. */
    static boolean hasFolders(Path folder) throws IOException {
        return Files.isDirectory(folder) && !folderNames(folder).isEmpty();
    }

    private static Path splitFolder(Path root, Usage usage) throws IOException {
        List<String> names = List.of("train", "test", "val");
        List<String> wanted = switch (usage) {
            case TRAIN -> List.of("train");
            case TEST -> List.of("test", "val");
            case VALIDATION -> List.of("val");
        };
        for (String name : wanted) {
            if (split(root, name) != null) {
                return split(root, name);
            }
        }
        for (String name : names) {
            if (split(root, name) != null) {
                throw new FileNotFoundException(String.format(
                        "%s has a folder %s but no %s with class folders in it, which"
                                + " Usage.%s needs",
                        root, name, String.join(" or ", wanted), usage));
            }
        }
        return root;
    }

    /** A folder that is a split and not a class: CIFAR-100, for one, has a class "train". */
    private static Path split(Path root, String name) throws IOException {
        Path folder = root.resolve(name);
        return hasFolders(folder) ? folder : null;
    }

    private static List<String> folderNames(Path folder) throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.filter(Files::isDirectory)
                    .map(entry -> entry.getFileName().toString())
                    .filter(name -> !name.startsWith("."))
                    .sorted()
                    .toList();
        }
    }

    private void listFiles(Path train, List<String> classFolders) throws IOException {
        for (String name : folderNames(folder)) {
            int label = classFolders.indexOf(name);
            if (label < 0) {
                throw new IOException(String.format(
                        "%s has a class folder %s that %s does not have; both must hold the"
                                + " same classes",
                        folder, name, train));
            }
            Path classFolder = folder.resolve(name);
            try (Stream<Path> found = find(classFolder)) {
                found.sorted(Comparator.comparing(file -> sortKey(classFolder, file)))
                        .forEach(file -> {
                            files.add(file);
                            labels.add(label);
                        });
            }
        }
        if (files.isEmpty()) {
            throw new FileNotFoundException("no images in "
                    + folder
                    + ": expected one folder for each class with .jpg, .jpeg or .png files");
        }
    }

    /** The same on every operating system. */
    private static String sortKey(Path folder, Path file) {
        return folder.relativize(file).toString().replace('\\', '/');
    }

    /** The JPEG and PNG files in a folder and the folders below. */
    static Stream<Path> find(Path folder) throws IOException {
        return Files.find(
                folder,
                Integer.MAX_VALUE,
                (file, attributes) -> attributes.isRegularFile() && isImage(file),
                FileVisitOption.FOLLOW_LINKS);
    }

    private static boolean isImage(Path file) {
        String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return !name.startsWith(".")
                && (name.endsWith(".jpg") || name.endsWith(".jpeg") || name.endsWith(".png"));
    }

    /** {@inheritDoc} */
    @Override
    public String getName() {
        return name;
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

    /**
     * Goes by the size that images are brought to, and the path, number of bytes and label of each
     * file: to read all of ImageNet takes minutes.
     */
    @Override
    protected void digest(MessageDigest digest) throws IOException {
        digest.update((imageSize + "\n").getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < files.size(); i++) {
            Path file = files.get(i);
            String line = sortKey(folder, file) + '\t' + Files.size(file) + '\t' + labels.get(i);
            digest.update((line + '\n').getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Decoding takes nearly all of the time. */
    @Override
    protected boolean readsInParallel() {
        return true;
    }

    /** The builder of {@link ImageFolderDataset}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private Path path;
        private Usage usage = Usage.TRAIN;
        private int imageSize;

        Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets the folder that holds the class folders, or {@code train}, {@code test}, {@code
         * val}.
         *
         * @param path the folder
         * @return this builder
         */
        public Builder setPath(Path path) {
            this.path = path;
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
         * Sets which part to read.
         *
         * @param usage the part; {@code TRAIN} unless set
         * @return this builder
         */
        public Builder optUsage(Usage usage) {
            this.usage = usage;
            return this;
        }

        /**
         * Lists the files; none is opened yet.
         *
         * @return the dataset
         * @throws IOException if a folder is missing or holds no images
         */
        @Override
        public ImageFolderDataset build() throws IOException {
            Objects.requireNonNull(path, "setPath is missing");
            if (imageSize == 0) {
                throw new IllegalArgumentException("setImageSize is missing");
            }
            return new ImageFolderDataset(this);
        }
    }
}
