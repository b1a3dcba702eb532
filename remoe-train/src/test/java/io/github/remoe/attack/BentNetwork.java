package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;

import io.github.remoe.Golden;

/** The network of {@code src/test/python/fab.py} with bent boundaries: 3 x 8 x 8 pixels, 5 classes. */
final class BentNetwork {

    private BentNetwork() {}

    static Block create(NDManager manager) {
        Linear first = Linear.builder().setUnits(24).build();
        Linear second = Linear.builder().setUnits(5).build();
        start(first, "first.", 0.6, 0.5);
        start(second, "second.", 1, 5);
        SequentialBlock network = new SequentialBlock()
                .add(Blocks.batchFlattenBlock())
                .add(first)
                .addSingleton(NDArray::sin)
                .add(second);
        network.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 8, 8));
        return network;
    }

    private static void start(Linear linear, String prefix, double weight, double bias) {
        linear.getParameters()
                .get("weight")
                .setInitializer(Golden.initializer(prefix + "weight", -weight, weight));
        linear.getParameters()
                .get("bias")
                .setInitializer(Golden.initializer(prefix + "bias", -bias, bias));
    }
}
