package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;

import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;

/**
 * A network's parameters as timm has them: its names, and its axes.
 *
 * <p>A plain network has exactly the tensors of timm's. A ReMoE block is the {@code mlp} of its layer:
 * {@code global_expert} and {@code center_expert} are feed-forward networks like any {@code mlp} of
 * timm's, {@code regional_experts} are K of them with their tensors stacked, K first, and {@code
 * gate}, if it has parameters, is one more. Weights are (out, in) as in {@code torch.nn.Linear}.
 */
public final class TimmTensors {

    private TimmTensors() {}

    /**
     * Copies all parameters of a network.
     *
     * @param vit the network, initialised
     * @param manager the manager of the copies
     * @return the arrays with timm's names, in the order of the network's parameters
     */
    public static NDList of(VisionTransformer vit, NDManager manager) {
        NDList arrays = new NDList();
        for (Tensor tensor : list(vit)) {
            NDArray copy = tensor.read();
            copy.attach(manager);
            arrays.add(copy);
        }
        return arrays;
    }

    /** The parameters in their order. */
    static List<Tensor> list(VisionTransformer vit) {
        List<Tensor> tensors = new ArrayList<>();
        for (Pair<String, Parameter> parameter : vit.getParameters()) {
            String name = TimmNames.of(parameter.getKey());
            // With pooled patches timm's last norm follows the pooling, and is named for that.
            boolean pooled = vit.getPrefixTokens() == 0 && name.startsWith("norm.");
            tensors.add(new Tensor(pooled ? "fc_" + name : name, parameter.getValue()));
        }
        return tensors;
    }

    /**
     * One parameter.
     *
     * @param name timm's name
     * @param parameter the parameter
     */
    record Tensor(String name, Parameter parameter) {

        private boolean isCentre() {
            return name.contains(".center_expert.");
        }

        /** Whether it has the weights (K,in,out) and biases (K,1,out) of {@code RegionExperts}. */
        private boolean isStacked() {
            return isCentre() || name.contains(".regional_experts.");
        }

        private boolean isBias() {
            return name.endsWith(".bias");
        }

        /** The shape under timm's name. */
        Shape shape() {
            Shape shape = parameter.getShape();
            if (!isStacked()) {
                return shape;
            }
            Shape each = isBias() ? new Shape(shape.get(2)) : new Shape(shape.get(2), shape.get(1));
            return isCentre() ? each : new Shape(shape.get(0)).addAll(each);
        }

        /** Copies the parameter to what it is under timm's name. */
        NDArray read() {
            NDArray copy;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray values = parameter.getArray().stopGradient();
                NDArray turned = isStacked() && !isBias() ? values.transpose(0, 2, 1) : values;
                copy = turned.reshape(shape()).duplicate();
                copy.setName(name);
                NDScope.unregister(copy);
            }
            return copy;
        }

        /** Sets the parameter to float32 numbers of {@link #shape()}. */
        void write(NDArray array) {
            NDArray turned = array;
            if (isStacked() && !isBias()) {
                Shape own = parameter.getShape();
                turned = array.reshape(own.get(0), own.get(2), own.get(1)).transpose(0, 2, 1);
            }
            parameter
                    .getArray()
                    .stopGradient()
                    .set(new NDIndex("..."), turned.reshape(parameter.getShape()));
        }
    }
}
