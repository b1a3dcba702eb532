/**
 * What an evaluation leaves behind: {@link io.github.remoe.report.Results} is the content of {@code
 * results.json}, {@link io.github.remoe.report.AdversarialSheet} a picture of adversarial images,
 * {@link io.github.remoe.report.MaskingCharts} the curves of a check for gradient masking.
 */
package io.github.remoe.report;
