/**
 * Robust accuracy: how many images a model still classifies rightly under attack.
 *
 * <p>{@link io.github.remoe.evaluate.RobustEvaluator} measures it for several attacks and epsilons in
 * one pass over a dataset. It gives {@link io.github.remoe.evaluate.Verdicts}, one an image, from
 * which all accuracies follow, and which can be saved, gone on with and merged. {@link
 * io.github.remoe.evaluate.GradientMaskingCheck} looks whether they can be trusted.
 */
package io.github.remoe.evaluate;
