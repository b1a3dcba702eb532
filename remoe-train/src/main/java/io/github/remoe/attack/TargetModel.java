package io.github.remoe.attack;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * The model under attack: logits and input gradients of any DJL block, in evaluation mode.
 *
 * <p>The block sees its parameters without their gradients, so a backward pass computes the gradient
 * of the images alone: parameter gradients are neither computed nor changed, and no parameter is
 * frozen. The views share the parameters' memory, so a training step between two attacks is seen by
 * the second. Everything that a pass makes is closed when it returns, its result excepted.
 *
 * <p>Gradients cannot be taken while another {@link GradientCollector} is open (DJL allows one in a
 * process): make adversarial images before the training step's own collector opens.
 */
public final class TargetModel implements AutoCloseable {

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
            checkFinite(parameter.getKey(), parameter.getValue().getArray());
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
            outputs = forward(images);
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
        NDArray losses;
        NDArray gradient;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray input = images.duplicate();
            input.setRequiresGradient(true);
            try (GradientCollector collector = Engine.getEngine(engine()).newGradientCollector()) {
                losses = loss.apply(forward(input));
                collector.backward(losses.sum());
            }
            losses = losses.stopGradient();
            gradient = input.getGradient();
            NDScope.unregister(losses, gradient);
        }
        NDScope.register(losses);
        NDScope.register(gradient);
        return new LossGradient(losses, gradient);
    }

    private static void checkFinite(String name, NDArray array) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            if (!Float.isFinite(array.toType(DataType.FLOAT32, false).sum().getFloat())) {
                throw new IllegalArgumentException(String.format(
                        "The model's parameter %s holds NaN or infinite values, so its"
                                + " outputs mean nothing. Load sound weights, or train with"
                                + " a lower learning rate.",
                        name));
            }
        }
    }

    private NDList forward(NDArray images) {
        return block.forward(parameterStore, new NDList(images), false);
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
     * @param losses one loss an image (B)
     * @param gradient the gradient of each image's loss with respect to its pixels (B,3,h,w)
     */
    public record LossGradient(NDArray losses, NDArray gradient) {}

    /** Hands out each parameter as a view that autograd does not follow. */
    private static final class GradientFreeParameterStore extends ParameterStore {

        private final Map<String, View> views = new HashMap<>();

        GradientFreeParameterStore(NDManager manager) {
            super(manager, false);
        }

        @Override
        public NDArray getValue(Parameter parameter, Device device, boolean training) {
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
