package io.github.remoe.vit;

import ai.djl.nn.Activation;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.initializer.TruncatedNormalInitializer;

import io.github.remoe.nn.Linear;

/**
 * The feed-forward network of a transformer layer: fc1, GELU, fc2. Tokens (B,T,D) to tokens (B,T,D),
 * each by itself.
 */
final class Mlp extends SequentialBlock {

    Mlp(long hiddenDim, long embedDim) {
        add(new Linear(hiddenDim));
        add(Activation::gelu);
        add(new Linear(embedDim));
        setInitializer(
                new TruncatedNormalInitializer(VisionTransformer.INIT_STD), Parameter.Type.WEIGHT);
    }
}
