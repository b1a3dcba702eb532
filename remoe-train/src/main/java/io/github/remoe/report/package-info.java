/**
 * What a run looks like: {@link io.github.remoe.report.AdversarialSheet} is a picture of adversarial
 * images, {@link io.github.remoe.report.MaskingCharts} the curves of a check for gradient masking.
 */
package io.github.remoe.report;
