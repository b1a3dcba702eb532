/**
 * What runs look like: {@link io.github.remoe.report.RunReport} is a page about one run or several,
 * {@link io.github.remoe.report.LiveReport} serves the page of a run that goes on. Each class named
 * Section makes the part of the page that its name says, from what {@code ReportedRun} has read.
 *
 * <p>{@link io.github.remoe.report.Inspector} looks at images through a network and its ReMoE layers;
 * {@link io.github.remoe.report.MaskingCharts} are the curves of a check for gradient masking.
 *
 * <pre>{@code
 * RunReport.builder().addRun(Path.of("runs/remoe")).build().write(Path.of("runs/remoe/report"));
 * }</pre>
 */
package io.github.remoe.report;
