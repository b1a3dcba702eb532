package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import java.util.List;

/**
 * Stochastic gradient descent with PyTorch's semantics.
 *
 * <pre>
 * v = momentum v + gradient + weightDecay w
 * w = w - learningRate v
 * </pre>
 *
 * <p>DJL's own {@code Sgd} folds the learning rate into v, so a falling rate acts late there. With
 * momentum, the state holds v as {@code velocity}.
 */
public final class TorchSgd extends StatefulOptimizer {

    private final float momentum;

    private TorchSgd(Builder builder) {
        super(builder, builder.momentum == 0 ? List.of() : List.of("velocity"));
        momentum = builder.momentum;
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
    protected void step(
            NDArray values,
            NDArray gradient,
            NDList state,
            int number,
            float learningRate,
            float weightDecay) {
        NDArray step = weightDecay == 0 ? gradient : values.mul(weightDecay).addi(gradient);
        if (momentum != 0) {
            step = state.head().muli(momentum).addi(step);
        }
        values.subi(step.mul(learningRate));
    }

    /** The Builder to construct a {@link TorchSgd}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private float momentum;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
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
            if (!(momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException(
                        "The momentum must be 0 to less than 1, got " + momentum + ".");
            }
            return new TorchSgd(this);
        }
    }
}
