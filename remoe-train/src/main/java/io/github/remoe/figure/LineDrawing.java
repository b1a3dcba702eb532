package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;

/** Where the parts of a line chart are. */
final class LineDrawing {

    private static final Template TEMPLATE = new Template(LineDrawing.class, "line-chart.svg.ftlx");

    private static final int MOST_MARKERS = 40;

    // What is hovered over where there are no markers, and the places of a line, of all curves:
    // they
    // keep the file below 60 KB.
    private static final int MOST_HOVERS = 120;
    private static final int MOST_PLACES = 800;

    private static final double WIDTH = 400;
    private static final double TOP = 28;
    private static final double BOTTOM = TOP + 190;
    private static final double TICK_LABELS = 22;
    private static final double LEGEND_LINE = 26;

    // Markers at the ends of an axis lie beside the frame, not on it.
    private static final double INSET = 8;

    private final AxisLabel xLabel;
    private final AxisLabel yLabel;
    private final List<Curve> curves;
    private final List<LineChart.Reference> references;
    private final Axis xAxis;
    private final Axis yAxis;
    private final double left;
    private final double right;

    /** A curve as the data of SVG paths, and the points that say what they are. */
    public record Line(
            Palette.Style style, String line, String band, boolean markers, List<Mark> marks) {}

    /** A point that says what it is. */
    public record Mark(double x, double y, String text) {}

    /** A horizontal line. */
    public record Level(double y, String dash, String text) {}

    LineDrawing(
            AxisLabel xLabel,
            AxisLabel yLabel,
            boolean logX,
            boolean integerX,
            double low,
            double high,
            List<Curve> all,
            List<LineChart.Reference> references) {
        this.xLabel = xLabel;
        this.yLabel = yLabel;
        this.references = references;
        curves = all.stream()
                .map(curve -> logX ? positive(curve) : curve)
                .filter(curve -> !curve.values().isEmpty())
                .toList();
        yAxis = yAxis(low, high);
        left = yAxis.width() + INSET;
        // Half of the last label goes beyond its tick.
        double overhang = xAxis(logX, integerX, WIDTH - left - 3 * INSET).width() / 2;
        right = WIDTH - Math.max(1, overhang - INSET);
        xAxis = xAxis(logX, integerX, right - left - 2 * INSET);
    }

    private static Curve positive(Curve curve) {
        return new Curve(
                curve.label(),
                curve.points().stream().filter(point -> point.x() > 0).toList());
    }

    private Stream<Curve.Point> values() {
        return curves.stream().flatMap(curve -> curve.values().stream());
    }

    private Axis yAxis(double low, double high) {
        DoubleSummaryStatistics range = values().flatMapToDouble(
                        point -> DoubleStream.of(point.y(), point.lower(), point.upper()))
                .filter(Curve::drawable)
                .summaryStatistics();
        references.forEach(reference -> range.accept(reference.y()));
        if (low < high) {
            range.accept(low);
            range.accept(high);
        }
        return range.getCount() == 0
                ? Axis.covering(0, 1)
                : Axis.covering(range.getMin(), range.getMax());
    }

    private Axis xAxis(boolean log, boolean integer, double length) {
        DoubleSummaryStatistics range = values().mapToDouble(Curve.Point::x).summaryStatistics();
        if (range.getCount() == 0) {
            return Axis.between(0, 1, integer, length);
        }
        return log
                ? Axis.logarithmic(range.getMin(), range.getMax(), length)
                : Axis.between(range.getMin(), range.getMax(), integer, length);
    }

    private double x(double value) {
        return left + INSET + xAxis.share(value) * (right - left - 2 * INSET);
    }

    private double y(double value) {
        return BOTTOM - yAxis.share(value) * (BOTTOM - TOP);
    }

    Figure figure(String name, String title) {
        double legendTop = BOTTOM + TICK_LABELS + Text.LINE + 6;
        Legend legend = Legend.of(
                Stream.concat(
                                curves.stream().map(Curve::label),
                                references.stream().map(LineChart.Reference::label))
                        .toList(),
                LEGEND_LINE,
                WIDTH,
                legendTop);
        Map<String, Object> values = new HashMap<>();
        values.put("title", title);
        values.put("description", description());
        values.put("width", WIDTH);
        values.put("height", legendTop + legend.height());
        values.put("xLabel", Text.shorten(xLabel.text(), WIDTH - left));
        values.put("yLabel", Text.shorten(yLabel.text(), WIDTH));
        values.put("xText", xLabel.text());
        values.put("yText", yLabel.text());
        values.put("left", left);
        values.put("right", right);
        values.put("top", TOP);
        values.put("bottom", BOTTOM);
        values.put("xTicks", xAxis.places(this::x));
        values.put("yTicks", yAxis.places(this::y));
        values.put("lines", lines());
        values.put("levels", levels());
        values.put("legend", legend.entries());
        return new Figure(name, title, description(), TEMPLATE.fill(values));
    }

    private List<Line> lines() {
        List<Line> lines = new ArrayList<>();
        double place = Math.max(2, (right - left) * curves.size() / MOST_PLACES);
        int hovers = Math.min(MOST_MARKERS, 2 + MOST_HOVERS / Math.max(1, curves.size()));
        for (Curve curve : curves) {
            boolean markers = curve.values().size() <= MOST_MARKERS;
            Curve line = markers ? curve : curve.outline(this::x, place);
            Curve band = markers ? curve : curve.hull(this::x, place);
            lines.add(new Line(
                    Palette.series(lines.size()),
                    line.line(this::x, this::y),
                    band.band(this::x, this::y),
                    markers,
                    marks(curve, markers ? MOST_MARKERS : hovers)));
        }
        return lines;
    }

    private List<Mark> marks(Curve curve, int most) {
        List<Curve.Point> points = curve.values();
        int count = Math.min(most, points.size());
        List<Mark> marks = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            long index = count == 1 ? 0 : (long) i * (points.size() - 1) / (count - 1);
            Curve.Point point = points.get((int) index);
            marks.add(new Mark(x(point.x()), y(point.y()), text(curve.label(), point)));
        }
        return marks;
    }

    private String text(String label, Curve.Point point) {
        String text = label + ": " + xLabel.of(point.x()) + ", " + yLabel.of(point.y());
        return point.hasInterval()
                ? String.format(
                        "%s (%s to %s)",
                        text, Numbers.text(point.lower()), Numbers.text(point.upper()))
                : text;
    }

    private List<Level> levels() {
        List<Level> levels = new ArrayList<>();
        for (LineChart.Reference reference : references) {
            levels.add(new Level(
                    y(reference.y()),
                    Palette.reference(levels.size()),
                    reference.label() + ": " + yLabel.of(reference.y())));
        }
        return levels;
    }

    private String description() {
        StringJoiner text = new StringJoiner(" ");
        text.add(yLabel.text() + " over " + xLabel.text() + ".");
        if (curves.isEmpty()) {
            text.add("There are no values.");
        }
        for (Curve curve : curves) {
            List<Curve.Point> points = curve.values();
            Curve.Point first = points.get(0);
            Curve.Point last = points.get(points.size() - 1);
            String from = xLabel.of(first.x()) + ", " + yLabel.of(first.y());
            text.add(
                    points.size() == 1
                            ? curve.label() + ": " + from + "."
                            : String.format(
                                    "%s: from %s to %s, %s.",
                                    curve.label(), from, xLabel.of(last.x()), yLabel.of(last.y())));
        }
        for (Level level : levels()) {
            text.add(level.text + ".");
        }
        return text.toString();
    }
}
