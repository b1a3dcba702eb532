package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.nn.Parameter;

import java.util.Collection;

/** Clips all gradients together, as {@code torch.nn.utils.clip_grad_norm_} does. */
public final class GradientClipping {

    // PyTorch's guard against a division by zero.
    private static final float EPSILON = 1e-6f;

    private GradientClipping() {}

    /**
     * Scales all gradients by the same factor so that their global l2 norm is at most {@code
     * maxNorm}.
     *
     * @param parameters the parameters, after the backward pass
     * @param maxNorm the largest norm; infinity only measures
     * @return the norm before clipping; not finite if a gradient is not
     */
    public static float clipGlobalNorm(Collection<Parameter> parameters, float maxNorm) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList gradients = new NDList();
            NDList squares = new NDList();
            for (Parameter parameter : parameters) {
                if (parameter.requiresGradient()) {
                    NDArray gradient = parameter.getArray().getGradient();
                    gradients.add(gradient);
                    squares.add(gradient.square().sum());
                }
            }
            float norm = NDArrays.stack(squares).sum().sqrt().getFloat();
            float factor = maxNorm / (norm + EPSILON);
            if (factor < 1) {
                gradients.forEach(gradient -> gradient.muli(factor));
            }
            return norm;
        }
    }
}
