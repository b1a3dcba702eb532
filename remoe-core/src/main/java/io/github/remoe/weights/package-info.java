/**
 * Weights in the formats and under the names that the Python world uses.
 *
 * <p>{@link io.github.remoe.weights.Pretrained} loads timm's weights, or this project's own, into a
 * {@link io.github.remoe.vit.VisionTransformer}, with ReMoE blocks or without, resizes them and gives
 * a {@link io.github.remoe.weights.LoadReport}. {@link io.github.remoe.weights.TimmTensors} is the way
 * back: the network's parameters under timm's names, which {@link io.github.remoe.weights.SafeTensors}
 * writes into a file or shards. Files of unknown origin can be read without harm.
 *
 * <p>{@link io.github.remoe.weights.ParameterChecksum} names a network's parameters for good.
 */
package io.github.remoe.weights;
