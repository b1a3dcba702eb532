package io.github.remoe.data;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;

import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Queue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One pass over a dataset: its batches, in the order of the sampler.
 *
 * <p>With an executor, batches are read ahead as bytes, each by one of its threads. Native arrays are
 * made by the thread that asks for the batch: DJL's own loader makes them ahead, where a pass that is
 * given up leaves them behind in the manager.
 */
final class Pass implements Iterable<Batch>, Iterator<Batch> {

    private final PixelDataset dataset;
    private final NDManager manager;
    private final Iterator<List<Long>> order;
    private final ExecutorService executor;
    private final long epoch;
    private final Queue<Future<PixelDataset.ImageBytes>> ahead = new ArrayDeque<>();
    private long progress;

    /**
     * Starts reading ahead.
     *
     * @param dataset the dataset
     * @param manager the manager of the batches
     * @param order the positions of the images of each batch
     * @param progress the images that this pass has seen already
     * @param executor reads ahead; {@code null} to read when a batch is asked for
     * @param prefetchNumber how many batches to read ahead
     */
    Pass(
            PixelDataset dataset,
            NDManager manager,
            Iterator<List<Long>> order,
            long progress,
            ExecutorService executor,
            int prefetchNumber) {
        this.dataset = dataset;
        this.manager = manager;
        this.order = order;
        this.progress = progress;
        this.executor = executor;
        this.epoch = dataset.getEpoch();
        for (int i = 0; i < prefetchNumber; i++) {
            readAhead();
        }
    }

    private void readAhead() {
        if (executor != null && order.hasNext()) {
            long[] positions = nextPositions();
            ahead.add(executor.submit(() -> dataset.readForPass(positions, false, epoch)));
        }
    }

    private long[] nextPositions() {
        return order.next().stream().mapToLong(Long::longValue).toArray();
    }

    /** {@inheritDoc} */
    @Override
    public Iterator<Batch> iterator() {
        return this;
    }

    /** {@inheritDoc} */
    @Override
    public boolean hasNext() {
        return !ahead.isEmpty() || order.hasNext();
    }

    /**
     * {@inheritDoc}
     *
     * @throws UncheckedIOException if an image cannot be read; the message names it
     */
    @Override
    public Batch next() {
        if (!hasNext()) {
            throw new NoSuchElementException("the pass is over");
        }
        PixelDataset.ImageBytes bytes = executor == null
                ? dataset.readForPass(nextPositions(), dataset.readsInParallel(), epoch)
                : takeAhead();
        progress += bytes.labels().length;
        return dataset.toBatchOfPass(manager.newSubManager(), bytes, progress);
    }

    private PixelDataset.ImageBytes takeAhead() {
        if (executor.isShutdown()) {
            throw shutDown();
        }
        readAhead();
        Future<PixelDataset.ImageBytes> batch = ahead.remove();
        while (true) {
            try {
                return batch.get(1, TimeUnit.SECONDS);
            } catch (TimeoutException e) {
                if (executor.isTerminated() && !batch.isDone()) {
                    throw shutDown(); // a batch that was not begun would be waited for without end
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while waiting for images", e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof UncheckedIOException read) {
                    throw new UncheckedIOException(read.getMessage(), read.getCause());
                }
                throw new IllegalStateException(
                        "reading images failed: " + e.getCause(), e.getCause());
            }
        }
    }

    private static IllegalStateException shutDown() {
        return new IllegalStateException(
                "the reading threads were shut down before the pass was over: end the pass first");
    }
}
