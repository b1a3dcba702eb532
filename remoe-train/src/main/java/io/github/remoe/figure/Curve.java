package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.StringJoiner;
import java.util.function.DoubleUnaryOperator;

/**
 * A series of a line chart.
 *
 * @param label what it is
 * @param points its points by ascending x, which is a number
 */
record Curve(String label, List<Curve.Point> points) {

    /**
     * A point and the interval around it.
     *
     * @param x its place
     * @param y its value; a gap if it is not {@link #drawable}
     * @param lower the lower end of its interval; none if it is not drawable
     * @param upper the upper end
     */
    record Point(double x, double y, double lower, double upper) {

        boolean hasY() {
            return drawable(y);
        }

        boolean hasInterval() {
            return hasY() && drawable(lower) && drawable(upper);
        }
    }

    /**
     * Tells whether a number can be drawn.
     *
     * @param value the number
     * @return false if it is NaN, infinite or so large that differences would be
     */
    static boolean drawable(double value) {
        return Math.abs(value) < 1e300;
    }

    /**
     * Returns the points that have a value.
     *
     * @return these
     */
    List<Point> values() {
        return points.stream().filter(Point::hasY).toList();
    }

    /**
     * Returns the lowest and the highest of the points that are drawn in the same place.
     *
     * @param place where a point is drawn
     * @param width how wide a place is
     * @return a curve whose line looks the same
     */
    Curve outline(DoubleUnaryOperator place, double width) {
        List<Point> outline = new ArrayList<>();
        for (List<Point> here : places(place, width)) {
            List<Point> values = here.stream().filter(Point::hasY).toList();
            if (values.isEmpty()) {
                outline.add(here.get(0));
                continue;
            }
            Point lowest = Collections.min(values, Comparator.comparingDouble(Point::y));
            Point highest = Collections.max(values, Comparator.comparingDouble(Point::y));
            values.stream().filter(p -> p == lowest || p == highest).forEach(outline::add);
        }
        return new Curve(label, outline);
    }

    /**
     * Returns the hull of the intervals that are drawn in the same place.
     *
     * @param place where a point is drawn
     * @param width how wide a place is
     * @return a curve whose band looks the same
     */
    Curve hull(DoubleUnaryOperator place, double width) {
        List<Point> hull = new ArrayList<>();
        for (List<Point> here : places(place, width)) {
            List<Point> intervals = here.stream().filter(Point::hasInterval).toList();
            if (intervals.isEmpty()) {
                hull.add(here.get(0));
                continue;
            }
            Point first = intervals.get(0);
            hull.add(new Point(
                    first.x,
                    first.y,
                    Collections.min(intervals, Comparator.comparingDouble(Point::lower)).lower,
                    Collections.max(intervals, Comparator.comparingDouble(Point::upper)).upper));
        }
        return new Curve(label, hull);
    }

    private List<List<Point>> places(DoubleUnaryOperator place, double width) {
        List<List<Point>> places = new ArrayList<>();
        double last = Double.NaN;
        for (Point point : points) {
            double here = Math.floor(place.applyAsDouble(point.x) / width);
            if (here != last) {
                places.add(new ArrayList<>());
                last = here;
            }
            places.get(places.size() - 1).add(point);
        }
        return places;
    }

    /**
     * Returns the line through the points.
     *
     * @param place where a point is drawn
     * @param height where a value is drawn
     * @return the data of an SVG path
     */
    String line(DoubleUnaryOperator place, DoubleUnaryOperator height) {
        StringBuilder path = new StringBuilder();
        boolean drawing = false;
        for (int i = 0; i < points.size(); i++) {
            Point point = points.get(i);
            if (point.hasY()) {
                path.append(drawing ? 'L' : 'M').append(at(place, height, point.x, point.y));
                if (!drawing && (i + 1 == points.size() || !points.get(i + 1).hasY())) {
                    // A point alone, of which a line would show nothing.
                    path.append("m-1 0h2");
                }
            }
            drawing = point.hasY();
        }
        return path.toString();
    }

    /**
     * Returns the area that the intervals cover.
     *
     * @param place where a point is drawn
     * @param height where a value is drawn
     * @return the data of an SVG path, empty if there are none
     */
    String band(DoubleUnaryOperator place, DoubleUnaryOperator height) {
        StringBuilder path = new StringBuilder();
        int from = 0;
        while (from < points.size()) {
            int to = from;
            while (to < points.size() && points.get(to).hasInterval()) {
                to++;
            }
            if (to > from) {
                path.append(area(points.subList(from, to), place, height));
            }
            from = to + 1;
        }
        return path.toString();
    }

    private static String area(
            List<Point> points, DoubleUnaryOperator place, DoubleUnaryOperator height) {
        if (points.size() == 1) {
            // The interval of a point alone is a bar.
            Point point = points.get(0);
            return "M" + at(place, height, point.x, point.upper) + "m-3 0h6V"
                    + Numbers.coordinate(height.applyAsDouble(point.lower)) + "h-6Z";
        }
        StringJoiner path = new StringJoiner("L", "M", "Z");
        points.forEach(point -> path.add(at(place, height, point.x, point.upper)));
        for (int i = points.size() - 1; i >= 0; i--) {
            path.add(at(place, height, points.get(i).x, points.get(i).lower));
        }
        return path.toString();
    }

    private static String at(
            DoubleUnaryOperator place, DoubleUnaryOperator height, double x, double y) {
        return Numbers.coordinate(place.applyAsDouble(x)) + " "
                + Numbers.coordinate(height.applyAsDouble(y));
    }
}
