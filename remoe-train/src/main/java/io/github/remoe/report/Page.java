package io.github.remoe.report;

import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.figure.Figure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What the page's template fills in: sections of figures, tables and sentences.
 *
 * @param title the title
 * @param sections its sections, those of a run behind each other
 */
record Page(String title, List<Section> sections) {

    /**
     * A heading with what belongs under it.
     *
     * @param id what links name it by
     * @param level 2 for a run or the summary, 3 for what a run consists of
     * @param title the heading
     * @param parts what is under it
     */
    public record Section(String id, int level, String title, List<Part> parts) {

        Section(String id, int level, String title) {
            this(id, level, title, new ArrayList<>());
        }

        Section text(String text) {
            parts.add(new Part("text", text, List.of(), null, List.of()));
            return this;
        }

        /** Says what is missing and how to get it. */
        Section missing(String text) {
            parts.add(new Part("missing", text, List.of(), null, List.of()));
            return this;
        }

        Section figures(List<Figure> figures) {
            if (!figures.isEmpty()) {
                parts.add(new Part("figures", null, figures, null, List.of()));
            }
            return this;
        }

        /** Figures that have their title within them. */
        Section panels(List<Figure> figures) {
            if (!figures.isEmpty()) {
                parts.add(new Part("panels", null, figures, null, List.of()));
            }
            return this;
        }

        Section table(Table table) {
            parts.add(new Part("table", null, List.of(), table, List.of()));
            return this;
        }

        /** A table that is opened by a click on its caption. */
        Section folded(Table table) {
            parts.add(new Part("folded", null, List.of(), table, List.of()));
            return this;
        }

        /** Lines to be typed. */
        Section commands(List<String> lines) {
            if (!lines.isEmpty()) {
                parts.add(new Part("commands", null, List.of(), null, lines));
            }
            return this;
        }
    }

    /**
     * One of the things that a section consists of; the others are empty.
     *
     * @param kind which
     * @param text a sentence
     * @param figures figures beside each other
     * @param table a table
     * @param lines lines to be typed
     */
    public record Part(
            String kind, String text, List<Figure> figures, Table table, List<String> lines) {}

    /**
     * A table.
     *
     * @param id what links name it by
     * @param caption what it shows
     * @param sortable whether a click on a column's head sorts it
     * @param columns the heads; the first is that of the rows' heads
     * @param rows the rows
     */
    public record Table(
            String id,
            String caption,
            boolean sortable,
            List<String> columns,
            List<List<Cell>> rows) {

        Table(String id, String caption, boolean sortable, List<String> columns) {
            this(id, caption, sortable, columns, new ArrayList<>());
        }

        /** Whether a column holds numbers. */
        public boolean numeric(int column) {
            return rows.stream().anyMatch(row -> row.get(column).value() != null);
        }

        /** A table of two columns. */
        static Table of(String id, String caption, String key, String value, Map<String, ?> pairs) {
            Table table = new Table(id, caption, false, List.of(key, value));
            pairs.forEach((name, content) ->
                    table.rows.add(List.of(Cell.of(name), Cell.of(String.valueOf(content)))));
            return table;
        }
    }

    /**
     * A cell.
     *
     * @param text what it shows
     * @param detail what it shows in smaller letters below, or null
     * @param value what it is sorted by if it is a number, or null
     * @param data the same as attributes for programs
     */
    public record Cell(String text, String detail, String value, Map<String, String> data) {

        static final Cell NOTHING = new Cell("–", null, null, Map.of());

        static Cell of(String text) {
            return new Cell(text, null, null, Map.of());
        }

        static Cell of(long number) {
            return new Cell(
                    String.format(Locale.ROOT, "%,d", number),
                    null,
                    String.valueOf(number),
                    Map.of());
        }

        static Cell of(Accuracy accuracy) {
            return of(accuracy, Map.of());
        }

        /** An accuracy with its interval. */
        static Cell of(Accuracy accuracy, Map<String, String> data) {
            Map<String, String> all = new LinkedHashMap<>(data);
            all.put("correct", String.valueOf(accuracy.correct()));
            all.put("total", String.valueOf(accuracy.total()));
            return new Cell(
                    percent(accuracy.value()),
                    String.format(
                            Locale.ROOT,
                            "%.1f to %.1f",
                            100 * accuracy.lower(),
                            100 * accuracy.upper()),
                    String.valueOf(accuracy.value()),
                    all);
        }

        /** A share, 0 to 1, in per cent. */
        static Cell share(double value) {
            return new Cell(percent(value), null, String.valueOf(value), Map.of());
        }
    }

    /** A share, 0 to 1, in per cent. */
    static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f\u00a0%%", 100 * share);
    }
}
