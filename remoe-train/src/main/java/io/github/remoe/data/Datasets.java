package io.github.remoe.data;

import ai.djl.basicdataset.BasicDatasets;
import ai.djl.training.dataset.Dataset.Usage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** Finds the right dataset for a word or path, as it is given on a command line. */
public final class Datasets {

    /** The word for the {@link SyntheticDataset}. */
    public static final String SYNTHETIC = "synthetic";

    /** The word for CIFAR-10, downloaded on first use. */
    public static final String CIFAR10 = "cifar10";

    /** What DJL does not have: where it comes from, and how its folder must look. */
    private static final Map<String, String> SOURCES = Map.of(
            "cifar100",
            "cifar-100-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it",
            "imagenette",
            "imagenette2-320.tgz from https://github.com/fastai/imagenette, unpack it",
            "imagenet",
            "the training and validation images of ILSVRC 2012 from https://image-net.org, unpack"
                    + " them into train/ID/ and val/ID/, ID being the WordNet id of the class");

    private Datasets() {}

    /**
     * Returns a builder of the dataset that {@code data} means; a sampler is still to be set.
     *
     * @param data {@code "synthetic"}, {@code "cifar10"}, or the path of a folder with CIFAR-10 or
     *     CIFAR-100 in binary form, or with class folders of JPEG and PNG files. A folder named {@code
     *     cifar10} is taken as such; without one, CIFAR-10 is downloaded on first use by DJL's
     *     repository, its checksums compared, and kept in DJL's cache ({@code ~/.djl.ai}, or {@code
     *     DJL_CACHE_DIR})
     * @param usage which part
     * @param imageSize the wanted height and width; 32 except for class folders
     * @return the builder
     * @throws IOException if the folder is missing or holds none of these, or the download fails
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
            if (data.equals(CIFAR10)) {
                requireSize32("CIFAR-10", imageSize);
                return CifarDataset.builder()
                        .setDownloaded(Cifar10Download.file(BasicDatasets.REPOSITORY, usage))
                        .optUsage(usage);
            }
            if (SOURCES.containsKey(data)) {
                throw new FileNotFoundException(String.format(
                        "%s is not downloaded by itself: get %s, and give that folder instead of"
                                + " \"%s\"",
                        data, SOURCES.get(data), data));
            }
            throw new FileNotFoundException(String.format(
                    "no folder %s: give \"%s\", \"%s\" or a folder with a dataset",
                    path, SYNTHETIC, CIFAR10));
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
                + " folder for each class with .jpg, .jpeg or .png files, to train on in a folder"
                + " train and to test on in test or val");
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

    /**
     * The two parts of a {@link Datasets#split split}.
     *
     * @param train the images to train on, with the settings of the dataset that was split
     * @param validation the images to validate with: in the order of the dataset, none left out, not
     *     augmented, and an unreadable one is an error
     */
    public record Split(PixelDataset train, PixelDataset validation) {}

    /**
     * Holds back validation images from a training set, as many of each class as fits its share.
     *
     * <p>Whether an image is held back depends on the seed, the number and its index in the whole
     * dataset alone: it is so for every subset. So split first and {@link #sample} the training part
     * afterwards, or split a sample and get its share of the validation images. More validation
     * images with the same seed are the same ones and others besides.
     *
     * @param dataset the dataset, or a subset of one
     * @param validationImages how many images of the <em>whole</em> dataset are held back
     * @param seed what the choice depends on
     * @return both parts; no image is in both, and indices are still those of the whole dataset
     * @throws IllegalArgumentException if the number is less than 1, or leaves one part empty
     */
    public static Split split(PixelDataset dataset, int validationImages, long seed) {
        long images = dataset.whole().availableSize();
        if (validationImages < 1 || validationImages >= images) {
            throw new IllegalArgumentException(String.format(
                    "The number of validation images must be at least 1 and less than the %d of the"
                            + " dataset; got %d.",
                    images, validationImages));
        }
        BitSet heldBack = new BitSet();
        inBalancedOrder(dataset.whole(), seed)
                .limit(validationImages)
                .forEach(index -> heldBack.set(Math.toIntExact(index)));
        Map<Boolean, List<Long>> parts = LongStream.range(0, dataset.size())
                .boxed()
                .collect(Collectors.partitioningBy(
                        position -> heldBack.get(Math.toIntExact(dataset.getIndex(position)))));
        if (parts.get(true).isEmpty() || parts.get(false).isEmpty()) {
            throw new IllegalArgumentException(String.format(
                    "Of these %d images, %d are validation images: split the whole dataset, or hold"
                            + " back another number than %d of %d.",
                    dataset.size(), parts.get(true).size(), validationImages, images));
        }
        return new Split(
                dataset.subDataset(parts.get(false)),
                dataset.validationSubset(
                        parts.get(true).stream().mapToLong(Long::longValue).toArray()));
    }

    /** All indices in a random order of which any first part has the classes in proportion. */
    private static Stream<Long> inBalancedOrder(PixelDataset whole, long seed) {
        record Place(double shareOfClass, long index) {}
        Comparator<Long> random = Comparator.comparingLong(index -> Seeds.of("split", seed, index));
        Map<Integer, List<Long>> classes = LongStream.range(0, whole.availableSize())
                .boxed()
                .sorted(random)
                .collect(Collectors.groupingBy(whole::label));
        return classes.values().stream()
                .flatMap(images -> IntStream.range(0, images.size())
                        .mapToObj(i -> new Place((i + 0.5) / images.size(), images.get(i))))
                .sorted(Comparator.comparingDouble(Place::shareOfClass)
                        .thenComparing(Place::index, random))
                .map(Place::index);
    }

    /**
     * Creates threads to read batches ahead of training with, for {@code getData} or {@link
     * ai.djl.training.DefaultTrainingConfig#optExecutorService(ExecutorService)}.
     *
     * <p>They never keep a program from ending, and end by themselves when they had nothing to do for
     * ten seconds. {@code shutdownNow} ends them at once; a pass that still waits for them must not
     * be gone on with.
     *
     * @param threads how many, 1 or more; 2 keep up with training on the processor
     * @return the threads, none of which is started yet
     * @throws IllegalArgumentException if the number is less than 1
     */
    public static ExecutorService readingThreads(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(
                    "The number of reading threads must be at least 1, got " + threads + ".");
        }
        AtomicInteger started = new AtomicInteger();
        ThreadPoolExecutor executor = new ThreadPoolExecutor(
                threads, threads, 10, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "remoe-data-" + started.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        executor.allowCoreThreadTimeOut(true);
        return executor;
    }

    private static void requireSize32(String name, int imageSize) {
        if (imageSize != 32) {
            throw new IllegalArgumentException(
                    name + " has images of 32 x 32: set the image size to 32, was " + imageSize);
        }
    }
}
