package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;
import ai.djl.util.PairList;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * An optimizer whose state can be saved and loaded, so that a run goes on bit for bit as if it had
 * never stopped.
 *
 * <p>DJL's own optimizers keep their state by random ids, out of reach. Here it is arrays named by
 * the network's parameters:
 *
 * <ul>
 *   <li>{@code optimizer.updates}, int64 (P): how often each of the network's P parameters was
 *       updated, in their order; 0 for one that never was;
 *   <li>{@code optimizer.SLOT.PARAMETER}, of that parameter's shape and type: what is remembered of
 *       each one that was updated, such as {@code optimizer.velocity.06norm_gamma}.
 * </ul>
 *
 * <p>The learning rate is that of the number of updates made, one for the whole network; steps that
 * are skipped do not count. As with DJL's optimizers, an update leaves the parameter's gradient at
 * zero. Clip gradients beforehand with {@link GradientClipping}.
 */
public abstract class StatefulOptimizer extends Optimizer {

    private static final String PREFIX = "optimizer.";
    private static final String UPDATES = PREFIX + "updates";

    private final ParameterTracker learningRateTracker;
    private final int beginNumUpdate;
    private final Map<String, Parameter> decayWeightsOf;
    private final List<String> slots;
    private final Map<String, Map<Device, State>> states = new HashMap<>();
    private int updates;

    /** What is remembered of one parameter on one device. */
    private static final class State {

        private final NDList slots;
        private int updates;

        State(NDList slots, int updates) {
            this.slots = slots;
            this.updates = updates;
        }
    }

    /**
     * Creates the optimizer.
     *
     * @param builder the settings
     * @param slots the names of what is remembered of each parameter
     * @throws IllegalArgumentException if a setting is missing, out of range or not supported
     */
    protected StatefulOptimizer(BaseBuilder<?> builder, List<String> slots) {
        super(builder);
        learningRateTracker = builder.learningRateTracker;
        beginNumUpdate = builder.beginNumUpdate;
        decayWeightsOf = builder.decayWeightsOf;
        this.slots = slots;
        if (learningRateTracker == null) {
            throw new IllegalArgumentException("Set the learning rate tracker.");
        }
        if (!(getWeightDecay() >= 0 && getWeightDecay() < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "The weight decay must be 0 or more, got " + getWeightDecay() + ".");
        }
        if (rescaleGrad != 1 || clipGrad >= 0) {
            throw new IllegalArgumentException(getClass().getSimpleName()
                    + " neither rescales nor clips a parameter's gradient by itself: average"
                    + " in the loss, and clip with GradientClipping.");
        }
    }

    /**
     * Changes one parameter.
     *
     * @param values the parameter's values, to be changed in place; autograd does not follow them
     * @param gradient the gradient, to be left as it is
     * @param state an array for each slot, zero at the first update, to be changed in place
     * @param number the number of this update of the parameter, from 1
     * @param learningRate the learning rate
     * @param weightDecay the weight decay; 0 if the parameter is left out of it
     */
    protected abstract void step(
            NDArray values,
            NDArray gradient,
            NDList state,
            int number,
            float learningRate,
            float weightDecay);

