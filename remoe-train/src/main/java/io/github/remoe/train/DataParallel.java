package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.BlockList;
import ai.djl.nn.Parameter;
import ai.djl.nn.ParameterList;
import ai.djl.nn.SymbolBlock;
import ai.djl.training.ParameterStore;
import ai.djl.training.initializer.Initializer;
import ai.djl.util.PairList;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Predicate;

/**
 * A block whose batches are split over several devices, as {@code torch.nn.DataParallel} does it.
 *
 * <pre>{@code
 * List<Device> gpus = List.of(Device.gpu(0), Device.gpu(1));
 * Model model = Model.newInstance("deit", gpus.get(0));
 * model.setBlock(new DataParallel(vit, gpus));
 * Trainer trainer = model.newTrainer(new DefaultTrainingConfig(scheme.getLoss())
 *         .optDevices(new Device[] {gpus.get(0)})
 *         .optOptimizer(optimizer));
 * }</pre>
 *
 * <p>Everything else sees one device, the first: parameters, inputs and outputs are there. A forward
 * pass takes each further device its rows of the inputs and a copy of the parameters, and brings its
 * outputs back, all of it followed by autograd. So the loss is one of the whole batch, also where it
 * is no mean over images, and its backward pass adds up the gradients of all rows in the one set of
 * parameters: those of one device, but for the order of additions. Attacks are split in the same
 * way.
 *
 * <p>There are no replicas to be kept in step, and the price is traffic: each forward pass sends the
 * parameters to each further device, 4 bytes each (22 MB for DeiT-T with ReMoE, 88 MB for DeiT-S
 * without), and a backward pass returns as many bytes of gradients where parameters have them, which
 * they do not in an attack. It pays where a part's computation takes longer than that.
 *
 * <p>A device gets a multiple of 4 images wherever the batch allows it, the first ones the most, so a
 * small batch leaves the last devices without any: on a CPU, rows in groups of 4 are rounded as in
 * the whole batch. As with PyTorch, what a block keeps of a batch, such as the running means of batch
 * normalisation, is that of the first device's rows. Dropout takes each device's own random numbers,
 * and a seed given to the engine is every device's.
 *
 * <p>Names, shapes and files of the parameters are the wrapped block's.
 */
public final class DataParallel implements Block {

    private static final int ROW_MULTIPLE = 4;

