package io.github.remoe.figure;

import java.awt.Font;
import java.awt.font.FontRenderContext;

/** How much room text takes, in the size that all text of a chart has. */
final class Text {

    /** The size of all text. */
    static final double SIZE = 12;

    /** The distance of two lines of text. */
    static final double LINE = 18;

    // The drawing names no font but "sans-serif", and whoever shows it may have a wider one.
    private static final double MARGIN = 1.1;

    private static final FontRenderContext CONTEXT = new FontRenderContext(null, true, true);
    private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, (int) SIZE);

    private Text() {}

    /**
     * Measures a text.
     *
     * @param text the text
     * @return its width, rather too much than too little
     */
    static double width(String text) {
        if (text.isEmpty()) {
            return 0;
        }
        String shown = Template.clean(text).replaceAll("\\s", " ");
        return MARGIN * FONT.getStringBounds(shown, CONTEXT).getWidth();
    }

    /**
     * Shortens a text that is too long, which then ends in an ellipsis.
     *
     * @param text the text
     * @param room the width that it may have
     * @return the text or the beginning of it
     */
    static String shorten(String text, double room) {
        // A mark that has nothing to stand on would be drawn beside the text's place.
        String shown = !text.isEmpty() && isMark(text.codePointAt(0)) ? "\u00a0" + text : text;
        double width = width(shown);
        if (width <= room) {
            // Characters without a shape are as good as none.
            return width == 0 ? "" : shown;
        }
        int[] points = shown.codePoints().toArray();
        int fits = 0;
        int tooLong = points.length;
        while (tooLong - fits > 1) {
            int middle = (fits + tooLong) / 2;
            if (width(beginning(points, middle)) <= room) {
                fits = middle;
            } else {
                tooLong = middle;
            }
        }
        return beginning(points, fits);
    }

    private static boolean isMark(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.COMBINING_SPACING_MARK -> true;
            default -> false;
        };
    }

    private static String beginning(int[] points, int length) {
        return new String(points, 0, length).stripTrailing() + "…";
    }
}
