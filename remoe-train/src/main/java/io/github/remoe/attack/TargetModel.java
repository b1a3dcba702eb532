package io.github.remoe.attack;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * The model under attack: logits and input gradients of any DJL block, in evaluation mode.
 *
 * <p>The block sees its parameters without their gradients, so a backward pass computes the gradient
 * of the images alone: parameter gradients are neither computed nor changed, and no parameter is
 * frozen. The views share the parameters' memory, so a training step between two attacks is seen by
 * the second. Everything that a pass makes is closed when it returns, its result excepted.
 *
 * <p>Batches are filled up to a multiple of 4 images, so that on a CPU an image's logits and gradient
 * are the same numbers, to the last bit, in a batch of any size and at any place in it.
 *
 * <p>Targets may be used by several threads, one model or several: DJL allows one {@link
 * GradientCollector} in a process, so they take their gradients in turns. For the same reason
 * gradients cannot be taken while a collector of the caller's own is open: make adversarial images
 * before the training step's opens.
 */
public final class TargetModel implements AutoCloseable {

    // Matrix products take other kernels for the rows that do not fill a group of 4, and those
    // round
    // otherwise: without whole groups an image's logits would depend on the size of its batch.
    private static final int ROW_MULTIPLE = 4;

    // DJL allows one collector in a process.
    private static final ReentrantLock COLLECTOR = new ReentrantLock();

    private final Block block;
    private final NDManager manager;
    private final ParameterStore parameterStore;

    /**
     * Creates a target.
     *
     * @param block an initialised block: images (B,3,h,w) to logits (B,C), whatever further outputs
     *     it has
     * @param manager the parent of the manager that holds the parameters' views
     * @throws IllegalArgumentException if a parameter holds NaN or an infinity
     */
    public TargetModel(Block block, NDManager manager) {
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            if (!isFinite(parameter.getValue().getArray())) {
                throw new IllegalArgumentException(String.format(
                        "The model's parameter %s holds NaN or infinite values, so its"
                                + " outputs mean nothing. Load sound weights, or train with"
                                + " a lower learning rate.",
                        parameter.getKey()));
            }
        }
        this.block = block;
        this.manager = manager.newSubManager();
        parameterStore = new GradientFreeParameterStore(this.manager);
    }

    /**
     * Returns the block's outputs.
     *
     * @param images (B,3,h,w) in [0,1]
     * @return the logits (B,C) and whatever follows them, attached to the manager of {@code images}
     */
    public NDList predict(NDArray images) {
        NDList outputs;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            outputs = forward(padded(images), images.getShape().get(0));
            checkFinite("logits", outputs.head());
            NDScope.unregister(outputs);
        }
        outputs.forEach(NDScope::register);
        return outputs;
    }

    /**
     * Returns the gradient of a loss with respect to the images.
     *
     * @param images (B,3,h,w) in [0,1]
     * @param loss the block's outputs to one loss an image (B)
     * @return losses and gradients, attached to the manager of {@code images}
     */
    public LossGradient gradient(NDArray images, Function<NDList, NDArray> loss) {
        NDList outputs;
        NDArray losses;
        NDArray gradient;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray input = padded(images).duplicate();
            input.setRequiresGradient(true);
            COLLECTOR.lock();
            try (GradientCollector collector = Engine.getEngine(engine()).newGradientCollector()) {
                outputs = forward(input, images.getShape().get(0));
                losses = loss.apply(outputs);
                collector.backward(losses.sum());
            } finally {
                COLLECTOR.unlock();
            }
            outputs = new NDList(outputs.stream().map(NDArray::stopGradient).toList());
            losses = losses.stopGradient();
            gradient = firstRows(input.getGradient(), images.getShape().get(0));
            checkFinite("logits", outputs.head());
            checkFinite("input gradients", gradient);
            NDScope.unregister(outputs);
            NDScope.unregister(losses, gradient);
        }
        outputs.forEach(NDScope::register);
        NDScope.register(losses);
        NDScope.register(gradient);
        return new LossGradient(outputs, losses, gradient);
    }

    /** Fills the batch up to a multiple of {@link #ROW_MULTIPLE} with copies of its first image. */
    private static NDArray padded(NDArray images) {
        long missing = Math.floorMod(-images.getShape().get(0), ROW_MULTIPLE);
        return missing == 0 ? images : images.concat(images.get("0:1").repeat(0, missing));
    }

    private static NDArray firstRows(NDArray array, long rows) {
        return array.getShape().get(0) == rows ? array : array.get(new NDIndex("0:{}", rows));
    }

    private static void checkFinite(String what, NDArray array) {
        if (!isFinite(array)) {
            throw new ArithmeticException(String.format(
                    "The model's %s are NaN or infinite for images of this batch, so neither an"
                            + " attack nor an accuracy means anything. Look for a division by zero"
                            + " or an overflow in the model.",
                    what));
        }
    }

    private static boolean isFinite(NDArray array) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            return Float.isFinite(array.toType(DataType.FLOAT32, false).sum().getFloat());
        }
    }

    private NDList forward(NDArray images, long rows) {
        NDList outputs = block.forward(parameterStore, new NDList(images), false);
        return new NDList(
                outputs.stream().map(output -> firstRows(output, rows)).toList());
    }

    private String engine() {
        return manager.getEngine().getEngineName();
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        manager.close();
    }

    /**
     * Losses of a batch and their gradients.
     *
     * @param outputs the model's outputs: logits (B,K) and whatever follows them
     * @param losses one loss an image (B)
     * @param gradient the gradient of each image's loss with respect to its pixels (B,3,h,w)
     */
    public record LossGradient(NDList outputs, NDArray losses, NDArray gradient) {

        /**
         * Returns the model's logits.
         *
         * @return (B,K)
         */
        public NDArray logits() {
            return outputs.head();
        }
    }

    /** Hands out each parameter as a view that autograd does not follow. */
    private static final class GradientFreeParameterStore extends ParameterStore {

        private final Map<String, View> views = new HashMap<>();

        GradientFreeParameterStore(NDManager manager) {
            super(manager, false);
        }

        @Override
        public synchronized NDArray getValue(Parameter parameter, Device device, boolean training) {
            if (parameter == null) {
                return null;
            }
            NDArray array = parameter.getArray();
            View view = views.get(parameter.getId());
            if (view == null || view.array != array) {
                if (!array.getDevice().equals(device)) {
                    throw new IllegalArgumentException(String.format(
                            "The images are on %s, but the model is on %s. Move them with"
                                    + " images.toDevice(...).",
                            device, array.getDevice()));
                }
                NDArray detached = array.stopGradient();
                detached.attach(getManager());
                // A view outlives the pass that first asks for it.
                NDScope.unregister(detached);
                view = new View(array, detached);
                View stale = views.put(parameter.getId(), view);
                if (stale != null) {
                    stale.detached.close();
                }
            }
            return view.detached;
        }
    }

    private record View(NDArray array, NDArray detached) {}
}
