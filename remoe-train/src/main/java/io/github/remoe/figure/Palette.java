package io.github.remoe.figure;

import java.util.List;

/**
 * The colours, dashes and markers that tell series apart. The colours are those of Okabe and Ito (2008),
 * made darker where they were too faint on white; as some see fewer colours, and some paper shows none,
 * a series differs in its dashes and marker too.
 */
final class Palette {

    private static final List<String> COLOURS =
            List.of("#0072b2", "#d55e00", "#00805c", "#a8478a", "#8a6d00", "#4d4d4d");
    private static final List<String> DASHES =
            List.of("", "7 3", "2 2.5", "9 3 2 3", "13 4", "5 2 2 2 2 2");
    private static final List<String> REFERENCES = List.of("4 4", "1.5 3", "10 4 1.5 4");

    // From the marker's middle.
    private static final List<String> MARKERS = List.of(
            "m-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0 -7.2 0z",
            "m-3.3 -3.3h6.6v6.6h-6.6z",
            "m0 -4.4l4.2 7.4h-8.4z",
            "m0 -4.8l4.8 4.8l-4.8 4.8l-4.8 -4.8z",
            "m0 4.4l4.2 -7.4h-8.4z",
            "m-1.4 -4.4h2.8v3h3v2.8h-3v3h-2.8v-3h-3v-2.8h3z");

    /** What a series is told by. */
    public record Style(int number, String colour, String dash, String marker) {}

    private Palette() {}

    /**
     * Tells what a series looks like; after 36 of them they repeat.
     *
     * @param index its place among the series, from 0
     * @return its style
     */
    static Style series(int index) {
        int colour = index % COLOURS.size();
        int other = (index + index / COLOURS.size()) % COLOURS.size();
        return new Style(colour + 1, COLOURS.get(colour), DASHES.get(other), MARKERS.get(other));
    }

    /**
     * Tells the dashes of a line that is no series.
     *
     * @param index its place among such lines, from 0
     * @return the lengths of dashes and gaps
     */
    static String reference(int index) {
        return REFERENCES.get(index % REFERENCES.size());
    }
}
