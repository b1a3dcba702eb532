/**
 * What a training run measures, and the files that it goes to.
 *
 * <p>{@link io.github.remoe.metrics.TrainingMetrics} is a DJL listener that measures each step and
 * epoch once, from the predictions that the step has made anyway. Every {@link
 * io.github.remoe.metrics.MetricsListener} of the same trainer is told: {@link
 * io.github.remoe.metrics.CsvMetrics}, {@link io.github.remoe.metrics.TensorBoardMetrics}, or one's
 * own.
 *
 * <p>Metrics are not worth a run: a file that cannot be written is left out with a warning, and
 * training goes on.
 */
package io.github.remoe.metrics;
