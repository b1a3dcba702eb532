package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;
import ai.djl.util.PairList;

/**
 * The average of a network's weights on its way through training, which is often more robust than
 * where the way ends: exponential (EMA), or equal (SWA, stochastic weight averaging, Izmailov et al.
 * 2018).
 *
 * <pre>{@code
 * try (WeightAverage average = WeightAverage.exponential(vit, 0.999f, true)) {
 *     ...                                      // after each optimizer step:
 *     average.update();
 *     ...
 *     try (WeightAverage.Swap swap = average.swap()) {
 *         ...                                  // evaluate or save the network: it is the average
 *     }                                        // the network is again what it was, bit for bit
 * }
 * }</pre>
 *
 * <p>All parameters of the block are averaged, frozen ones too. A network with layer norms only, such
 * as our vision transformers, is ready when its weights are averaged. One with batch norms is not:
 * the mean of their running statistics is not the statistics of the mean network, so they have to be
 * computed anew from training images, as {@code torch.optim.swa_utils.update_bn} does.
 *
 * <p>An average belongs to one thread at a time. It sees the network's own arrays, on their device,
 * not the copies that a trainer keeps on further ones.
 */
public final class WeightAverage implements AutoCloseable {

    private static final String PREFIX = "average.";
    private static final String UPDATES = PREFIX + "updates";
    private static final String VALUE = PREFIX + "value.";
    private static final NDIndex ALL = new NDIndex("...");

    private final PairList<String, Parameter> parameters;
    private final Share share;
    private final NDManager manager;
    private final NDList averages = new NDList();
    private long updates;
    private boolean swapped;

    /** How much of the new average the present weights are, after some updates. */
    private interface Share {
        double after(long updates);
    }

    /** The time for which a network holds its averaged weights; closing it ends that. */
    public interface Swap extends AutoCloseable {

        /** Gives the network its own weights back; a second call does nothing. */
        @Override
        void close();
    }

    private WeightAverage(Block block, Share share) {
        this.share = share;
        parameters = block.getParameters();
        manager = parameters.valueAt(0).getArray().getManager().newSubManager();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (Parameter parameter : parameters.values()) {
                NDArray copy = values(parameter).duplicate();
                copy.attach(manager);
                averages.add(copy);
            }
            NDScope.unregister(averages);
        }
    }

    /**
     * Starts an exponential moving average from the present weights. Each update makes it decay
     * average + (1 - decay) weights.
     *
     * @param block the network, initialised
     * @param decay between 0 and 1, such as 0.999 where it is updated after every step
     * @param warmUp whether the decay rises: at update t, counted from 0, it is then at most (1 + t)
     *     / (10 + t), so that the start is soon forgotten (as in TensorFlow; timm's {@code ModelEmaV3}
     *     without its warm-up is {@code false})
     * @return the average, to be closed; it is where the network starts, and ends with it at the
     *     latest
     * @throws IllegalArgumentException if the decay is out of range
     */
    public static WeightAverage exponential(Block block, float decay, boolean warmUp) {
        if (!(decay > 0 && decay < 1)) {
            throw new IllegalArgumentException(
                    "The decay of the average must be between 0 and 1, got " + decay + ".");
        }
        return new WeightAverage(block, t -> {
            double atMost = warmUp ? (1.0 + t) / (10 + t) : 1;
            return 1 - Math.min(decay, atMost);
        });
    }

    /**
     * Starts an equal average, in which the weights at all updates count the same. Update it at the
     * ends of the last epochs; before the first update there is no average.
     *
     * @param block the network, initialised
     * @return the average, to be closed; it ends with the network at the latest
     */
    public static WeightAverage equal(Block block) {
        return new WeightAverage(block, t -> 1.0 / (t + 1));
    }

    /**
     * Takes the present weights into the average.
     *
     * @throws IllegalStateException while the network holds the average
     */
    public void update() {
        requireNotSwapped();
        double ofPresent = share.after(updates);
        updates++;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (int i = 0; i < parameters.size(); i++) {
                NDArray average = averages.get(i);
                NDArray present = values(parameters.valueAt(i));
                if (ofPresent == 1) {
                    average.set(ALL, present);
                } else {
                    average.addi(present.sub(average).muli(ofPresent));
                }
            }
        }
    }

    /**
     * Returns how many updates were made, those before a {@link #load} included.
     *
     * @return the updates
     */
    public long getUpdates() {
        return updates;
    }

    /**
     * Exchanges the network's weights and the average in place, until the result is closed.
     *
     * @return what ends the exchange
     * @throws IllegalStateException if the network holds the average already, or an equal average has
     *     had no update yet
     */
    public Swap swap() {
        requireNotSwapped();
        if (updates == 0 && share.after(0) == 1) {
            throw new IllegalStateException(
                    "There is no average yet: call update() at the end of an epoch first.");
        }
        exchange();
        swapped = true;
        return () -> {
            if (swapped) {
                exchange();
                swapped = false;
            }
        };
    }

    private void exchange() {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (int i = 0; i < parameters.size(); i++) {
                NDArray present = values(parameters.valueAt(i));
                NDArray kept = present.duplicate();
                present.set(ALL, averages.get(i));
                averages.get(i).set(ALL, kept);
            }
        }
    }

    /**
     * Copies the average: {@code average.value.PARAMETER} for each parameter of the network, and
     * {@code average.updates}, int64 (1).
     *
     * @param copies the manager of the copies
     * @return the named arrays that {@link #load} takes
     * @throws IllegalStateException while the network holds the average
     */
    public NDList getState(NDManager copies) {
        requireNotSwapped();
        NDList arrays = new NDList();
        for (int i = 0; i < parameters.size(); i++) {
            NDArray copy = averages.get(i).duplicate();
            copy.attach(copies);
            copy.setName(VALUE + parameters.keyAt(i));
            arrays.add(copy);
        }
        NDArray number = copies.create(new long[] {updates});
        number.setName(UPDATES);
        arrays.add(number);
        return arrays;
    }

    /**
     * Goes on from a saved average, in place of the present one.
     *
     * @param arrays what {@link #getState} gave, in any order and on any device; they are copied
     * @throws IllegalArgumentException if an array is missing, unknown, or of another shape or type
     *     than the network's; the present average then stays
     * @throws IllegalStateException while the network holds the average
     */
    public void load(NDList arrays) {
        requireNotSwapped();
        NamedArrays saved = new NamedArrays("average of the weights", arrays);
        NDArray number = saved.take(UPDATES, new Shape(1), DataType.INT64);
        NDList values = new NDList();
        for (Pair<String, Parameter> parameter : parameters) {
            NDArray array = parameter.getValue().getArray();
            values.add(
                    saved.take(VALUE + parameter.getKey(), array.getShape(), array.getDataType()));
        }
        saved.checkAllTaken();

        updates = number.getLong();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (int i = 0; i < values.size(); i++) {
                NDArray average = averages.get(i);
                average.set(ALL, values.get(i).toDevice(average.getDevice(), false));
            }
        }
    }

    /** Shares the parameter's memory, but autograd does not follow it. */
    private static NDArray values(Parameter parameter) {
        return parameter.getArray().stopGradient();
    }

    private void requireNotSwapped() {
        if (swapped) {
            throw new IllegalStateException(
                    "The network holds the average: close what swap() gave first.");
        }
    }

    /** Frees the average. A network that holds it gets its own weights back first. */
    @Override
    public void close() {
        if (swapped) {
            exchange();
            swapped = false;
        }
        manager.close();
    }
}
