package io.github.remoe.data;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.ArrayDataset;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.BulkDataIterable;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;
import ai.djl.training.dataset.Sampler;
import ai.djl.training.dataset.SequenceSampler;
import ai.djl.translate.Batchifier;

import io.github.remoe.weights.Sha256;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
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
 * where an earlier run stopped. Start passes from one thread; reading ahead with an {@link
 * ExecutorService} is fine.
 *
 * <p><b>Errors.</b> An image that cannot be read ends the pass with an {@link UncheckedIOException}
 * whose message names it.
 *
 * <p>A new kind of dataset fills in the four abstract methods; all of them may be called by several
 * threads at once.
 */
public abstract class PixelDataset extends ArrayDataset {

    private final Augmentation augmentation;
    private final Queue<ByteBuffer> buffers = new ConcurrentLinkedQueue<>();
    private long epoch;
    private String checksum;

    /**
     * Creates the dataset.
     *
     * @param builder holds the sampler and the other settings
     */
    protected PixelDataset(BaseBuilder<?> builder) {
        super(builder);
        augmentation = builder.augmentation;
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
     * pool. Worth it where reading is slow.
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
        if (epoch < 0) {
            throw new IllegalArgumentException("epoch must be 0 or more, was " + epoch);
        }
        this.epoch = epoch;
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
        long[] indices = new long[positions.length];
        for (int i = 0; i < indices.length; i++) {
            if (positions[i] < 0 || positions[i] >= size()) {
                throw new IndexOutOfBoundsException(
                        "no image at " + positions[i] + ": the dataset has " + size());
            }
            indices[i] = wholeIndex(positions[i]);
        }
        return whole().gather(manager, indices, null, 0);
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

    /** {@inheritDoc} */
    @Override
    public Iterable<Batch> getData(
            NDManager manager, Sampler sampler, ExecutorService executorService) {
        Iterable<Batch> batches =
                new PassIterable(new Pass(this), manager, sampler, executorService);
        epoch++; // only now: the iterable has already asked the sampler for the order
        return batches;
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
        return new Subset(this, Arrays.stream(indices, from, to).asLongStream().toArray());
    }

    /** {@inheritDoc} */
    @Override
    protected RandomAccessDataset newSubDataset(List<Long> subIndices) {
        return new Subset(this, subIndices.stream().mapToLong(Long::longValue).toArray());
    }

    /** Puts a batch together; {@code indices} count in the whole dataset. */
    private Batch gather(NDManager manager, long[] indices, Augmentation change, long pass) {
        Shape shape = getImageShape();
        int height = (int) shape.get(1);
        int width = (int) shape.get(2);
        int imageSize = 3 * height * width;
        int size = Math.multiplyExact(imageSize, indices.length);
        long[] labels = new long[indices.length];
        ByteBuffer buffer = takeBuffer(size);
        IntStream rows = IntStream.range(0, indices.length);
        (readsInParallel() ? rows.parallel() : rows).forEach(i -> {
            byte[] pixels = read(indices[i], imageSize);
            if (change != null) {
                byte[] changed = new byte[imageSize];
                change.apply(pixels, changed, height, width, pass, indices[i]);
                pixels = changed;
            }
            buffer.put(i * imageSize, pixels);
            labels[i] = label(indices[i]);
        });

        // Handed over as bytes and made floats by the engine. The float array then owns its memory;
        // an array made from a float buffer would borrow Java's, which may be freed as soon as the
        // array is closed although a gradient still needs it. It also sends a GPU a quarter.
        NDArray images;
        Shape batchShape = new Shape(indices.length, 3, height, width);
        try (NDArray bytes = manager.create(buffer, batchShape, DataType.UINT8)) {
            images = bytes.toType(DataType.FLOAT32, true).divi(255f);
        }
        buffers.add(buffer);
        return new Batch(
                manager,
                new NDList(images),
                new NDList(manager.create(labels)),
                indices.length,
                dataBatchifier,
                labelBatchifier,
                -1,
                -1,
                LongStream.of(indices).boxed().toList());
    }

    private byte[] read(long index, int imageSize) {
        byte[] pixels = new byte[imageSize];
        try {
            readPixels(index, pixels);
        } catch (IOException e) {
            throw new UncheckedIOException(e.getMessage(), e);
        }
        return pixels;
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
     * One pass over a dataset, as DJL's loader sees it: its indices count in the whole dataset, its
     * size is that of the dataset or subset, and it remembers its epoch while batches are read
     * ahead.
     */
    private static final class Pass extends ArrayDataset {

        private final PixelDataset dataset;
        private final long epoch;

        Pass(PixelDataset dataset) {
            super(new SameSettings(dataset));
            this.dataset = dataset;
            this.epoch = dataset.epoch;
        }

        @Override
        protected long availableSize() {
            return dataset.size();
        }

        @Override
        public Batch getByIndices(NDManager manager, long... indices) {
            return dataset.whole().gather(manager, indices, dataset.augmentation, epoch);
        }

        @Override
        public Batch getByRange(NDManager manager, long from, long to) {
            return getByIndices(manager, LongStream.range(from, to).toArray());
        }

        Iterator<List<Long>> sample(Sampler sampler) {
            Iterator<List<Long>> positions = sampler.sample(dataset);
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return positions.hasNext();
                }

                @Override
                public List<Long> next() {
                    return positions.next().stream().map(dataset::wholeIndex).toList();
                }
            };
        }
    }

    /** DJL's loader, but a failed read shows its own message instead of "Data loading failed". */
    private static final class PassIterable extends BulkDataIterable {

        PassIterable(Pass pass, NDManager manager, Sampler sampler, ExecutorService executor) {
            super(
                    pass,
                    manager,
                    new Sampler() {
                        @Override
                        public Iterator<List<Long>> sample(RandomAccessDataset dataset) {
                            return pass.sample(sampler);
                        }

                        @Override
                        public int getBatchSize() {
                            return sampler.getBatchSize();
                        }
                    },
                    pass.dataset.dataBatchifier,
                    pass.dataset.labelBatchifier,
                    pass.dataset.pipeline,
                    pass.dataset.targetPipeline,
                    executor,
                    pass.dataset.prefetchNumber,
                    pass.dataset.device);
        }

        @Override
        public Batch next() {
            try {
                return super.next();
            } catch (IllegalStateException e) {
                for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                    if (cause instanceof UncheckedIOException) {
                        UncheckedIOException read = (UncheckedIOException) cause;
                        throw new UncheckedIOException(read.getMessage(), read.getCause());
                    }
                }
                throw e;
            }
        }
    }

    /** Chosen images of a dataset. */
    private static final class Subset extends PixelDataset {

        private final PixelDataset whole;
        private final long[] indices;

        Subset(PixelDataset parent, long[] positions) {
            super(new SameSettings(parent));
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
        protected int label(long index) {
            return whole.label(index);
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
         * Builds the dataset.
         *
         * @return the dataset, ready to be read
         * @throws IOException if the data is missing or not as expected
         */
        public abstract PixelDataset build() throws IOException;
    }
}
