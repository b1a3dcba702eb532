package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Accuracies with their intervals: a group of lines for each attack, in it a line for each run, and
 * what the paper has for comparison.
 *
 * <pre>{@code
 * Figure accuracy = IntervalChart.builder("accuracy", "Accuracy by attack")
 *         .addRun("ReMoE")
 *         .addRun("SAT")
 *         .addGroup("clean")
 *         .addGroup("PGD-20")
 *         .add("ReMoE", "clean", 84.1, 83.4, 84.8)
 *         .add("SAT", "clean", 82.0, 81.2, 82.7)
 *         .add("ReMoE", "PGD-20", 52.3, 51.3, 53.3)
 *         .addPaper("PGD-20", 53.0)
 *         .build();
 * }</pre>
 */
public final class IntervalChart {

    private static final Palette.Style DIAMOND = Palette.series(3);

    private IntervalChart() {}

    /**
     * Creates a builder.
     *
     * @param name what the figure's files are called
     * @param title what it shows, in a few words
     * @return a new builder
     */
    public static Builder builder(String name, String title) {
        return new Builder(name, title);
    }

    /** The Builder to construct the {@link Figure} of an interval chart. */
    public static final class Builder {

        private final String name;
        private final String title;
        private final List<String> runs = new ArrayList<>();
        private final List<Group> groups = new ArrayList<>();
        private double low = 0;
        private double high = 100;

        private Builder(String name, String title) {
            this.name = name;
            this.title = title;
        }

        /**
         * Sets what the axis covers; default is 0 to 100. It goes on to values outside.
         *
         * @param min the lower end
         * @param max the upper end
         * @return this builder
         * @throws IllegalArgumentException unless min is less than max
         */
        public Builder optRange(double min, double max) {
            LineChart.checkRange(min, max);
            this.low = min;
            this.high = max;
            return this;
        }

        /**
         * Adds a run, which has a colour and a marker.
         *
         * @param label what it is, unlike the others
         * @return this builder
         * @throws IllegalArgumentException if there is one of this label
         */
        public Builder addRun(String label) {
            if (runs.contains(label)) {
                throw new IllegalArgumentException(
                        "There are two runs " + label + ": give each a label of its own.");
            }
            runs.add(label);
            return this;
        }

        /**
         * Adds a group, such as an attack. It has a line for each run.
         *
         * @param label what it is, unlike the others
         * @return this builder
         * @throws IllegalArgumentException if there is one of this label
         */
        public Builder addGroup(String label) {
            if (groups.stream().anyMatch(group -> group.label.equals(label))) {
                throw new IllegalArgumentException(
                        "There are two groups " + label + ": give each a label of its own.");
            }
            groups.add(new Group(label));
            return this;
        }

        /**
         * Adds the value of a run in a group.
         *
         * @param run the run's label
         * @param group the group's label
         * @param value the value; NaN is none
         * @param lower the lower end of its interval, NaN for none
         * @param upper the upper end
         * @return this builder
         * @throws IllegalArgumentException if there is no such run or group
         */
        public Builder add(String run, String group, double value, double lower, double upper) {
            int key = runs.indexOf(run);
            if (key < 0) {
                throw new IllegalArgumentException(
                        "There is no run " + run + ": the runs are " + runs + ".");
            }
            if (Curve.drawable(value)) {
                group(group).marks.put(key, new RowDrawing.Mark(key, value, lower, upper));
            }
            return this;
        }

        /**
         * Adds the paper's figure for a group, drawn as a hollow diamond; default is none.
         *
         * @param group the group's label
         * @param value the value; NaN is none
         * @return this builder
         * @throws IllegalArgumentException if there is no such group
         */
        public Builder addPaper(String group, double value) {
            group(group).paper = value;
            return this;
        }

        private Group group(String label) {
            return groups.stream()
                    .filter(group -> group.label.equals(label))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException(String.format(
                            "There is no group %s: the groups are %s.",
                            label, groups.stream().map(group -> group.label).toList())));
        }

        /**
         * Draws the chart. A run without a value in a group has a dash there.
         *
         * @return the figure
         * @throws IllegalArgumentException if there is no run or no group
         */
        public Figure build() {
            if (runs.isEmpty() || groups.isEmpty()) {
                throw new IllegalArgumentException(
                        "The chart " + name + " needs a run and a group at least.");
            }
            List<RowDrawing.Key> keys = new ArrayList<>();
            for (String run : runs) {
                keys.add(new RowDrawing.Key(run, Palette.series(keys.size()), false));
            }
            if (groups.stream().anyMatch(group -> Curve.drawable(group.paper))) {
                keys.add(new RowDrawing.Key("the paper", DIAMOND, true));
            }
            return new RowDrawing(
                            new AxisLabel("accuracy, %"),
                            low,
                            high,
                            groups.stream().map(group -> group.row(runs.size())).toList(),
                            keys)
                    .figure(name, title);
        }
    }

    private static final class Group {

        private final String label;
        private final Map<Integer, RowDrawing.Mark> marks = new HashMap<>();
        private double paper = Double.NaN;

        Group(String label) {
            this.label = label;
        }

        RowDrawing.Row row(int runs) {
            List<RowDrawing.Lane> lanes = new ArrayList<>();
            for (int run = 0; run < runs; run++) {
                lanes.add(lane(marks.get(run)));
            }
            if (Curve.drawable(paper)) {
                lanes.add(lane(new RowDrawing.Mark(runs, paper, Double.NaN, Double.NaN)));
            }
            return new RowDrawing.Row(label, lanes);
        }

        private static RowDrawing.Lane lane(RowDrawing.Mark mark) {
            return mark == null
                    ? new RowDrawing.Lane("–", false, List.of())
                    : new RowDrawing.Lane(
                            String.format(Locale.ROOT, "%.1f", mark.value()), false, List.of(mark));
        }
    }
}
