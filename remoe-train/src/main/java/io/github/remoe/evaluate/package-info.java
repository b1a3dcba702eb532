/**
 * Robust accuracy: how many images a model still classifies rightly under attack.
 *
 * <p>{@link io.github.remoe.evaluate.RobustEvaluator} measures it for several attacks in one pass
 * over a dataset.
 */
package io.github.remoe.evaluate;
