package io.github.remoe.attack;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.vit.VisionTransformer;

/** Networks small enough for tests. */
public final class TinyNetworks {

    private TinyNetworks() {}

    /** The classifier of {@code src/test/python/attacks.py}: 3 x 8 x 8 pixels, 5 classes. */
    public static SequentialBlock golden(NDManager manager, DataType type) {
        Block conv = Conv2d.builder()
                .setFilters(4)
                .setKernelShape(new Shape(3, 3))
                .optStride(new Shape(2, 2))
                .optPadding(new Shape(1, 1))
                .build();
        Block linear = Linear.builder().setUnits(5).build();
        start(conv, "conv.", 1, 0.2);
        start(linear, "linear.", 0.4, 0.2);
        SequentialBlock network = new SequentialBlock()
                .add(conv)
                .add(Activation::gelu)
                .add(Blocks.batchFlattenBlock())
                .add(linear);
        network.initialize(manager, type, new Shape(1, 3, 8, 8));
        return network;
    }

    /** 3 x 8 x 8 pixels, 5 classes, two layers. */
    public static VisionTransformer plainVit() {
        return VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .build();
    }

    /** The same, with 2 x 2 regions in the first layer. */
    public static VisionTransformer reMoEVit() {
        VisionTransformer vit = plainVit();
        ReMoE.builder().optLayers(1).build().insertInto(vit);
        return vit;
    }

    /** The same network, initialised from names. */
    public static VisionTransformer reMoEVit(NDManager manager) {
        VisionTransformer vit = reMoEVit();
        startByName(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        return vit;
    }

    /** Has what starts at random start with numbers made from the parameters' names. */
    public static void startByName(Block block) {
        block.getParameters().forEach(p -> {
            Parameter.Type type = p.getValue().getType();
            if (type == Parameter.Type.WEIGHT || type == Parameter.Type.OTHER) {
                p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.3, 0.3));
            }
        });
    }

    private static void start(Block block, String prefix, double weight, double bias) {
        block.getDirectParameters().forEach(p -> {
            double bound = p.getKey().equals("bias") ? bias : weight;
            p.getValue().setInitializer(Golden.initializer(prefix + p.getKey(), -bound, bound));
        });
    }
}
