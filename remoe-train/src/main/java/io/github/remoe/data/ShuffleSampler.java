package io.github.remoe.data;

import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Sampler;

import java.util.Iterator;
import java.util.PrimitiveIterator;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * A {@link Sampler.SubSampler} that shuffles by a seed: a fresh order for each pass, the same
 * orders in each run.
 *
 * <p>DJL's {@link ai.djl.training.dataset.RandomSampler} draws from one generator that the whole
 * process shares, so its order depends on all that ran before. Here the order depends on the seed
 * and the number of the pass alone. For a {@link PixelDataset} that number is the dataset's {@link
 * PixelDataset#getEpoch() epoch}, so a training that is taken up again at epoch 7 sees the order of
 * epoch 7; for other datasets the sampler counts its passes from 0.
 */
public final class ShuffleSampler implements Sampler.SubSampler {

    private final long seed;
    private final AtomicLong passes = new AtomicLong();

    /**
     * Creates a sampler.
     *
     * @param seed any number
     */
    public ShuffleSampler(long seed) {
        this.seed = seed;
    }

    /** {@inheritDoc} */
    @Override
    public Iterator<Long> sample(RandomAccessDataset dataset) {
        long pass = dataset instanceof PixelDataset
                ? ((PixelDataset) dataset).getEpoch()
                : passes.getAndIncrement();
        SplittableRandom random = Seeds.random(seed, pass);
        int[] order = IntStream.range(0, Math.toIntExact(dataset.size())).toArray();
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int swapped = order[i];
            order[i] = order[j];
            order[j] = swapped;
        }
        PrimitiveIterator.OfInt positions = IntStream.of(order).iterator();
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                return positions.hasNext();
            }

            @Override
            public Long next() {
                return (long) positions.nextInt();
            }
        };
    }
}
