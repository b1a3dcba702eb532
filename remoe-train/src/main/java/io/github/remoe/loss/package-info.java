/**
 * Losses of training schemes, with the region losses (paper, section "Region-aware Optimization") or
 * without.
 *
 * <p>They are DJL {@link ai.djl.training.loss.Loss}es. Labels are one array: class indices (B), or
 * soft labels (B,C), as label smoothing and mixup make them. Predictions are the network's outputs
 * for the clean images followed by those for the adversarial images, each list being the logits (B,C)
 * and then the region weights W (B,K) of every ReMoE layer, if there are any; {@link
 * io.github.remoe.loss.CrossEntropyLoss} takes the outputs for one batch of images alone.
 *
 * <p>{@link io.github.remoe.loss.TrainingLoss#parts} tells what a loss is made of.
 */
package io.github.remoe.loss;
