/**
 * What an evaluation leaves behind: {@link io.github.remoe.report.Results} is the content of {@code
 * results.json}, {@link io.github.remoe.report.AdversarialSheet} a picture of adversarial images.
 */
package io.github.remoe.report;
