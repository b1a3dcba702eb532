package io.github.remoe.figure;

import java.util.ArrayList;
import java.util.List;

/**
 * What the marks of a chart stand for, in as many lines as it takes.
 *
 * @param entries the entries, each with its place
 * @param height the height of all lines
 */
record Legend(List<Legend.Entry> entries, double height) {

    /** The width of the mark before a text. */
    static final double MARK = 26;

    private static final double SPACE = 6;
    private static final double GAP = 16;

    /**
     * An entry.
     *
     * @param x where its mark begins
     * @param y the middle of its line
     * @param text what is shown
     * @param full all of the text
     */
    public record Entry(double x, double y, String text, String full) {

        /**
         * Returns where the text begins.
         *
         * @return x
         */
        public double textX() {
            return x + MARK + SPACE;
        }
    }

    /**
     * Puts entries below each other and beside each other, as the room allows.
     *
     * @param labels the texts
     * @param left where a line begins
     * @param right where it ends
     * @param top where the first line begins
     * @return the legend, its entries in the order of the texts
     */
    static Legend of(List<String> labels, double left, double right, double top) {
        List<Entry> entries = new ArrayList<>();
        double x = left;
        double y = top + Text.LINE / 2;
        for (String label : labels) {
            String text = Text.shorten(label, right - left - MARK - SPACE);
            double width = MARK + SPACE + Text.width(text);
            if (x > left && x + width > right) {
                x = left;
                y += Text.LINE;
            }
            entries.add(new Entry(x, y, text, label));
            x += width + GAP;
        }
        return new Legend(entries, entries.isEmpty() ? 0 : y + Text.LINE / 2 - top);
    }
}
