package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Record;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;

class PixelDatasetTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    @Test
    void batchIsOneFloatArrayAndOneLongArray() throws Exception {
        PixelDataset dataset = GradientDataset.builder(10).setSampling(4, false).build();
        Batch batch = dataset.getData(manager).iterator().next();
        NDArray images = batch.getData().singletonOrThrow();
        assertThat(images.getShape()).isEqualTo(new Shape(4, 3, 2, 3));
        assertThat(images.getDataType()).isEqualTo(DataType.FLOAT32);
        NDArray labels = batch.getLabels().singletonOrThrow();
        assertThat(labels.getDataType()).isEqualTo(DataType.INT64);
        assertThat(labels.toLongArray()).containsExactly(0, 1, 2, 3);
        float[] values = images.toFloatArray();
        for (int i = 0; i < values.length; i++) {
            assertThat(values[i]).isEqualTo(i / 18 / 255f);
        }
    }

    @Test
    void everyByteBecomesItsShareOf255() {
        PixelDataset dataset =
                GradientDataset.builder(256).setSampling(256, false).build();
        float[] values = dataset.getByRange(manager, 0, 256).getData().head().toFloatArray();
        assertThat(values[0]).isZero();
        assertThat(values[255 * 18]).isEqualTo(1f);
        for (int i = 0; i < 256; i++) {
            assertThat(values[18 * i]).isEqualTo(i / 255f);
        }
    }

    @Test
    void indicesNameTheImagesOfAShuffledPass() throws Exception {
        PixelDataset dataset = GradientDataset.builder(23).setSampling(5, true).build();
        assertThat(indicesOfOnePass(dataset, null))
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, 23).boxed().toList())
                .isNotEqualTo(LongStream.range(0, 23).boxed().toList());
    }

    @Test
    void indicesNameTheImagesOfSubsets() throws Exception {
        PixelDataset dataset = GradientDataset.builder(23).setSampling(5, false).build();
        assertThat(indicesOfOnePass(dataset.subDataset(7, 11), null))
                .containsExactly(7L, 8L, 9L, 10L);
        PixelDataset chosen = dataset.subDataset(List.of(20L, 3L, 8L));
        assertThat(indicesOfOnePass(chosen, null)).containsExactly(20L, 3L, 8L);
        assertThat(indicesOfOnePass(chosen.subDataset(1, 3), null)).containsExactly(3L, 8L);
        assertThat(chosen.getClasses()).isEqualTo(dataset.getClasses());
        assertThat(chosen.size()).isEqualTo(3);
    }

    @Test
    void randomSplitHandsOutEveryImageOnce() throws Exception {
        PixelDataset dataset = GradientDataset.builder(30).setSampling(4, false).build();
        List<Long> all = new ArrayList<>();
        for (RandomAccessDataset part : dataset.randomSplit(2, 1)) {
            all.addAll(indicesOfOnePass((PixelDataset) part, null));
        }
        assertThat(all)
                .containsExactlyInAnyOrderElementsOf(
                        LongStream.range(0, 30).boxed().toList());
    }

    @Test
    void limitKeepsTheFirstImages() throws Exception {
        PixelDataset dataset =
                GradientDataset.builder(23).setSampling(5, true).optLimit(6).build();
        assertThat(dataset.size()).isEqualTo(6);
        assertThat(indicesOfOnePass(dataset, null))
                .containsExactlyInAnyOrder(0L, 1L, 2L, 3L, 4L, 5L);
    }

    @Test
    void readingAheadGivesTheSameBatches() throws Exception {
        PixelDataset dataset = GradientDataset.builder(200)
                .setSampling(7, true)
                .optPrefetchNumber(4)
                .optAugmentation(RandomCropFlip.builder().optPadding(1).build())
                .build();
        List<int[]> alone = pixelsOfOnePass(dataset, null);
        dataset.setEpoch(0);
        ExecutorService executor = Executors.newFixedThreadPool(3);
        try {
            List<int[]> ahead = pixelsOfOnePass(dataset, executor);
            assertThat(ahead).usingRecursiveComparison().isEqualTo(alone);
        } finally {
            executor.shutdown();
        }
    }

    @Test
    void augmentationDependsOnTheImageAndTheEpochAlone() throws Exception {
        Augmentation stamp = (source, target, height, width, epoch, index) -> {
            target[0] = (byte) index;
            target[1] = (byte) epoch;
        };
        PixelDataset dataset = GradientDataset.builder(9)
                .setSampling(4, false)
                .optAugmentation(stamp)
                .build();
        for (int epoch = 0; epoch < 2; epoch++) {
            assertThat(dataset.getEpoch()).isEqualTo(epoch);
            int[] last = pixelsOfOnePass(dataset, null).get(2);
            assertThat(last).startsWith(8, epoch);
        }
        PixelDataset subset = dataset.subDataset(5, 9);
        subset.setEpoch(3);
        assertThat(pixelsOfOnePass(subset, null).get(0)).startsWith(5, 3);
    }

    @Test
    void directAccessIsNotAugmented() {
        PixelDataset dataset = GradientDataset.builder(9)
                .setSampling(4, false)
                .optAugmentation((source, target, h, w, epoch, index) -> target[0] = 99)
                .build();
        Record record = dataset.subDataset(3, 9).get(manager, 2);
        assertThat(record.getData().head().getShape()).isEqualTo(new Shape(3, 2, 3));
        assertThat(TestImages.bytes(record.getData().head())).containsOnly(5);
        assertThat(record.getLabels().head().getShape()).isEqualTo(new Shape());
        assertThat(record.getLabels().head().getLong()).isEqualTo(1);
        Batch batch = dataset.getByIndices(manager, 6, 2);
        assertThat(batch.getIndices()).isEqualTo(List.of(6L, 2L));
        assertThat(TestImages.bytes(batch.getData().head())).startsWith(6).endsWith(2);
    }

    @Test
    void failedReadShowsItsOwnMessage() {
        PixelDataset dataset =
                GradientDataset.builder(9).setSampling(4, false).optBroken(6L).build();
        assertThatThrownBy(() -> indicesOfOnePass(dataset, null))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("cannot read image 6");
        ExecutorService executor = Executors.newFixedThreadPool(2);
        try {
            assertThatThrownBy(() -> indicesOfOnePass(dataset, executor))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessage("cannot read image 6");
        } finally {
            executor.shutdown();
        }
    }

    @Test
    void aPassGoesOnAtAnyBatchWithoutReadingTheOnesBefore() throws Exception {
        for (ExecutorService executor : new ExecutorService[] {null, Datasets.readingThreads(2)}) {
            for (int batch = 0; batch <= 5; batch++) {
                GradientDataset dataset = GradientDataset.builder(43)
                        .setSampling(new BatchSampler(new ShuffleSampler(7), 8, true))
                        .optAugmentation(RandomCropFlip.builder().optPadding(1).build())
                        .build();
                dataset.setEpoch(3);
                List<int[]> whole = pixelsOfOnePass(dataset, null);
                List<int[]> next = pixelsOfOnePass(dataset, null);
                dataset.getRead().clear();
                dataset.setPosition(3, batch);
                assertThat(pixelsOfOnePass(dataset, executor))
                        .usingRecursiveComparison()
                        .isEqualTo(whole.subList(batch, 5));
                assertThat(dataset.getRead()).hasSize(40 - 8 * batch);
                assertThat(dataset.getEpoch()).isEqualTo(4);
                assertThat(pixelsOfOnePass(dataset, executor))
                        .usingRecursiveComparison()
                        .isEqualTo(next);
            }
        }
    }

    @Test
    void progressCountsTheImagesThatWereSkipped() throws Exception {
        PixelDataset dataset =
                GradientDataset.builder(10).setSampling(4, false).build().subDataset(0, 9);
        dataset.setPosition(0, 1);
        List<Long> progress = new ArrayList<>();
        for (Batch batch : dataset.getData(manager)) {
            progress.add(batch.getProgress());
        }
        assertThat(progress).containsExactly(8L, 9L);
    }

    @Test
    void aPassCannotStartBehindItsEnd() {
        PixelDataset dataset = GradientDataset.builder(10).setSampling(4, false).build();
        dataset.setPosition(0, 4);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dataset.getData(manager, (ExecutorService) null))
                .withMessage("the pass cannot start at batch 4: it has 3");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dataset.setPosition(0, -1))
                .withMessage("batch must be 0 or more, was -1");
    }

    @Test
    void readingAheadIsBounded() throws Exception {
        GradientDataset dataset = GradientDataset.builder(200)
                .setSampling(5, false)
                .optPrefetchNumber(3)
                .build();
        ExecutorService executor = Datasets.readingThreads(2);
        try {
            Iterator<Batch> pass = dataset.getData(manager, executor).iterator();
            for (int taken = 0; taken < 5; taken++) {
                executor.submit(() -> {}).get();
                executor.invokeAll(Collections.nCopies(2, () -> null));
                assertThat(dataset.getRead().size()).isBetween(5 * taken, 5 * (taken + 3));
                pass.next().close();
            }
        } finally {
            executor.shutdownNow();
        }
    }

    @Test
    void passesThatAreGivenUpLeaveNothingBehind() throws Exception {
        PixelDataset dataset = GradientDataset.builder(100).setSampling(5, true).build();
        ExecutorService executor = Datasets.readingThreads(2);
        int before = manager.getManagedArrays().size();
        for (int pass = 0; pass < 300; pass++) {
            Iterator<Batch> batches = dataset.getData(manager, executor).iterator();
            batches.next().close();
            batches.next().close();
        }
        assertThat(manager.getManagedArrays()).hasSize(before);
        assertThat(pixelsOfOnePass(dataset, executor)).hasSize(20);
        executor.shutdownNow();
        assertThat(executor.awaitTermination(5, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void aPassDoesNotWaitForThreadsThatWereShutDown() throws Exception {
        PixelDataset dataset = GradientDataset.builder(40).setSampling(5, false).build();
        ExecutorService executor = Datasets.readingThreads(1);
        Iterator<Batch> pass = dataset.getData(manager, executor).iterator();
        pass.next().close();
        executor.shutdownNow();
        assertThatThrownBy(pass::next)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the reading threads were shut down");

        CountDownLatch never = new CountDownLatch(1);
        ExecutorService busy = Datasets.readingThreads(1);
        busy.submit(() -> never.await(1, TimeUnit.MINUTES));
        Iterator<Batch> waiting = dataset.getData(manager, busy).iterator();
        CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS).execute(busy::shutdownNow);
        assertThatThrownBy(waiting::next)
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the reading threads were shut down");
    }

    @Test
    void readingThreadsAreNamedDaemons() throws Exception {
        ExecutorService executor = Datasets.readingThreads(2);
        Thread thread = executor.submit(Thread::currentThread).get();
        assertThat(thread.getName()).isEqualTo("remoe-data-1");
        assertThat(thread.isDaemon()).isTrue();
        executor.shutdownNow();
        thread.join(5000);
        assertThat(thread.isAlive()).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Datasets.readingThreads(0))
                .withMessageContaining("at least 1, got 0");
    }

    @Test
    void transformsAndTheDeviceOfTheBuilderAreKept() throws Exception {
        PixelDataset dataset = GradientDataset.builder(8)
                .setSampling(4, false)
                .addTransform(array -> array.mul(2))
                .optDevice(Device.cpu())
                .build();
        for (Batch batch : dataset.getData(manager)) {
            float first = batch.getData().head().getFloat(0, 0, 0, 0);
            assertThat(first).isEqualTo((Long) batch.getIndices().get(0) * 2 / 255f);
            assertThat(batch.getLabels().head().getLong(1)).isEqualTo(1);
            batch.close();
        }
    }

    @Test
    void theNextImageTakesThePlaceOfAnUnreadableOne() throws Exception {
        PixelDataset dataset = GradientDataset.builder(9)
                .setSampling(3, false)
                .optBroken(4L, 5L, 8L)
                .optMaxUnreadable(3)
                .build();
        for (int epoch = 0; epoch < 2; epoch++) {
            assertThat(indicesOfOnePass(dataset, null))
                    .containsExactly(0L, 1L, 2L, 3L, 6L, 6L, 6L, 7L, 0L);
            assertThat(dataset.getUnreadable()).isEqualTo(3);
        }
        PixelDataset subset = dataset.subDataset(List.of(1L, 4L, 7L, 8L));
        assertThat(indicesOfOnePass(subset, null)).containsExactly(1L, 7L, 7L, 1L);
        assertThat(subset.getUnreadable()).isEqualTo(3);
    }

    @Test
    void tooManyUnreadableImagesEndThePass() {
        PixelDataset dataset = GradientDataset.builder(9)
                .setSampling(3, false)
                .optBroken(1L, 4L, 7L)
                .optMaxUnreadable(2)
                .build();
        assertThatThrownBy(() -> indicesOfOnePass(dataset, null))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("3 images cannot be read, more than the 2 that are allowed; the last:"
                        + " cannot read image 7");
        PixelDataset nothing = GradientDataset.builder(2)
                .setSampling(3, false)
                .optBroken(0L, 1L)
                .optMaxUnreadable(50)
                .build();
        assertThatThrownBy(() -> indicesOfOnePass(nothing, null))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("cannot read image 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> GradientDataset.builder(1).optMaxUnreadable(-1))
                .withMessage("maxUnreadable must be 0 or more, was -1");
    }

    @Test
    void imagesThatAreAskedForByPositionAreNeverReplaced() {
        PixelDataset dataset = GradientDataset.builder(9)
                .setSampling(3, false)
                .optBroken(4L)
                .optMaxUnreadable(3)
                .build();
        assertThatThrownBy(() -> dataset.getByIndices(manager, 3, 4))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("cannot read image 4");
    }

    @Test
    void wrongArgumentsAreNamed() {
        PixelDataset dataset = GradientDataset.builder(9).setSampling(4, false).build();
        assertThatThrownBy(() -> dataset.get(manager, 9))
                .isInstanceOf(IndexOutOfBoundsException.class)
                .hasMessage("no image at 9: the dataset has 9");
        assertThatThrownBy(() -> dataset.setEpoch(-1)).hasMessageContaining("was -1");
        assertThatThrownBy(() -> GradientDataset.builder(9)
                        .setSampling(4, false)
                        .optDataBatchifier(null)
                        .build())
                .hasMessageContaining("optDataBatchifier");
        assertThatThrownBy(() -> GradientDataset.builder(9).build())
                .hasMessageContaining("sampler must be set");
    }

    /** Checks each row against its index on the way. */
    private List<Long> indicesOfOnePass(PixelDataset dataset, ExecutorService executor)
            throws Exception {
        List<Long> indices = new ArrayList<>();
        for (Batch batch : dataset.getData(manager, executor)) {
            int[] pixels = TestImages.bytes(batch.getData().head());
            long[] labels = batch.getLabels().head().toLongArray();
            assertThat(batch.getProgressTotal()).isEqualTo(dataset.size());
            for (int row = 0; row < batch.getSize(); row++) {
                Long index = (Long) batch.getIndices().get(row);
                assertThat(pixels[row * 18]).isEqualTo(index.intValue());
                assertThat(labels[row]).isEqualTo(index % 4);
                indices.add(index);
            }
            batch.close();
        }
        return indices;
    }

    private List<int[]> pixelsOfOnePass(PixelDataset dataset, ExecutorService executor)
            throws Exception {
        List<int[]> batches = new ArrayList<>();
        for (Batch batch : dataset.getData(manager, executor)) {
            batches.add(TestImages.bytes(batch.getData().head()));
            batch.close();
        }
        return batches;
    }
}
