package io.github.remoe.attack;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.util.Pair;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * The model under attack: logits and input gradients of any DJL block, in evaluation mode.
 *
 * <p>Attacks work in pixel space. A network that takes normalised images gets the normalisation in
 * front:
 *
 * <pre>{@code
 * Block network = new SequentialBlock()
 *         .addSingleton(x -> x.sub(Constants.of(x.getManager(), mean, new Shape(1, 3, 1, 1)))
 *                 .div(Constants.of(x.getManager(), std, new Shape(1, 3, 1, 1))))
 *         .add(zooModel.getBlock());
 * TargetModel model = new TargetModel(network, zooModel.getNDManager());
 * }</pre>
 *
 * <p>TorchScript networks (DJL's symbol blocks) may stand alone or in a SequentialBlock, and need no
 * option when they are loaded. With the first batch the target takes a frozen copy of the script in
 * evaluation mode, since DJL gives gradients in training mode only: the script itself is left alone,
 * and a target does not see it change. The script's first output must be the logits; those of a
 * dictionary come in no order, so have a block behind it pick them: {@code
 * .add(outputs -> new NDList(outputs.get("logits")))}.
 *
 * <p>The block sees its parameters without their gradients, so a backward pass computes the gradient
 * of the images alone: parameter gradients are neither computed nor changed, and no parameter is
 * frozen. The views share the parameters' memory, so a training step between two attacks is seen by
 * the second. Everything that a pass makes is closed when it returns, its result excepted.
 *
 * <p>Batches are filled up to a multiple of 4 images, so that on a CPU an image's logits and gradient
 * do not depend on the size of its batch nor on its place in it: to the last bit for widths of a head
 * that fill whole vectors, as those of the presets do. For other widths MKL rounds some products
 * by where they lie in memory, unless the environment has {@code MKL_CBWR=COMPATIBLE}.
 *
 * <p>Targets may be used by several threads, one model or several: DJL allows one {@link
 * GradientCollector} in a process, so they take their gradients in turns. For the same reason
 * gradients cannot be taken while a collector of the caller's own is open: make adversarial images
 * before the training step's opens.
 */
public final class TargetModel implements AutoCloseable {

    // Matrix products take other kernels, which round otherwise, for the rows that do not fill a
    // group of 4: without whole groups an image's logits would depend on the size of its batch.
    private static final int ROW_MULTIPLE = 4;

    // DJL allows one collector in a process.
    private static final ReentrantLock COLLECTOR = new ReentrantLock();

    private final Block original;
    private final Block block;
    private final Block surrogate;
    private final NDManager manager;
    private final ParameterStore parameterStore;

    /**
     * Creates a target.
     *
     * @param block an initialised block: images (B,3,h,w) to logits (B,C), whatever further outputs
     *     it has
     * @param manager the parent of the manager that holds the parameters' views
     * @throws IllegalArgumentException if a parameter holds NaN or an infinity, or a symbol block is
     *     inside a block other than a SequentialBlock
     */
    public TargetModel(Block block, NDManager manager) {
        this(block, null, manager);
    }

    /**
     * Creates a target from a model, such as one that {@code Criteria} loaded.
     *
     * @param model a model with a block: images (B,3,h,w) to logits (B,C), whatever further outputs
     *     it has
     * @throws IllegalArgumentException as of {@link #TargetModel(Block, NDManager)}
     */
    public TargetModel(Model model) {
        this(model.getBlock(), model.getNDManager());
    }

    private TargetModel(Block block, Block surrogate, NDManager manager) {
        checkParameters(block);
        if (surrogate != null) {
            checkParameters(surrogate);
        }
        this.original = block;
        this.manager = manager.newSubManager();
        this.block = DifferentiableScript.in(block, this.manager);
        this.surrogate =
                surrogate == null ? null : DifferentiableScript.in(surrogate, this.manager);
        parameterStore = new GradientFreeParameterStore(this.manager);
    }

    /**
     * Returns a target with the outputs of this one and the gradients of another network, for models
     * whose own gradients lead nowhere (backward pass differentiable approximation, Athalye et al.
     * 2018): a loss is taken of this model's outputs, and its gradient goes back to the images through
     * the other network.
     *
     * @param network an initialised block that gives outputs of the same shapes as this model
     * @return a new target, to be closed like this one
     * @throws IllegalArgumentException as of {@link #TargetModel(Block, NDManager)}
     */
    public TargetModel withGradientsOf(Block network) {
        return new TargetModel(original, network, manager.getParentManager());
    }

    private static void checkParameters(Block block) {
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            if (!isFinite(parameter.getValue().getArray())) {
                throw new IllegalArgumentException(String.format(
                        "The model's parameter %s holds NaN or infinite values, so its"
                                + " outputs mean nothing. Load sound weights, or train with"
                                + " a lower learning rate.",
                        parameter.getKey()));
            }
        }
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
            outputs = forward(block, padded(images), images.getShape().get(0));
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
        long rows = images.getShape().get(0);
        NDList outputs;
        NDArray losses;
        NDArray gradient;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray input = padded(images).duplicate();
            NDList exact = surrogate == null ? null : forward(block, input, rows);
            input.setRequiresGradient(true);
            COLLECTOR.lock();
            try (GradientCollector collector = Engine.getEngine(engine()).newGradientCollector()) {
                outputs = exact == null
                        ? forward(block, input, rows)
                        : straightThrough(exact, forward(surrogate, input, rows));
                losses = loss.apply(outputs);
                backward(collector, losses);
            } finally {
                COLLECTOR.unlock();
            }
            outputs = exact == null
                    ? new NDList(outputs.stream().map(NDArray::stopGradient).toList())
                    : exact;
            losses = losses.stopGradient();
            gradient = firstRows(input.getGradient(), input, rows);
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

    private static void backward(GradientCollector collector, NDArray losses) {
        try {
            collector.backward(losses.sum());
        } catch (EngineException e) {
            // DJL cannot be asked beforehand.
            if (!e.getMessage().contains("does not require grad")) {
                throw e;
            }
            throw new IllegalArgumentException(
                    "The loss has no gradient with respect to the images: the model computes"
                            + " without autograd (a quantised network, torch.no_grad in a script),"
                            + " or its logits do not depend on the images. Use an attack that needs"
                            + " predictions only.",
                    e);
        }
    }

    /** The values of one list of outputs with the gradients of another. */
    private static NDList straightThrough(NDList values, NDList gradients) {
        if (!Arrays.equals(values.getShapes(), gradients.getShapes())) {
            throw new IllegalArgumentException(String.format(
                    "The network that gives the gradients has outputs of shapes %s, the model's are"
                            + " %s. Both must give the same outputs.",
                    Arrays.toString(gradients.getShapes()), Arrays.toString(values.getShapes())));
        }
        NDList outputs = new NDList();
        for (int i = 0; i < values.size(); i++) {
            NDArray other = gradients.get(i);
            outputs.add(other.add(values.get(i).sub(other).stopGradient()));
        }
        return outputs;
    }

    /** The size of the batch that some images make once it is filled up. */
    static long batchSize(long images) {
        return images + Math.floorMod(-images, ROW_MULTIPLE);
    }

    /** Fills the batch up to a multiple of {@link #ROW_MULTIPLE} with copies of its first image. */
    private static NDArray padded(NDArray images) {
        long missing = batchSize(images.getShape().get(0)) - images.getShape().get(0);
        NDArray pixels = images.stopGradient();
        return missing == 0 ? pixels : pixels.concat(pixels.get("0:1").repeat(0, missing));
    }

    private static NDArray firstRows(NDArray array, NDArray padded, long rows) {
        long paddedRows = padded.getShape().get(0);
        Shape shape = array.getShape();
        boolean perImage = shape.dimension() > 0 && shape.get(0) == paddedRows;
        return perImage && rows < paddedRows ? array.get(new NDIndex("0:{}", rows)) : array;
    }

    private static void checkLogits(Block network, NDList outputs, NDArray padded) {
        Shape shape = outputs.isEmpty() ? new Shape() : outputs.head().getShape();
        if (shape.dimension() != 2 || shape.get(0) != padded.getShape().get(0)) {
            throw new IllegalArgumentException(String.format(
                    "The model's first output must be logits (B, K), but for images %s its outputs"
                            + " are %s. Put a block behind it that picks the logits.",
                    padded.getShape(), Arrays.toString(outputs.getShapes())));
        }
        List<String> names = outputs.stream().map(NDArray::getName).toList();
        if (network instanceof DifferentiableScript && names.size() > 1 && !names.contains(null)) {
            throw new IllegalArgumentException(String.format(
                    "The script returns its outputs by name, and those come in no order: %s. Put it"
                            + " into a SequentialBlock with a block behind it that picks the logits.",
                    names));
        }
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
            return Float.isFinite(
                    array.toType(DataType.FLOAT32, false).abs().max().getFloat());
        }
    }

    private NDList forward(Block network, NDArray padded, long rows) {
        NDList outputs = network.forward(parameterStore, new NDList(padded), false);
        checkLogits(network, outputs, padded);
        return new NDList(
                outputs.stream().map(output -> firstRows(output, padded, rows)).toList());
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
