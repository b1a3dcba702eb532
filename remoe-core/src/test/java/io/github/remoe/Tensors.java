package io.github.remoe;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;

import java.util.function.Supplier;

/** Runs blocks and turns their arrays into Java numbers. */
public final class Tensors {

    private Tensors() {}

    /** A block's output in evaluation mode. */
    public static NDList forward(Block block, NDArray... inputs) {
        NDManager manager = inputs[0].getManager();
        return block.forward(new ParameterStore(manager, false), new NDList(inputs), false);
    }

    /** Adds the gradients of a sum of numbers to every array that requires them. */
    public static void backward(Supplier<NDArray> sum) {
        try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
            collector.backward(sum.get());
        }
    }

    /** An array's numbers in row-major order. */
    public static double[] doubles(NDArray array) {
        return array.toType(DataType.FLOAT64, false).toDoubleArray();
    }

    /** Float32 numbers as an array. */
    public static NDArray array(NDManager manager, Shape shape, double... numbers) {
        return manager.create(numbers, shape).toType(DataType.FLOAT32, false);
    }

    /** Has a parameter start with these numbers; to be called before its initialization. */
    public static void start(Parameter parameter, double... numbers) {
        parameter.setInitializer(
                (manager, shape, type) -> manager.create(numbers, shape).toType(type, false));
    }
}
