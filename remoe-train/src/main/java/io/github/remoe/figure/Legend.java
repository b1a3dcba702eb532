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

    private static final double SPACE = 6;
    private static final double GAP = 16;

    /**
     * An entry.
     *
     * @param x where its mark begins
     * @param y the middle of its line
     * @param text what is shown
     * @param full all of the text
     * @param textX where the text begins
     */
    public record Entry(double x, double y, String text, String full, double textX) {}

    /**
     * Puts entries below each other and beside each other, as the room allows.
     *
     * @param labels the texts
     * @param mark the width of the mark before a text
     * @param right where a line ends; it begins at 0
     * @param top where the first line begins
     * @return the legend, its entries in the order of the texts
     */
    static Legend of(List<String> labels, double mark, double right, double top) {
        List<Entry> entries = new ArrayList<>();
        double x = 0;
        double y = top + Text.LINE / 2;
        for (String label : labels) {
            String text = Text.shorten(label, right - mark - SPACE);
            double width = mark + SPACE + Text.width(text);
            if (x > 0 && x + width > right) {
                x = 0;
                y += Text.LINE;
            }
            entries.add(new Entry(x, y, text, label, x + mark + SPACE));
            x += width + GAP;
        }
        return new Legend(entries, entries.isEmpty() ? 0 : y + Text.LINE / 2 - top);
    }
}
