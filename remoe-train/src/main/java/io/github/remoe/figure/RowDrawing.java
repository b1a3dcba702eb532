package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.DoubleStream;

/**
 * Rows below each other, with a name at the left of each and values along it. A row has one lane or
 * more, and a lane as many marks as there are values in it.
 */
final class RowDrawing {

    private static final Template TEMPLATE = new Template(RowDrawing.class, "rows.svg.ftlx");

    private static final double WIDTH = 400;
    private static final double MOST_NAME = 130;
    private static final double TOP = 4;
    private static final double LANE = 17;
    private static final double TICK_LABELS = 22;
    private static final double MARKER = 10;

    // Markers at the ends of an axis lie beside its end, not on it.
    private static final double INSET = 8;

    private final AxisLabel label;
    private final List<Row> rows;
    private final List<Key> keys;
    private final Axis axis;
    private final double left;
    private final double right;

    /** A row and its lanes from top to bottom. */
    record Row(String name, List<Lane> lanes) {}

    /**
     * A lane.
     *
     * @param number what is written at its end
     * @param linked whether its marks are joined by a line
     * @param marks its marks
     */
    record Lane(String number, boolean linked, List<Mark> marks) {}

    /**
     * A mark.
     *
     * @param key which of the keys it belongs to
     * @param value its value
     * @param lower the lower end of its interval; none if it cannot be drawn
     * @param upper the upper end
     */
    record Mark(int key, double value, double lower, double upper) {

        boolean hasInterval() {
            return Curve.drawable(lower) && Curve.drawable(upper);
        }
    }

    /**
     * What marks stand for.
     *
     * @param label what it is
     * @param style what its marks look like
     * @param hollow whether they are only outlined
     */
    public record Key(String label, Palette.Style style, boolean hollow) {}

    /** A row in its place. */
    public record PlacedRow(String name, String full, double middle, double bottom, int lanes) {}

    /** A lane in its place; from and to are the ends of its line, the same if there is none. */
    public record PlacedLane(double y, String number, double from, double to) {}

    /** A mark in its place; lower and upper are the same if there is no interval. */
    public record PlacedMark(
            Key key, double x, double y, double lower, double upper, String text) {}

    RowDrawing(AxisLabel label, double low, double high, List<Row> rows, List<Key> keys) {
        this.label = label;
        this.rows = rows;
        this.keys = keys;
        left = 6
                + rows.stream()
                        .mapToDouble(row -> Text.width(Text.shorten(row.name, MOST_NAME)))
                        .max()
                        .orElse(0);
        double numbers = rows.stream()
                .flatMap(row -> row.lanes.stream())
                .mapToDouble(lane -> Text.width(lane.number))
                .max()
                .orElse(0);
        // Half of the last label goes beyond its tick.
        double overhang = axis(low, high, WIDTH - left - numbers - 3 * INSET).width() / 2;
        right = WIDTH - Math.max(1, Math.max(numbers, overhang - INSET));
        axis = axis(low, high, right - left - 2 * INSET);
    }

    private Axis axis(double low, double high, double length) {
        DoubleSummaryStatistics range = rows.stream()
                .flatMap(row -> row.lanes.stream())
                .map(Lane::marks)
                .flatMap(Collection::stream)
                .flatMapToDouble(mark -> DoubleStream.of(mark.value, mark.lower, mark.upper))
                .filter(Curve::drawable)
                .summaryStatistics();
        range.accept(low);
        range.accept(high);
        return Axis.between(range.getMin(), range.getMax(), false, length);
    }

    private double x(double value) {
        return left + INSET + axis.share(value) * (right - left - 2 * INSET);
    }

    Figure figure(String name, String title) {
        List<PlacedRow> placedRows = new ArrayList<>();
        List<PlacedLane> lanes = new ArrayList<>();
        List<PlacedMark> marks = new ArrayList<>();
        double top = TOP;
        for (Row row : rows) {
            double padding = row.lanes.size() > 1 ? 5 : 1;
            double bottom = top + row.lanes.size() * LANE + 2 * padding;
            placedRows.add(new PlacedRow(
                    Text.shorten(row.name, MOST_NAME),
                    row.name,
                    (top + bottom) / 2,
                    bottom,
                    row.lanes.size()));
            double y = top + padding + LANE / 2;
            for (Lane lane : row.lanes) {
                lanes.add(placed(lane, y));
                for (Mark mark : lane.marks) {
                    marks.add(placed(mark, row, y));
                }
                y += LANE;
            }
            top = bottom;
        }
        double legendTop = top + TICK_LABELS + Text.LINE + 6;
        Legend legend = Legend.of(keys.stream().map(Key::label).toList(), MARKER, WIDTH, legendTop);
        StringJoiner description = new StringJoiner(". ", label.text() + ". ", ".");
        description.setEmptyValue(label.text() + ". There are no values.");
        marks.forEach(mark -> description.add(mark.text));

        Map<String, Object> values = new HashMap<>();
        values.put("title", title);
        values.put("description", description.toString());
        values.put("width", WIDTH);
        values.put("height", legendTop + legend.height());
        values.put("left", left);
        values.put("right", right);
        values.put("top", TOP);
        values.put("bottom", top);
        values.put("xLabel", Text.shorten(label.text(), right - left));
        values.put("xText", label.text());
        values.put("xTicks", axis.places(this::x));
        values.put("rows", placedRows);
        values.put("lanes", lanes);
        values.put("marks", marks);
        values.put("keys", keys);
        values.put("legend", legend.entries());
        return new Figure(name, title, description.toString(), TEMPLATE.fill(values));
    }

    private PlacedLane placed(Lane lane, double y) {
        DoubleSummaryStatistics values =
                lane.marks.stream().mapToDouble(Mark::value).summaryStatistics();
        return lane.linked && values.getCount() > 1
                ? new PlacedLane(y, lane.number, x(values.getMin()), x(values.getMax()))
                : new PlacedLane(y, lane.number, 0, 0);
    }

    private PlacedMark placed(Mark mark, Row row, double y) {
        Key key = keys.get(mark.key);
        String text = key.label + ": " + row.name + ", " + label.of(mark.value);
        double x = x(mark.value);
        return mark.hasInterval()
                ? new PlacedMark(
                        key,
                        x,
                        y,
                        x(mark.lower),
                        x(mark.upper),
                        String.format(
                                "%s (%s to %s)",
                                text, Numbers.text(mark.lower), Numbers.text(mark.upper)))
                : new PlacedMark(key, x, y, x, x, text);
    }
}
