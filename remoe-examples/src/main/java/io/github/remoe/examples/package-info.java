/**
 * Short programs to copy from, each complete in itself.
 *
 * <ul>
 *   <li>{@link io.github.remoe.examples.DropIn}: a ReMoE block in a DJL network of one's own
 *   <li>{@link io.github.remoe.examples.ReplaceFeedForward}: the same in a network that is trained already
 *   <li>{@link io.github.remoe.examples.ClassifyImage}: a photo, a trained network, its regions, an attack
 *   <li>{@link io.github.remoe.examples.LoadWeights}: timm's weights
 *   <li>{@link io.github.remoe.examples.AttackTorchScript}: PyTorch's networks under attack
 *   <li>{@link io.github.remoe.examples.ContrastGate}, {@link io.github.remoe.examples.GatedFeedForward},
 *       {@link io.github.remoe.examples.RandomSigns}, {@link io.github.remoe.examples.LogitPairing}: a gate,
 *       an expert, an attack and a training scheme of one's own
 * </ul>
 */
package io.github.remoe.examples;
