/**
 * What an evaluation leaves behind: {@link io.github.remoe.report.Results} is the content of {@code
 * results.json}.
 */
package io.github.remoe.report;
