package io.github.remoe.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import ai.djl.training.dataset.Sampler;
import ai.djl.training.dataset.SequenceSampler;
import ai.djl.translate.Batchifier;

import io.github.remoe.image.RgbImage;
import io.github.remoe.weights.Sha256;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Labelled 8-bit RGB images of one size.
 *
 * <p>A batch holds the images as one float32 array (B, 3, height, width) with values in [0, 1] and
 * the labels as one int64 array (B). The bytes of the whole batch are gathered on the Java side and
 * handed over at once: no array per image is ever made.
 *
 * <p><b>Indices.</b> {@link Batch#getIndices()} holds, as {@code List<Long>} and in the order of
 * the rows, the index of each image in the <em>whole</em> dataset, also in passes over a {@link
 * #subDataset(int, int) subset} and whatever the sampler does, so it names an image for good and
 * random seeds can be derived from it. (DJL's own subsets number their images anew, and after
 * {@link #randomSplit} its array subsets even read other images when the sampler is sequential; the
 * subsets of this class do neither.) {@link Batch#split} hands the list of the whole batch to each
 * part.
 *
 * <p><b>Epochs.</b> Each call of {@code getData} is one pass over the data, and passes are counted
 * from 0. The order of a {@link ShuffleSampler} and the random changes of an {@link Augmentation}
 * depend on the number of the pass; {@link #setEpoch(long)} sets it, to repeat a pass or to go on
 * where an earlier run stopped, and {@link #setPosition(long, long)} does so in the middle of a
 * pass. Start passes from one thread.
 *
 * <p><b>Reading ahead.</b> With an {@link ExecutorService} ({@link Datasets#readingThreads}),
 * {@code optPrefetchNumber} batches, 2 unless set, are read ahead, each on one of its threads, and
 * given out in order. At most one more is held in memory. A pass may be given up at any point: what
 * was read ahead is Java memory and goes by itself.
 *
 * <p><b>Errors.</b> An image that cannot be read ends the pass with an {@link UncheckedIOException}
 * whose message names it; see {@link BaseBuilder#optMaxUnreadable} for going on without it.
 *
 * <p>A new kind of dataset fills in the abstract methods; all of them may be called by several
 * threads at once.
 */
public abstract class PixelDataset extends ArrayDataset {

    private static final Logger logger = LoggerFactory.getLogger(PixelDataset.class);

    private final Augmentation augmentation;
    private final Queue<ByteBuffer> buffers = new ConcurrentLinkedQueue<>();
    private final int maxUnreadable;
    private final Set<Long> unreadable = ConcurrentHashMap.newKeySet();
    private long epoch;
    private long firstBatch;
    private String checksum;

    /**
     * Creates the dataset.
     *
     * @param builder holds the sampler and the other settings
     */
    protected PixelDataset(BaseBuilder<?> builder) {
        super(builder);
        augmentation = builder.augmentation;
        maxUnreadable = builder.maxUnreadable;
        if (dataBatchifier != Batchifier.STACK || labelBatchifier != Batchifier.STACK) {
            throw new IllegalArgumentException(
                    "images of one size are always stacked: leave optDataBatchifier and"
                            + " optLabelBatchifier alone");
        }
    }

    /**
     * Returns the dataset's name, by which people know it.
     *
     * @return the name, such as {@code cifar10}; a subset has that of the dataset it was cut from
     */
    public abstract String getName();

    /**
     * Returns the names of the classes.
     *
     * @return the names; label {@code i} means the name at position {@code i}
     */
    public abstract List<String> getClasses();

    /**
     * Returns the shape of one image.
     *
     * @return (3, height, width)
     */
    public abstract Shape getImageShape();

    /**
     * Returns the number of images of the whole dataset.
     *
     * @return the number; a subset has its own
     */
    @Override
    protected abstract long availableSize();

    /**
     * Reads one image.
     *
     * @param index the index of the image in the whole dataset
     * @param pixels the array to fill with the planes R, G, B, each row by row: 3 x height x width
     *     unsigned bytes
     * @throws IOException if the image cannot be read; the message names it
     */
    protected abstract void readPixels(long index, byte[] pixels) throws IOException;

    /**
     * Returns the label of one image.
     *
     * @param index the index of the image in the whole dataset
     * @return a position in {@link #getClasses()}
     */
    protected abstract int label(long index);

    /**
     * Tells whether the images of one batch should be read in parallel, on the common fork-join
     * pool, unless an executor reads ahead. Worth it where reading is slow.
     *
     * @return {@code false} unless overridden
     */
    protected boolean readsInParallel() {
        return false;
    }

    /**
     * Returns the index in the whole dataset of the image at a position of this one.
     *
     * @param position 0 to {@link #size()} - 1
     * @return the position itself, but for a subset
     */
    public final long getIndex(long position) {
        return wholeIndex(position);
    }

    /**
     * Returns what names the images and labels of the whole dataset for good, so that results on
     * other data are not taken for results on this. It is computed once.
     *
     * @return the SHA-256 of what {@link #digest} is given: 64 hexadecimal digits; a subset has the
     *     one of the dataset that it was cut from, because an index means the same image in both
     * @throws UncheckedIOException if an image cannot be read
     */
    public final String getChecksum() {
        PixelDataset whole = whole();
        synchronized (whole) {
            if (whole.checksum == null) {
                try {
                    MessageDigest digest = Sha256.start();
                    whole.digest(digest);
                    whole.checksum = Sha256.end(digest);
                } catch (IOException e) {
                    throw new UncheckedIOException(e.getMessage(), e);
                }
            }
            return whole.checksum;
        }
    }

    /**
     * Gives the checksum what the images and labels are known by: unless overridden, the shape of the
     * images, then the label and the pixels of each in the order of the indices.
     *
     * @param digest takes the bytes
     * @throws IOException if an image cannot be read; the message names it
     */
    protected void digest(MessageDigest digest) throws IOException {
        digest.update(getImageShape().toString().getBytes(StandardCharsets.UTF_8));
        byte[] pixels = new byte[Math.toIntExact(getImageShape().size())];
        for (long index = 0; index < availableSize(); index++) {
            readPixels(index, pixels);
            digest.update(
                    ByteBuffer.allocate(Integer.BYTES).putInt(label(index)).flip());
            digest.update(pixels);
        }
    }

    /**
     * Returns how many images could not be read in the passes so far.
     *
     * @return the number of different images, those of all subsets together
     */
    public final int getUnreadable() {
        return whole().unreadable.size();
    }

    /** The index in the whole dataset of the image at a position: a subset maps here. */
    long wholeIndex(long position) {
        return position;
    }

    /** The dataset that reads the images: a subset hands out the one it was cut from. */
    PixelDataset whole() {
        return this;
    }

    /**
     * Returns the number of the pass that the next {@code getData} starts.
     *
     * @return the number of the pass, from 0
     */
    public final long getEpoch() {
        return epoch;
    }

    /**
     * Sets the number of the pass that the next {@code getData} starts.
     *
     * @param epoch the number of the pass, 0 or more
     */
    public final void setEpoch(long epoch) {
        setPosition(epoch, 0);
    }

    /**
     * Sets where the next {@code getData} starts, to go on in the middle of a pass: it gives exactly
     * the batches that the whole pass would have given from there on. The images before them are not
     * read. Later passes start at their first batch.
     *
     * @param epoch the number of the pass, 0 or more
     * @param batch the number of the first batch, from 0; as many as the pass has for an empty pass
     * @throws IllegalArgumentException if a number is negative
     */
    public final void setPosition(long epoch, long batch) {
        if (epoch < 0) {
            throw new IllegalArgumentException("epoch must be 0 or more, was " + epoch);
        }
        if (batch < 0) {
            throw new IllegalArgumentException("batch must be 0 or more, was " + batch);
        }
        this.epoch = epoch;
        this.firstBatch = batch;
    }

    /**
     * Returns one image as it is stored, without augmentation.
     *
     * @param manager the manager of the arrays
     * @param position the position in this dataset, 0 to {@link #size()} - 1
     * @return float32 (3, height, width) in [0, 1], and an int64 scalar label
     * @throws UncheckedIOException if the image cannot be read
     */
    @Override
    public Record get(NDManager manager, long position) {
        Batch batch = getByIndices(manager, position);
        try (NDArray image = batch.getData().head();
                NDArray label = batch.getLabels().head()) {
            return new Record(new NDList(image.squeeze(0)), new NDList(label.squeeze(0)));
        }
    }

    /**
     * Returns images as they are stored, without augmentation.
     *
     * @param manager the manager of the arrays
     * @param positions the positions in this dataset, each 0 to {@link #size()} - 1
     * @return a batch as in the class comment
     * @throws UncheckedIOException if an image cannot be read
     */
    @Override
    public Batch getByIndices(NDManager manager, long... positions) {
        for (long position : positions) {
            if (position < 0 || position >= size()) {
                throw new IndexOutOfBoundsException(
                        "no image at " + position + ": the dataset has " + size());
            }
        }
        return toBatch(manager, read(positions, readsInParallel()));
    }

    /**
     * Returns a range of images as they are stored, without augmentation.
     *
     * @param manager the manager of the arrays
     * @param from the first position
     * @param to the position after the last
     * @return a batch as in the class comment
     * @throws UncheckedIOException if an image cannot be read
     */
    @Override
    public Batch getByRange(NDManager manager, long from, long to) {
        return getByIndices(manager, LongStream.range(from, to).toArray());
    }

    /**
     * Starts a pass over the data.
     *
     * @param manager the manager of the batches
     * @param sampler the batch size and the order
     * @param executorService reads {@code optPrefetchNumber} batches ahead, 2 unless set, each on one
     *     thread ({@link Datasets#readingThreads}); {@code null} to read a batch when it is asked for
     * @return the batches, to be gone through once; each is to be closed
     * @throws IllegalArgumentException if {@link #setPosition} named a batch that the pass has not
     */
    @Override
    public Iterable<Batch> getData(
            NDManager manager, Sampler sampler, ExecutorService executorService) {
        Iterator<List<Long>> order = sampler.sample(this);
        long progress = 0;
        for (long batch = 0; batch < firstBatch; batch++) {
            if (!order.hasNext()) {
                throw new IllegalArgumentException(String.format(
                        "the pass cannot start at batch %d: it has %d", firstBatch, batch));
            }
            progress += order.next().size();
        }
        Pass pass = new Pass(this, manager, order, progress, executorService, prefetchNumber);
        setPosition(epoch + 1, 0);
        return pass;
    }

    /** {@inheritDoc} */
    @Override
    public PixelDataset subDataset(int fromIndex, int toIndex) {
        return (PixelDataset) super.subDataset(fromIndex, toIndex);
    }

    /** {@inheritDoc} */
    @Override
    public PixelDataset subDataset(List<Long> subIndices) {
        return (PixelDataset) super.subDataset(subIndices);
    }

    /** {@inheritDoc} */
    @Override
    protected RandomAccessDataset newSubDataset(int[] indices, int from, int to) {
        return subset(Arrays.stream(indices, from, to).asLongStream().toArray());
    }

    /** {@inheritDoc} */
    @Override
    protected RandomAccessDataset newSubDataset(List<Long> subIndices) {
        return subset(subIndices.stream().mapToLong(Long::longValue).toArray());
    }

    private PixelDataset subset(long[] positions) {
        return new Subset(this, positions, new SameSettings(this));
    }

    /** Chosen images to validate with: in order, all of them, as they are stored, none replaced. */
    PixelDataset validationSubset(long[] positions) {
        SameSettings settings = new SameSettings(this)
                .setSampling(sampler.getBatchSize(), false)
                .optAugmentation(null)
                .optMaxUnreadable(0);
        return new Subset(this, positions, settings);
    }

    /** Reads the images at positions of this dataset, without any native memory. */
    ImageBytes read(long[] positions, boolean inParallel) {
        return read(positions, inParallel, null, 0, 0);
    }

    /** Reads the images of one batch of a pass: augmented, and with others for unreadable ones. */
    ImageBytes readForPass(long[] positions, boolean inParallel, long pass) {
        return read(positions, inParallel, augmentation, pass, maxUnreadable);
    }

    private ImageBytes read(
            long[] positions, boolean inParallel, Augmentation change, long pass, int allowed) {
        Shape shape = getImageShape();
        int height = (int) shape.get(1);
        int width = (int) shape.get(2);
        int imageSize = 3 * height * width;
        Long[] indices = new Long[positions.length];
        long[] labels = new long[positions.length];
        ByteBuffer buffer = takeBuffer(Math.multiplyExact(imageSize, positions.length));
        Part part = change == null
                ? (rows, columns, index) -> Optional.empty()
                : (rows, columns, index) -> change.crop(rows, columns, pass, index);
        IntStream rows = IntStream.range(0, positions.length);
        (inParallel ? rows.parallel() : rows).forEach(row -> {
            byte[] pixels = new byte[imageSize];
            long index = readReadable(positions[row], part, pixels, allowed);
            if (change != null) {
                byte[] changed = new byte[imageSize];
                change.apply(pixels, changed, height, width, pass, index);
                pixels = changed;
            }
            buffer.put(row * imageSize, pixels);
            indices[row] = index;
            labels[row] = label(index);
        });
        return new ImageBytes(buffer, labels, List.of(indices));
    }

    /**
     * Reads a part of one image, resized to the dataset's size, or all of it as {@link #readPixels}
     * does. Overridden where images are stored in other sizes.
     */
    void readPart(long index, Part part, byte[] pixels) throws IOException {
        readPixels(index, pixels);
        int height = (int) getImageShape().get(1);
        int width = (int) getImageShape().get(2);
        part.of(height, width, index)
                .ifPresent(box ->
                        box.resize(RgbImage.of(pixels, height, width), height, width, pixels));
    }

    /** Chooses the part of an image to read, or none to read all of it. */
    interface Part {

        Optional<CropBox> of(int height, int width, long index);
    }

    /** Reads the image at a position or, while that is allowed, the next one that can be read. */
    private long readReadable(long position, Part part, byte[] pixels, int allowed) {
        for (long tried = 0; ; tried++) {
            long index = wholeIndex((position + tried) % size());
            try {
                readPart(index, part, pixels);
                return index;
            } catch (ClosedByInterruptException e) {
                throw new UncheckedIOException("reading was interrupted", e);
            } catch (IOException e) {
                if (allowed == 0 || tried == size()) {
                    throw new UncheckedIOException(e.getMessage(), e);
                }
                countUnreadable(index, e, allowed);
            }
        }
    }

    private void countUnreadable(long index, IOException e, int allowed) {
        Set<Long> unreadable = whole().unreadable;
        if (!unreadable.add(index)) {
            return; // met in an earlier pass
        }
        if (unreadable.size() > allowed) {
            throw new UncheckedIOException(
                    String.format(
                            "%d images cannot be read, more than the %d that are allowed; the last: %s",
                            unreadable.size(), allowed, e.getMessage()),
                    e);
        }
        logger.warn(
                "{}. The next image takes its place; unreadable so far: {}, allowed: {}.",
                e.getMessage(),
                unreadable.size(),
                allowed);
    }

    /** Makes a batch of a pass, with what DJL's builder takes: transforms of batches, and a device. */
    Batch toBatchOfPass(NDManager manager, ImageBytes bytes, long progress) {
        Batch batch = toBatch(manager, bytes);
        NDList data = batch.getData();
        NDList labels = batch.getLabels();
        if (pipeline != null) {
            data = pipeline.transform(data);
        }
        if (targetPipeline != null) {
            labels = targetPipeline.transform(labels);
        }
        if (device != null) {
            data = data.toDevice(device, false);
            labels = labels.toDevice(device, false);
        }
        return new Batch(
                manager,
                data,
                labels,
                batch.getSize(),
                dataBatchifier,
                labelBatchifier,
                progress,
                size(),
                batch.getIndices());
    }

    /** Makes a batch; the bytes may not be used any more. */
    private Batch toBatch(NDManager manager, ImageBytes bytes) {
        int size = bytes.labels().length;
        Shape shape = getImageShape();
        Shape batchShape = new Shape(size, shape.get(0), shape.get(1), shape.get(2));
        // Handed over as bytes and made floats by the engine. The float array then owns its memory;
        // an array made from a float buffer would borrow Java's, which may be freed as soon as the
        // array is closed although a gradient still needs it. It also sends a GPU a quarter.
        NDArray images;
        try (NDArray array = manager.create(bytes.pixels(), batchShape, DataType.UINT8)) {
            images = array.toType(DataType.FLOAT32, true).divi(255f);
        }
        buffers.add(bytes.pixels());
        return new Batch(
                manager,
                new NDList(images),
                new NDList(manager.create(bytes.labels())),
                size,
                dataBatchifier,
                labelBatchifier,
                -1,
                -1,
                bytes.indices());
    }

    /** Direct buffers are costly to make and are freed late, so they are used again. */
    private ByteBuffer takeBuffer(int size) {
        ByteBuffer buffer = buffers.poll();
        if (buffer == null || buffer.capacity() < size) {
            buffer = ByteBuffer.allocateDirect(size);
        }
        return buffer.clear().limit(size);
    }

    /**
     * The images of one batch as they are read.
     *
     * @param pixels the planes of one image after the other, in a direct buffer
     * @param labels the labels
     * @param indices the indices in the whole dataset
     */
    record ImageBytes(ByteBuffer pixels, long[] labels, List<Long> indices) {}

    /** Chosen images of a dataset. */
    private static final class Subset extends PixelDataset {

        private final PixelDataset whole;
        private final long[] indices;

        Subset(PixelDataset parent, long[] positions, SameSettings settings) {
            super(settings);
            whole = parent.whole();
            indices = LongStream.of(positions).map(parent::wholeIndex).toArray();
        }

        @Override
        protected long availableSize() {
            return indices.length;
        }

        @Override
        PixelDataset whole() {
            return whole;
        }

        @Override
        long wholeIndex(long position) {
            return indices[Math.toIntExact(position)];
        }

        @Override
        public String getName() {
            return whole.getName();
        }

        @Override
        public List<String> getClasses() {
            return whole.getClasses();
        }

        @Override
        public Shape getImageShape() {
            return whole.getImageShape();
        }

        @Override
        protected void readPixels(long index, byte[] pixels) throws IOException {
            whole.readPixels(index, pixels);
        }

        @Override
        void readPart(long index, Part part, byte[] pixels) throws IOException {
            whole.readPart(index, part, pixels);
        }

        @Override
        protected int label(long index) {
            return whole.label(index);
        }

        @Override
        protected boolean readsInParallel() {
            return whole.readsInParallel();
        }
    }

    private static final class SameSettings extends BaseBuilder<SameSettings> {

        SameSettings(PixelDataset dataset) {
            sampler = dataset.sampler;
            pipeline = dataset.pipeline;
            targetPipeline = dataset.targetPipeline;
            prefetchNumber = dataset.prefetchNumber;
            device = dataset.device;
            optAugmentation(dataset.augmentation);
            optMaxUnreadable(dataset.maxUnreadable);
        }

        @Override
        protected SameSettings self() {
            return this;
        }

        @Override
        public PixelDataset build() {
            throw new UnsupportedOperationException("only carries settings");
        }
    }

    /**
     * The settings that all datasets of this package share.
     *
     * @param <T> the builder's own class
     */
    public abstract static class BaseBuilder<T extends BaseBuilder<T>>
            extends RandomAccessDataset.BaseBuilder<T> {

        private Augmentation augmentation;
        private int maxUnreadable;

        /** Creates a builder. */
        protected BaseBuilder() {}

        /**
         * Sets the batch size and the order.
         *
         * <p>Unlike DJL's, the shuffled order is the same in each run ({@link ShuffleSampler} with
         * seed 0); for another seed use {@code setSampling(new BatchSampler(new
         * ShuffleSampler(seed), batchSize))}.
         *
         * @param batchSize images in a batch
         * @param random whether to shuffle
         * @param dropLast whether to leave out a last batch that is not full
         * @return this builder
         */
        @Override
        public T setSampling(int batchSize, boolean random, boolean dropLast) {
            Sampler.SubSampler order = random ? new ShuffleSampler(0) : new SequenceSampler();
            return setSampling(new BatchSampler(order, batchSize, dropLast));
        }

        /**
         * Sets a random change of the images, made anew in each pass that {@code getData} starts.
         *
         * @param augmentation the change, or {@code null} for none, which is the default
         * @return this builder
         */
        public T optAugmentation(Augmentation augmentation) {
            this.augmentation = augmentation;
            return self();
        }

        /**
         * Lets training go on when a few images cannot be read: in passes that {@code getData}
         * starts, the next image of the dataset takes the place of such an image, with its own label
         * and index, and a warning names the file once. Images that are asked for by their position
         * are never replaced, so that no figure is of other images than it says.
         *
         * @param maxUnreadable how many images in all may be unreadable before a pass fails; 0, the
         *     default, fails at the first
         * @return this builder
         * @throws IllegalArgumentException if it is negative
         */
        public T optMaxUnreadable(int maxUnreadable) {
            if (maxUnreadable < 0) {
                throw new IllegalArgumentException(
                        "maxUnreadable must be 0 or more, was " + maxUnreadable);
            }
            this.maxUnreadable = maxUnreadable;
            return self();
        }

        /**
         * Builds the dataset.
         *
         * @return the dataset, ready to be read
         * @throws IOException if the data is missing or not as expected
         */
        public abstract PixelDataset build() throws IOException;
    }
}