    /** {@inheritDoc} */
    @Override
    public final synchronized void update(String parameterId, NDArray weight, NDArray grad) {
        float weightDecay = isDecayed(parameterId) ? getWeightDecay() : 0;
        State state = states.computeIfAbsent(parameterId, id -> new HashMap<>())
                .computeIfAbsent(weight.getDevice(), device -> new State(zeros(weight), 0));
        state.updates++;
        updates = Math.max(updates, state.updates);
        float learningRate = learningRateTracker.getNewValue(parameterId, beginNumUpdate + updates);
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            // Shares the weight's memory, but autograd does not follow it: on a thread that records
            // gradients, as all do but the one that loaded DJL, a weight cannot change in place.
            NDArray values = weight.stopGradient();
            step(values, grad, state.slots, state.updates, learningRate, weightDecay);
            // Setting, not subtracting: a gradient that is not finite would stay so for ever.
            weight.getGradient().set(new NDIndex("..."), 0);
        }
    }

    /** They live in the weight's manager, and so as long as the model. */
    private NDList zeros(NDArray weight) {
        NDList zeros = new NDList();
        slots.forEach(slot -> zeros.add(weight.zerosLike()));
        NDScope.unregister(zeros);
        return zeros;
    }

    private boolean isDecayed(String parameterId) {
        if (decayWeightsOf == null) {
            return true;
        }
        Parameter parameter = decayWeightsOf.get(parameterId);
        if (parameter == null) {
            throw new IllegalStateException(
                    "The network has a parameter that the one given to optDecayWeightsOnly did not"
                            + " have. Give it the whole network, with its ReMoE blocks inserted.");
        }
        return parameter.getType() == Parameter.Type.WEIGHT
                && parameter.getArray().getShape().dimension() > 1;
    }

    /**
     * Returns how many updates of the network were made, those before a {@link #load} included.
     *
     * @return the updates
     */
    public final synchronized int getUpdates() {
        return updates;
    }

    /**
     * Copies the state. To be called between two steps: during one, some parameters are ahead.
     *
     * @param block the network that is trained
     * @param manager the manager of the copies
     * @return the named arrays that {@link #load} takes
     * @throws IllegalStateException if parameters were updated that the network does not have
     */
    public final synchronized NDList getState(Block block, NDManager manager) {
        PairList<String, Parameter> parameters = block.getParameters();
        long[] counts = new long[parameters.size()];
        NDList arrays = new NDList();
        int found = 0;
        for (int i = 0; i < counts.length; i++) {
            Parameter parameter = parameters.valueAt(i);
            if (!states.containsKey(parameter.getId())) {
                continue;
            }
            found++;
            // The states are the same on all devices.
            State state = states.get(parameter.getId()).values().iterator().next();
            counts[i] = state.updates;
            for (int slot = 0; slot < slots.size(); slot++) {
                NDArray copy = state.slots.get(slot).duplicate();
                copy.attach(manager);
                copy.setName(name(slots.get(slot), parameters.keyAt(i)));
                arrays.add(copy);
            }
        }
        if (found < states.size()) {
            throw new IllegalStateException(String.format(
                    "%d of the %d updated parameters are not in the block. Give the whole network"
                            + " that is trained.",
                    states.size() - found, states.size()));
        }
        NDArray numbers = manager.create(counts);
        numbers.setName(UPDATES);
        arrays.add(numbers);
        return arrays;
    }

    /**
     * Goes on from a saved state, in place of the present one.
     *
     * @param block the network that is trained, initialised
     * @param arrays what {@link #getState} gave, in any order and on any device; they are copied
     * @param devices the devices of the trainer, {@code trainer.getDevices()}; none stands for the
     *     network's own
     * @throws IllegalArgumentException if an array is missing, unknown, or of another shape or type
     *     than the network needs; the present state then stays
     */
    public final synchronized void load(Block block, NDList arrays, Device... devices) {
        PairList<String, Parameter> parameters = block.getParameters();
        NamedArrays saved = new NamedArrays("state of the optimizer", arrays);
        long[] counts = saved.take(UPDATES, new Shape(parameters.size()), DataType.INT64)
                .toLongArray();
        Map<String, NDList> savedSlots = new HashMap<>();
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] > 0) {
                NDArray weight = parameters.valueAt(i).getArray();
                NDList taken = new NDList();
                for (String slot : slots) {
                    String name = name(slot, parameters.keyAt(i));
                    taken.add(saved.take(name, weight.getShape(), weight.getDataType()));
                }
                savedSlots.put(parameters.keyAt(i), taken);
            }
        }
        saved.checkAllTaken();

        states.values().forEach(onDevices -> onDevices.values().forEach(s -> s.slots.close()));
        states.clear();
        updates = 0;
        for (int i = 0; i < counts.length; i++) {
            if (counts[i] > 0) {
                Parameter parameter = parameters.valueAt(i);
                NDArray weight = parameter.getArray();
                int count = Math.toIntExact(counts[i]);
                updates = Math.max(updates, count);
                Map<Device, State> onDevices = new HashMap<>();
                for (Device device :
                        devices.length > 0 ? devices : new Device[] {weight.getDevice()}) {
                    NDList copies = new NDList();
                    for (NDArray array : savedSlots.get(parameters.keyAt(i))) {
                        NDArray copy = array.toDevice(device, true);
                        copy.attach(weight.getManager());
                        copies.add(copy);
                    }
                    NDScope.unregister(copies);
                    onDevices.put(device, new State(copies, count));
                }
                states.put(parameter.getId(), onDevices);
            }
        }
    }

    private static String name(String slot, String parameter) {
        return PREFIX + slot + "." + parameter;
    }

    /**
     * The settings that all have.
     *
     * @param <T> the builder's own type
     */
    public abstract static class BaseBuilder<T extends BaseBuilder<T>> extends OptimizerBuilder<T> {

        private ParameterTracker learningRateTracker;
        private int beginNumUpdate;
        private Map<String, Parameter> decayWeightsOf;

        /** Creates a builder. */
        protected BaseBuilder() {}

        /**
         * Sets the learning rate.
         *
         * @param learningRateTracker the rate by update, counted from 1
         * @return this builder
         */
        public T setLearningRateTracker(ParameterTracker learningRateTracker) {
            this.learningRateTracker = learningRateTracker;
            return self();
        }

        /**
         * Leaves norms, biases and tokens (class and distillation token, position embedding) out of
         * the weight decay, as timm does for vision transformers: only parameters of type {@link
         * Parameter.Type#WEIGHT} with more than one axis decay. By default all parameters do, as in
         * PyTorch.
         *
         * @param block the whole network, with its ReMoE blocks inserted
         * @return this builder
         */
        public T optDecayWeightsOnly(Block block) {
            decayWeightsOf = block.getParameters().values().stream()
                    .collect(Collectors.toMap(Parameter::getId, parameter -> parameter));
            return self();
        }

        /** {@inheritDoc} */
        @Override
        public T optBeginNumUpdate(int beginNumUpdate) {
            this.beginNumUpdate = beginNumUpdate;
            return self();
        }
    }
}
