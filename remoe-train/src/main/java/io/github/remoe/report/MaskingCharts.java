package io.github.remoe.report;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.MaskingReport;

import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The two curves of a {@link MaskingReport}. */
public final class MaskingCharts {

    private static final int WIDTH = 720;
    private static final int HEIGHT = 440;
    private static final Color LINE = new Color(0x1F5FA8);
    private static final Color INTERVAL = new Color(0x9DBBDD);
    private static final Color CLEAN = new Color(0x808080);

    private MaskingCharts() {}

    /**
     * Draws accuracy over epsilon, with 95 % intervals: it should fall to 0.
     *
     * @param report the report
     * @return the chart
     */
    public static BufferedImage accuracyOverEpsilon(MaskingReport report) {
        boolean linf = report.threatModel().norm() == Norm.LINF;
        List<MaskingReport.Epsilon> at = report.epsilons();
        double[] epsilons =
                at.stream().mapToDouble(e -> e.epsilon() * (linf ? 255 : 1)).toArray();
        XYChart chart = chart(
                "Accuracy under the white-box attack",
                linf ? "epsilon (linf), of 255" : "epsilon (l2)",
                "accuracy, %");
        chart.getStyler().setYAxisMin(0.0).setYAxisMax(100.0);
        add(chart, "95 % interval", epsilons, percent(at, Accuracy::lower), INTERVAL);
        add(chart, "upper end", epsilons, percent(at, Accuracy::upper), INTERVAL)
                .setShowInLegend(false);
        double[] clean = new double[epsilons.length];
        Arrays.fill(clean, 100 * report.clean().value());
        add(chart, "without attack", epsilons, clean, CLEAN).setMarker(SeriesMarkers.NONE);
        add(chart, "under attack", epsilons, percent(at, Accuracy::value), LINE)
                .setMarker(SeriesMarkers.CIRCLE);
        return BitmapEncoder.getBufferedImage(chart);
    }

    /**
     * Draws the mean loss over the number of PGD steps: it should rise and settle.
     *
     * @param report the report
     * @return the chart
     */
    public static BufferedImage lossOverSteps(MaskingReport report) {
        double[] steps =
                report.steps().stream().mapToDouble(MaskingReport.Steps::steps).toArray();
        double[] losses =
                report.steps().stream().mapToDouble(MaskingReport.Steps::loss).toArray();
        XYChart chart = chart("Mean cross-entropy under PGD", "steps", "loss");
        add(chart, "loss", steps, losses, LINE).setMarker(SeriesMarkers.CIRCLE);
        chart.getStyler().setLegendVisible(false);
        return BitmapEncoder.getBufferedImage(chart);
    }

    private static double[] percent(
            List<MaskingReport.Epsilon> at, ToDoubleFunction<Accuracy> share) {
        return at.stream()
                .mapToDouble(epsilon -> 100 * share.applyAsDouble(epsilon.accuracy()))
                .toArray();
    }

    private static XYSeries add(XYChart chart, String name, double[] x, double[] y, Color color) {
        XYSeries series = chart.addSeries(name, x, y);
        series.setMarkerColor(color);
        series.setLineColor(color);
        series.setLineStyle(color == LINE ? SeriesLines.SOLID : SeriesLines.DASH_DASH);
        series.setMarker(SeriesMarkers.NONE);
        return series;
    }

    private static XYChart chart(String title, String x, String y) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(x)
                .yAxisTitle(y)
                .theme(Styler.ChartTheme.XChart)
                .build();
        chart.getStyler()
                .setXAxisLogarithmic(true)
                .setLegendPosition(Styler.LegendPosition.InsideNE)
                .setChartBackgroundColor(Color.WHITE);
        return chart;
    }
}
