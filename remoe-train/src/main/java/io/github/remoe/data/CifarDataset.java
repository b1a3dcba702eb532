package io.github.remoe.data;

import ai.djl.ndarray.types.Shape;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * CIFAR-10 or CIFAR-100 in the standard binary form: 32 x 32 images, held as bytes on the Java heap
 * (150 MB for the 50,000 training images).
 *
 * <table>
 *   <caption>Files</caption>
 *   <tr><th></th><th>CIFAR-10</th><th>CIFAR-100</th></tr>
 *   <tr><td>training</td><td>data_batch_1.bin to data_batch_5.bin</td><td>train.bin</td></tr>
 *   <tr><td>test</td><td>test_batch.bin</td><td>test.bin</td></tr>
 *   <tr><td>one record</td><td>label, 3072 pixels</td><td>coarse label, fine label, 3072 pixels</td>
 *   </tr>
 *   <tr><td>class names</td><td>batches.meta.txt</td><td>fine_label_names.txt</td></tr>
 * </table>
 *
 * <p>The pixels of a record are the planes R, G, B, each 32 rows of 32 bytes. CIFAR-100 is read
 * with its 100 fine labels. Without the file of class names, CIFAR-10 gets its well-known names and
 * CIFAR-100 the numbers 0 to 99.
 */
public final class CifarDataset extends PixelDataset {

    private static final int SIDE = 32;
    private static final int PIXELS = 3 * SIDE * SIDE;
    private static final Shape SHAPE = new Shape(3, SIDE, SIDE);
    private static final List<String> CIFAR10_NAMES = List.of(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck");

    /** Where the two variants differ. */
    private enum Layout {
        CIFAR10("cifar-10-batches-bin", "batches.meta.txt", 10, 1),
        CIFAR100("cifar-100-binary", "fine_label_names.txt", 100, 2);

        final String folder;
        final String namesFile;
        final int classes;
        final int labelBytes; // the last of them is the label that counts

        Layout(String folder, String namesFile, int classes, int labelBytes) {
            this.folder = folder;
            this.namesFile = namesFile;
            this.classes = classes;
            this.labelBytes = labelBytes;
        }

        List<String> files(Usage usage) {
            if (usage == Usage.TRAIN) {
                return this == CIFAR100
                        ? List.of("train.bin")
                        : IntStream.rangeClosed(1, 5)
                                .mapToObj(i -> "data_batch_" + i + ".bin")
                                .toList();
            }
            return List.of(this == CIFAR100 ? "test.bin" : "test_batch.bin");
        }

        boolean isIn(Path folder) {
            return Stream.of(Usage.TRAIN, Usage.TEST)
                    .flatMap(usage -> files(usage).stream())
                    .anyMatch(file -> Files.isRegularFile(folder.resolve(file)));
        }
    }

    private final List<String> classes;
    private final byte[] records;
    private final Layout layout;
    private final String again; // what to do about a damaged file

    private CifarDataset(Builder builder) throws IOException {
        super(builder);
        if (builder.usage == Usage.VALIDATION) {
            throw new IllegalArgumentException(
                    "CIFAR has no validation set: use Usage.TRAIN or Usage.TEST, or split the"
                            + " training set with subDataset");
        }
        if (builder.downloaded != null) {
            layout = Layout.CIFAR10;
            classes = CIFAR10_NAMES;
            again = "delete the folder " + builder.downloaded.getParent()
                    + ", and it is downloaded again";
            records = readRecords(List.of(builder.downloaded));
            return;
        }
        Path folder = findFolder(builder.path);
        if (folder == null) {
            throw notFound(builder.path);
        }
        layout = layoutOf(folder);
        classes = readClasses(folder.resolve(layout.namesFile));
        again = "unpack the archive again";
        records = readRecords(
                layout.files(builder.usage).stream().map(folder::resolve).toList());
    }

    /**
     * Creates a builder.
     *
     * @return a new builder; it needs a path and a sampler
     */
    public static Builder builder() {
        return new Builder();
    }

    /** Returns the folder with the binary files, at or right below a path, or null. */
    static Path findFolder(Path path) throws IOException {
        if (layoutOf(path) != null) {
            return path;
        }
        List<Path> below = Arrays.stream(Layout.values())
                .map(layout -> path.resolve(layout.folder))
                .filter(folder -> layoutOf(folder) != null)
                .toList();
        if (below.size() > 1) {
            throw new IOException(
                    path + " holds both CIFAR-10 and CIFAR-100: give one of " + below + " instead");
        }
        return below.isEmpty() ? null : below.get(0);
    }

    private static Layout layoutOf(Path folder) {
        return Arrays.stream(Layout.values())
                .filter(l -> l.isIn(folder))
                .findFirst()
                .orElse(null);
    }

    private static IOException notFound(Path path) {
        return new FileNotFoundException(
                Files.isDirectory(path)
                        ? "no CIFAR binary files in "
                                + path
                                + ": expected data_batch_1.bin (CIFAR-10) or train.bin (CIFAR-100)"
                                + " there or in cifar-10-batches-bin or cifar-100-binary below it;"
                                + " unpack the \"binary version\" of CIFAR there"
                        : "no folder " + path + ": give the folder that CIFAR was unpacked into");
    }

    private List<String> readClasses(Path file) throws IOException {
        if (!Files.exists(file)) {
            return layout == Layout.CIFAR10
                    ? CIFAR10_NAMES
                    : IntStream.range(0, layout.classes)
                            .mapToObj(Integer::toString)
                            .toList();
        }
        List<String> names = Files.readAllLines(file).stream()
                .map(String::strip)
                .filter(s -> !s.isEmpty())
                .toList();
        if (names.size() != layout.classes) {
            throw new IOException(String.format(
                    "%s has %d class names, expected %d, one a line; correct it, or delete it"
                            + " to use the standard names",
                    file, names.size(), layout.classes));
        }
        return names;
    }

    private byte[] readRecords(List<Path> files) throws IOException {
        int total = 0;
        for (Path file : files) {
            total += checkedSize(file);
        }
        byte[] all = new byte[total]; // read in place: two copies would not fit a small heap
        int start = 0;
        for (Path file : files) {
            int size = checkedSize(file);
            try (InputStream in = Files.newInputStream(file)) {
                in.readNBytes(all, start, size);
            }
            checkLabels(file, all, start, size);
            start += size;
        }
        return all;
    }

    private int checkedSize(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new FileNotFoundException(
                    "no file " + file + ": " + layout + " needs it; " + again);
        }
        long size = Files.size(file);
        if (size == 0 || size % recordSize() != 0) {
            throw new IOException(String.format(
                    "%s is cut off or no %s file: it has %d bytes, expected a multiple of %d; %s",
                    file, layout, size, recordSize(), again));
        }
        return Math.toIntExact(size);
    }

