package io.github.remoe.figure;

import java.awt.Color;
import java.util.List;

/**
 * The colour of a share, from nearly white for 0 to dark blue for 1. It goes with the share's square
 * root, or small shares, which are what matters in a confusion matrix, could not be told from none.
 */
final class ShareColour {

    // ColorBrewer's Blues, by Brewer and Harrower.
    private static final List<Color> STOPS = List.of(
            new Color(0xf7fbff),
            new Color(0xdeebf7),
            new Color(0xc6dbef),
            new Color(0x9ecae1),
            new Color(0x6baed6),
            new Color(0x4292c6),
            new Color(0x2171b5),
            new Color(0x08519c),
            new Color(0x08306b));

    private ShareColour() {}

    /**
     * Returns the colour of a share.
     *
     * @param share the share, 0 to 1
     * @return its colour
     */
    static Color of(double share) {
        double place = Math.sqrt(share) * (STOPS.size() - 1);
        int below = (int) Math.min(place, STOPS.size() - 2);
        Color from = STOPS.get(below);
        Color to = STOPS.get(below + 1);
        double part = place - below;
        return new Color(
                between(from.getRed(), to.getRed(), part),
                between(from.getGreen(), to.getGreen(), part),
                between(from.getBlue(), to.getBlue(), part));
    }

    private static int between(int from, int to, double part) {
        return (int) Math.round(from + part * (to - from));
    }

    /**
     * Returns the colour of text on a colour: black or white. The better of both has a contrast of 4.5
     * at least with whatever colour.
     *
     * @param ground the colour below
     * @return the text's colour
     */
    static Color text(Color ground) {
        return contrast(Color.BLACK, ground) > contrast(Color.WHITE, ground)
                ? Color.BLACK
                : Color.WHITE;
    }

    /**
     * Returns the contrast of two colours as WCAG 2.2 defines it.
     *
     * @param a a colour
     * @param b another
     * @return 1 to 21
     */
    static double contrast(Color a, Color b) {
        double lighter = Math.max(luminance(a), luminance(b));
        double darker = Math.min(luminance(a), luminance(b));
        return (lighter + 0.05) / (darker + 0.05);
    }

    private static double luminance(Color color) {
        return 0.2126 * linear(color.getRed())
                + 0.7152 * linear(color.getGreen())
                + 0.0722 * linear(color.getBlue());
    }

    private static double linear(int level) {
        double value = level / 255.0;
        return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    }

    /**
     * Writes a colour as SVG does.
     *
     * @param color the colour
     * @return {@code #rrggbb}
     */
    static String hex(Color color) {
        return String.format("#%06x", color.getRGB() & 0xFFFFFF);
    }
}
