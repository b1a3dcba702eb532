package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import java.util.List;

/**
 * Adam with decoupled weight decay (AdamW, Loshchilov and Hutter 2019) with PyTorch's semantics. At
 * a parameter's t-th update:
 *
 * <pre>
 * w = w - learningRate weightDecay w
 * m = beta1 m + (1 - beta1) gradient
 * v = beta2 v + (1 - beta2) gradient^2
 * w = w - learningRate m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 *
 * <p>The state holds m as {@code firstMoment} and v as {@code secondMoment}; that of DJL's own {@code
 * AdamW} cannot be saved.
 */
public final class TorchAdamW extends StatefulOptimizer {

    private final float beta1;
    private final float beta2;
    private final float epsilon;

    private TorchAdamW(Builder builder) {
        super(builder, List.of("firstMoment", "secondMoment"));
        beta1 = builder.beta1;
        beta2 = builder.beta2;
        epsilon = builder.epsilon;
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
        if (weightDecay != 0) {
            values.muli(1 - learningRate * weightDecay);
        }
        NDArray mean = state.get(0).muli(beta1).addi(gradient.mul(1 - beta1));
        NDArray square = state.get(1).muli(beta2).addi(gradient.square().muli(1 - beta2));
        double rate = learningRate / (1 - Math.pow(beta1, number));
        double scale = Math.sqrt(1 - Math.pow(beta2, number));
        NDArray root = square.sqrt().divi(scale).addi(epsilon);
        values.subi(mean.div(root).muli(rate));
    }

    /** The Builder to construct a {@link TorchAdamW}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private float beta1 = 0.9f;
        private float beta2 = 0.999f;
        private float epsilon = 1e-8f;

        private Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets how slowly the mean of the gradients moves; default 0.9.
         *
         * @param beta1 0 to less than 1
         * @return this builder
         */
        public Builder optBeta1(float beta1) {
            this.beta1 = beta1;
            return this;
        }

        /**
         * Sets how slowly the mean of their squares moves; default 0.999.
         *
         * @param beta2 0 to less than 1
         * @return this builder
         */
        public Builder optBeta2(float beta2) {
            this.beta2 = beta2;
            return this;
        }

        /**
         * Sets what guards the division by small squares; default 1e-8.
         *
         * @param epsilon greater than 0
         * @return this builder
         */
        public Builder optEpsilon(float epsilon) {
            this.epsilon = epsilon;
            return this;
        }

        /**
         * Builds the optimizer.
         *
         * @return the optimizer
         * @throws IllegalArgumentException if a setting is missing or out of range
         */
        public TorchAdamW build() {
            requireBelowOne("beta1", beta1);
            requireBelowOne("beta2", beta2);
            if (!(epsilon > 0 && epsilon < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "epsilon must be greater than 0, got " + epsilon + ".");
            }
            return new TorchAdamW(this);
        }

        private static void requireBelowOne(String name, float value) {
            if (!(value >= 0 && value < 1)) {
                throw new IllegalArgumentException(
                        name + " must be 0 to less than 1, got " + value + ".");
            }
        }
    }
}
