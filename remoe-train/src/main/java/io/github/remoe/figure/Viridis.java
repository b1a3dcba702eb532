package io.github.remoe.figure;

/**
 * The colour map viridis of matplotlib: from dark to light evenly, also for those who see fewer
 * colours and on grey paper.
 */
final class Viridis {

    // Equally far from each other, straight lines between them.
    private static final int[] STOPS = {
        0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c, 0x28ae80, 0x5ec962, 0xaddc30, 0xfde725
    };

    private Viridis() {}

    /**
     * Returns a colour.
     *
     * @param value 0 for the darkest to 1 for the lightest; beyond them the same
     * @return the colour, such as {@code #440154}
     */
    static String colour(double value) {
        double place = Math.max(0, Math.min(1, value)) * (STOPS.length - 1);
        int below = Math.min((int) place, STOPS.length - 2);
        double share = place - below;
        int rgb = 0;
        for (int shift = 16; shift >= 0; shift -= 8) {
            int from = STOPS[below] >> shift & 0xff;
            int to = STOPS[below + 1] >> shift & 0xff;
            rgb = rgb << 8 | (int) Math.round(from + share * (to - from));
        }
        return String.format("#%06x", rgb);
    }
}
