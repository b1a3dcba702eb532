package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.ParameterTracker;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stochastic gradient descent with PyTorch's semantics.
 *
 * <pre>
 * v = momentum v + gradient + weightDecay w
 * w = w - learningRate v
 * </pre>
 *
 * <p>DJL's own {@code Sgd} folds the learning rate into v, so a falling rate acts late there. As with
 * DJL's optimizers, an update leaves the parameter's gradient at zero. Clip gradients beforehand
 * with {@link GradientClipping}.
 */
public final class TorchSgd extends Optimizer {

    private final ParameterTracker learningRateTracker;
    private final float momentum;
    private final Map<String, Map<Device, NDArray>> velocities = new ConcurrentHashMap<>();

    private TorchSgd(Builder builder) {
        super(builder);
        learningRateTracker = builder.learningRateTracker;
        momentum = builder.momentum;
        if (rescaleGrad != 1 || clipGrad >= 0) {
            throw new IllegalArgumentException(
                    "TorchSgd neither rescales nor clips a parameter's gradient by itself: average"
                            + " in the loss, and clip with GradientClipping.");
        }
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public void update(String parameterId, NDArray weight, NDArray grad) {
        float learningRate = learningRateTracker.getNewValue(parameterId, updateCount(parameterId));
        float weightDecay = getWeightDecay();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            // Shares the weight's memory, but autograd does not follow it: on a thread that records
            // gradients, as all do but the one that loaded DJL, a weight cannot change in place.
            NDArray values = weight.stopGradient();
            NDArray step = weightDecay == 0 ? grad : values.mul(weightDecay).addi(grad);
            if (momentum != 0) {
                step = velocity(parameterId, weight).muli(momentum).addi(step);
            }
            values.subi(step.mul(learningRate));
            // Setting, not subtracting: a gradient that is not finite would stay so for ever.
            weight.getGradient().set(new NDIndex("..."), 0);
        }
    }

    /** Lives in the weight's manager, and so as long as the model. */
    private NDArray velocity(String parameterId, NDArray weight) {
        return velocities
                .computeIfAbsent(parameterId, id -> new ConcurrentHashMap<>())
                .computeIfAbsent(weight.getDevice(), device -> {
                    NDArray zeros = weight.zerosLike();
                    NDScope.unregister(zeros);
                    return zeros;
                });
    }

    /** The Builder to construct a {@link TorchSgd}. */
    public static final class Builder extends OptimizerBuilder<Builder> {

        private ParameterTracker learningRateTracker;
        private float momentum;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets the learning rate.
         *
         * @param learningRateTracker the rate by step
         * @return this builder
         */
        public Builder setLearningRateTracker(ParameterTracker learningRateTracker) {
            this.learningRateTracker = learningRateTracker;
            return this;
        }

        /**
         * Sets the momentum; default 0.
         *
         * @param momentum 0 to less than 1
         * @return this builder
         */
        public Builder optMomentum(float momentum) {
            this.momentum = momentum;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws IllegalArgumentException if a setting is missing or out of range
         */
        public TorchSgd build() {
            if (learningRateTracker == null) {
                throw new IllegalArgumentException("Set the learning rate tracker.");
            }
            if (!(momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException(
                        "The momentum must be 0 to less than 1, got " + momentum + ".");
            }
            return new TorchSgd(this);
        }
    }
}
