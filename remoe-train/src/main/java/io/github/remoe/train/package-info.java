/**
 * Adversarial training on a DJL {@link ai.djl.training.Trainer}.
 *
 * <p>A {@link io.github.remoe.train.TrainingScheme} says what a training step looks at and with which
 * loss: {@link io.github.remoe.train.Nat}, {@link io.github.remoe.train.Sat}, {@link
 * io.github.remoe.train.Trades}, {@link io.github.remoe.train.Mart}, {@link
 * io.github.remoe.train.FastAt}. {@link io.github.remoe.train.Mixup} mixes its batches. {@link
 * io.github.remoe.train.AdversarialTraining} is the loop that runs it, with DJL's training listeners.
 * {@link io.github.remoe.train.TorchSgd} and {@link io.github.remoe.train.WarmUpMilestones} are the
 * paper's optimizer and learning rate; the state of a {@link
 * io.github.remoe.train.StatefulOptimizer} can be saved. A {@link io.github.remoe.run.RunFolder} keeps
 * what a run leaves behind.
 */
package io.github.remoe.train;
