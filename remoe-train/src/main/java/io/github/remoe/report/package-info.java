/**
 * What a run looks like: {@link io.github.remoe.report.Inspector} gathers what a network makes of images
 * and what its ReMoE layers look at, {@link io.github.remoe.report.MaskingCharts} has the curves of a
 * check for gradient masking.
 */
package io.github.remoe.report;
