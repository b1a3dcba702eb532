/**
 * Losses of adversarial training that look at regions (paper, section "Region-aware Optimization").
 *
 * <p>They are DJL {@link ai.djl.training.loss.Loss}es. Their predictions are the network's outputs
 * for the clean images followed by those for the adversarial images, each list being the logits
 * (B,C) and then the region weights W (B,K) of every ReMoE layer; their labels are one array of class
 * indices (B).
 */
package io.github.remoe.loss;
