package io.github.remoe.attack;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;

import io.github.remoe.Tensors;

/**
 * Three pixels x, three classes, numbers for working by hand: z_0 = 0, z_1 = x_1 + 2 x_2 - 2 x_3 -
 * 1.4, z_2 = x_1 - 0.95.
 *
 * <p>In the middle of the pixel range, z_1 = -0.9 and z_2 = -0.45: class 2 is the likelier, but class
 * 1 the nearer, by 0.9 / 5 in l-infinity and 0.9 / 3 in l2 against 0.45.
 */
final class LinearNetwork {

    static final double[] MIDDLE = {0.5, 0.5, 0.5};

    private LinearNetwork() {}

    static Block create(NDManager manager) {
        Linear linear = Linear.builder().setUnits(3).build();
        Tensors.start(linear.getParameters().get("weight"), 0, 0, 0, 1, 2, -2, 1, 0, 0);
        Tensors.start(linear.getParameters().get("bias"), 0, -1.4, -0.95);
        SequentialBlock network =
                new SequentialBlock().add(Blocks.batchFlattenBlock()).add(linear);
        network.initialize(manager, DataType.FLOAT32, new Shape(1, 1, 1, 3));
        return network;
    }
}