    private void checkLabels(Path file, byte[] all, int start, int size) throws IOException {
        for (int record = 0; record < size / recordSize(); record++) {
            int label = all[start + record * recordSize() + layout.labelBytes - 1] & 0xFF;
            if (label >= layout.classes) {
                throw new IOException(String.format(
                        "%s is damaged or no %s file: record %d has label %d, expected 0 to %d; %s",
                        file, layout, record, label, layout.classes - 1, again));
            }
        }
    }

    private int recordSize() {
        return layout.labelBytes + PIXELS;
    }

    /** {@inheritDoc} */
    @Override
    public String getName() {
        return layout.name().toLowerCase(Locale.ROOT);
    }

    /** {@inheritDoc} */
    @Override
    public List<String> getClasses() {
        return classes;
    }

    /**
     * {@inheritDoc}
     *
     * @return (3, 32, 32)
     */
    @Override
    public Shape getImageShape() {
        return SHAPE;
    }

    /** {@inheritDoc} */
    @Override
    protected long availableSize() {
        return records.length / recordSize();
    }

    /** {@inheritDoc} */
    @Override
    protected void readPixels(long index, byte[] pixels) {
        int start = Math.toIntExact(index) * recordSize();
        System.arraycopy(records, start + layout.labelBytes, pixels, 0, PIXELS);
    }

    /** {@inheritDoc} */
    @Override
    protected int label(long index) {
        return records[Math.toIntExact(index) * recordSize() + layout.labelBytes - 1];
    }

    /** The builder of {@link CifarDataset}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private Path path;
        private Path downloaded;
        private Usage usage = Usage.TRAIN;

        Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets the folder that holds the binary files, or {@code cifar-10-batches-bin} or {@code
         * cifar-100-binary}.
         *
         * @param path the folder
         * @return this builder
         */
        public Builder setPath(Path path) {
            this.path = path;
            return this;
        }

        /** Sets the one file of CIFAR-10 that is read, instead of a folder. */
        Builder setDownloaded(Path downloaded) {
            this.downloaded = downloaded;
            return this;
        }

        /**
         * Sets which part to read.
         *
         * @param usage {@code TRAIN}, the default, or {@code TEST}
         * @return this builder
         */
        public Builder optUsage(Usage usage) {
            this.usage = usage;
            return this;
        }

        /**
         * Reads the files.
         *
         * @return the dataset
         * @throws IOException if a file is missing, cut off or damaged
         */
        @Override
        public CifarDataset build() throws IOException {
            if (downloaded == null) {
                Objects.requireNonNull(path, "setPath is missing");
            }
            return new CifarDataset(this);
        }
    }
}