    // Launching kernels takes the time of a thread: one for all devices would make them wait.
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "data-parallel");
        thread.setDaemon(true);
        return thread;
    });

    private final Block block;
    private final List<Device> devices;

    /**
     * Wraps a block.
     *
     * @param block the block: each of its inputs and outputs has the batch as its first dimension
     * @param devices the devices; the first holds the parameters, the inputs and the outputs
     * @throws IllegalArgumentException if there is no device, or the block holds a symbol block
     */
    public DataParallel(Block block, List<Device> devices) {
        if (devices.isEmpty()) {
            throw new IllegalArgumentException(
                    "No device to split batches over: name one or more.");
        }
        if (holdsScript(block)) {
            throw new IllegalArgumentException(
                    "A symbol block keeps its parameters to itself, so they cannot be copied to"
                            + " other devices: use one device.");
        }
        this.block = block;
        this.devices = List.copyOf(devices);
    }

    private static boolean holdsScript(Block block) {
        return block instanceof SymbolBlock
                || block.getChildren().values().stream().anyMatch(DataParallel::holdsScript);
    }

    /**
     * Returns the wrapped block.
     *
     * @return the block
     */
    public Block getBlock() {
        return block;
    }

    /**
     * Returns the devices that batches are split over.
     *
     * @return the devices; the first holds the parameters, the inputs and the outputs
     */
    public List<Device> getDevices() {
        return devices;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if an input is not on the first device, or has not as many
     *     rows as the others
     * @throws IllegalStateException if a part fails on a further device, or an output has not one
     *     row for each of the inputs
     */
    @Override
    public NDList forward(
            ParameterStore parameterStore,
            NDList inputs,
            boolean training,
            PairList<String, Object> params) {
        checkInputs(inputs);
        if (training && !isInitialized()) {
            initialize(parameterStore.getManager(), DataType.FLOAT32, inputs.getShapes());
        }
        long[] starts = starts(inputs.head().getShape().get(0));
        int count = starts.length - 1;
        if (count < 2) {
            return block.forward(parameterStore, inputs, training, params);
        }

        Device first = devices.get(0);
        Map<Parameter, NDArray> values = new HashMap<>();
        for (Parameter parameter : getParameters().values()) {
            values.put(parameter, parameterStore.getValue(parameter, first, training));
        }
        List<Part> others = new ArrayList<>();
        try {
            for (int i = 1; i < count; i++) {
                NDManager manager = inputs.head().getManager().newSubManager(devices.get(i));
                Part part = new Part(manager, starts[i], starts[i + 1]);
                others.add(part);
                part.start(values, inputs, training, params);
            }
            NDList outputs =
                    block.forward(parameterStore, rows(inputs, 0, starts[1]), training, params);
            checkOutputs(outputs, starts[1]);
            return gathered(outputs, others);
        } finally {
            others.forEach(Part::close);
        }
    }

    private void checkInputs(NDList inputs) {
        long rows = -1;
        for (NDArray input : inputs) {
            if (!input.getDevice().equals(devices.get(0))) {
                throw new IllegalArgumentException(String.format(
                        "An input is on %s, but batches are split from %s. Move it with"
                                + " toDevice(...).",
                        input.getDevice(), devices.get(0)));
            }
            Shape shape = input.getShape();
            if (shape.dimension() == 0 || rows >= 0 && shape.get(0) != rows) {
                throw new IllegalArgumentException(String.format(
                        "The first dimension of every input must be the batch, but the inputs are"
                                + " %s.",
                        Arrays.toString(inputs.getShapes())));
            }
            rows = shape.get(0);
        }
    }

    private static void checkOutputs(NDList outputs, long rows) {
        for (NDArray output : outputs) {
            Shape shape = output.getShape();
            if (shape.dimension() == 0 || shape.get(0) != rows) {
                throw new IllegalStateException(String.format(
                        "The first dimension of every output must be the batch, but for %d rows the"
                                + " outputs are %s. Use one device.",
                        rows, Arrays.toString(outputs.getShapes())));
            }
        }
    }

    /** The first row of each part, and the number of rows. */
    long[] starts(long rows) {
        long groups = (rows + ROW_MULTIPLE - 1) / ROW_MULTIPLE;
        int parts = Math.toIntExact(Math.max(1, Math.min(devices.size(), groups)));
        long[] starts = new long[parts + 1];
        for (int i = 1; i <= parts; i++) {
            long size = groups / parts + (i <= groups % parts ? 1 : 0);
            starts[i] = Math.min(rows, starts[i - 1] + ROW_MULTIPLE * size);
        }
        return starts;
    }

    private static NDList rows(NDList inputs, long from, long to) {
        NDList rows = new NDList();
        for (NDArray input : inputs) {
            NDArray part = input.get(new NDIndex("{}:{}", from, to));
            part.setName(input.getName());
            rows.add(part);
        }
        return rows;
    }

    private static NDList gathered(NDList outputs, List<Part> others) {
        NDList gathered = new NDList();
        for (int i = 0; i < outputs.size(); i++) {
            NDArray output = outputs.get(i);
            NDList parts = new NDList(output);
            for (Part part : others) {
                parts.add(moved(part.outputs().get(i), output.getManager()));
            }
            NDArray whole = NDArrays.concat(parts);
            whole.setName(output.getName());
            gathered.add(whole);
            parts.subNDList(1).close();
        }
        outputs.close();
        return gathered;
    }

    /** Copies an array to a manager's device. Autograd follows, as it does not with toDevice. */
    private static NDArray moved(NDArray array, NDManager manager) {
        NDArray copy = manager.create(array.getShape(), array.getDataType());
        copy.set(new NDIndex("..."), array);
        copy.setName(array.getName());
        return copy;
    }

    /** Some rows on a further device. What was made there is closed with it; autograd keeps its own. */
    private final class Part implements AutoCloseable {

        private final NDManager manager;
        private final long from;
        private final long to;
        private CompletableFuture<NDList> outputs = CompletableFuture.completedFuture(null);

        Part(NDManager manager, long from, long to) {
            this.manager = manager;
            this.from = from;
            this.to = to;
        }

        void start(
                Map<Parameter, NDArray> values,
                NDList inputs,
                boolean training,
                PairList<String, Object> params) {
            NDList moved = new NDList();
            for (NDArray input : rows(inputs, from, to)) {
                moved.add(moved(input, manager));
                input.close();
            }
            outputs = CompletableFuture.supplyAsync(
                    () -> {
                        NDList result = block.forward(
                                new CopyingParameterStore(values, manager),
                                moved,
                                training,
                                params);
                        checkOutputs(result, to - from);
                        return result;
                    },
                    THREADS);
        }

        NDList outputs() {
            try {
                return outputs.join();
            } catch (CompletionException e) {
                throw new IllegalStateException(
                        String.format(
                                "Rows %d to %d of the batch failed on %s: %s",
                                from, to - 1, manager.getDevice(), e.getCause().getMessage()),
                        e.getCause());
            }
        }

        @Override
        public void close() {
            // Its arrays must not go while it computes, as when another part has failed meanwhile.
            outputs.handle((result, failure) -> null).join();
            manager.close();
        }
    }

    /** Hands out copies of parameters, on its manager's device, whose gradients reach the parameters. */
    private static final class CopyingParameterStore extends ParameterStore {

        private final Map<Parameter, NDArray> values;
        private final Map<Parameter, NDArray> copies = new HashMap<>();

        CopyingParameterStore(Map<Parameter, NDArray> values, NDManager manager) {
            super(manager, false);
            this.values = values;
        }

        @Override
        public NDArray getValue(Parameter parameter, Device device, boolean training) {
            if (parameter == null) {
                return null;
            }
            return copies.computeIfAbsent(
                    parameter, key -> moved(values.get(parameter), getManager()));
        }
    }

    /** {@inheritDoc} */
    @Override
    public void setInitializer(Initializer initializer, Parameter.Type type) {
        block.setInitializer(initializer, type);
    }

    /** {@inheritDoc} */
    @Override
    public void setInitializer(Initializer initializer, String paramName) {
        block.setInitializer(initializer, paramName);
    }

    /** {@inheritDoc} */
    @Override
    public void setInitializer(Initializer initializer, Predicate<Parameter> predicate) {
        block.setInitializer(initializer, predicate);
    }

    /** {@inheritDoc} */
    @Override
    public void initialize(NDManager manager, DataType dataType, Shape... inputShapes) {
        block.initialize(manager, dataType, inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    public boolean isInitialized() {
        return block.isInitialized();
    }

    /** {@inheritDoc} */
    @Override
    public void cast(DataType dataType) {
        block.cast(dataType);
    }

    /** {@inheritDoc} */
    @Override
    public void clear() {
        block.clear();
    }

    /** {@inheritDoc} */
    @Override
    public PairList<String, Shape> describeInput() {
        return block.describeInput();
    }

    /** {@inheritDoc} */
    @Override
    public BlockList getChildren() {
        return block.getChildren();
    }

    /** {@inheritDoc} */
    @Override
    public ParameterList getDirectParameters() {
        return block.getDirectParameters();
    }

    /** {@inheritDoc} */
    @Override
    public ParameterList getParameters() {
        return block.getParameters();
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes) {
        return block.getOutputShapes(inputShapes);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getOutputShapes(Shape[] inputShapes, DataType[] inputDataTypes) {
        return block.getOutputShapes(inputShapes, inputDataTypes);
    }

    /** {@inheritDoc} */
    @Override
    public Shape[] getInputShapes() {
        return block.getInputShapes();
    }

    /** {@inheritDoc} */
    @Override
    public DataType[] getOutputDataTypes() {
        return block.getOutputDataTypes();
    }

    /** {@inheritDoc} */
    @Override
    public void saveParameters(DataOutputStream os) throws IOException {
        block.saveParameters(os);
    }

    /** {@inheritDoc} */
    @Override
    public void loadParameters(NDManager manager, DataInputStream is)
            throws IOException, MalformedModelException {
        block.loadParameters(manager, is);
    }
}
