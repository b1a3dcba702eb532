package io.github.remoe.report;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.figure.Figure;
import io.github.remoe.figure.LineChart;

import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** The curves of a {@link MaskingReport}. */
public final class MaskingCharts {

    private MaskingCharts() {}

    /**
     * Draws all curves.
     *
     * @param report the report
     * @return accuracy over epsilon, accuracy over steps, loss over steps
     */
    public static List<Figure> of(MaskingReport report) {
        return List.of(
                accuracyOverEpsilon(report), accuracyOverSteps(report), lossOverSteps(report));
    }

    /**
     * Draws accuracy over epsilon, with 95 % intervals: it should fall to 0.
     *
     * @param report the report
     * @return the chart
     */
    public static Figure accuracyOverEpsilon(MaskingReport report) {
        boolean linf = report.threatModel().norm() == Norm.LINF;
        return accuracy(
                LineChart.builder("accuracy-over-epsilon", "Accuracy under the white-box attack")
                        .setX(linf ? "epsilon (linf), of 255" : "epsilon (l2)"),
                report,
                report.epsilons(),
                at -> at.epsilon() * (linf ? 255 : 1),
                MaskingReport.Epsilon::accuracy);
    }

    /**
     * Draws accuracy over the number of PGD steps, with 95 % intervals: it should fall and settle.
     *
     * @param report the report
     * @return the chart
     */
    public static Figure accuracyOverSteps(MaskingReport report) {
        return accuracy(
                LineChart.builder("accuracy-over-steps", "Accuracy under PGD").setX("steps"),
                report,
                report.steps(),
                MaskingReport.Steps::steps,
                MaskingReport.Steps::accuracy);
    }

    private static <T> Figure accuracy(
            LineChart.Builder chart,
            MaskingReport report,
            List<T> points,
            ToDoubleFunction<T> x,
            Function<T, Accuracy> accuracy) {
        return chart.setY("accuracy, %")
                .optLogX()
                .optYRange(0, 100)
                .optReference("without attack", 100 * report.clean().value())
                .addSeries(
                        "under attack (95 % interval)",
                        numbers(points, x),
                        numbers(points, point -> 100 * accuracy.apply(point).value()),
                        numbers(points, point -> 100 * accuracy.apply(point).lower()),
                        numbers(points, point -> 100 * accuracy.apply(point).upper()))
                .build();
    }

    /**
     * Draws the mean loss over the number of PGD steps: it should rise and settle.
     *
     * @param report the report
     * @return the chart
     */
    public static Figure lossOverSteps(MaskingReport report) {
        return LineChart.builder("loss-over-steps", "Mean cross-entropy under PGD")
                .setX("steps")
                .setY("loss")
                .optLogX()
                .addSeries(
                        "mean over the images classified rightly",
                        numbers(report.steps(), MaskingReport.Steps::steps),
                        numbers(report.steps(), MaskingReport.Steps::loss))
                .build();
    }

    private static <T> double[] numbers(List<T> points, ToDoubleFunction<T> number) {
        return points.stream().mapToDouble(number).toArray();
    }
}
