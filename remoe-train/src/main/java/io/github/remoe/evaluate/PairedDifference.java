package io.github.remoe.evaluate;

/**
 * How many more of the same images one of two is right about, or breaks, than the other, with a 95 %
 * interval.
 *
 * <p>Only the images on which the two differ tell anything. The interval joins the score intervals of
 * both shares (Newcombe 1998) and takes into account that one image cannot count for both.
 *
 * @param first the images that count for the first alone
 * @param second those that count for the second alone
 * @param total all images, at least 1
 * @param value (first - second) / total
 * @param lower the lower end of the interval
 * @param upper the upper end of the interval
 */
public record PairedDifference(
        long first, long second, long total, double value, double lower, double upper) {

    /**
     * Creates a difference from counts.
     *
     * @param first the images that count for the first alone
     * @param second those that count for the second alone
     * @param total all images, at least 1
     */
    public PairedDifference(long first, long second, long total) {
        this(
                first,
                second,
                total,
                (double) (first - second) / total,
                -upper(new Accuracy(second, total), new Accuracy(first, total)),
                upper(new Accuracy(first, total), new Accuracy(second, total)));
    }

    private static double upper(Accuracy more, Accuracy less) {
        double above = more.upper() - more.value();
        double below = less.value() - less.lower();
        double others = (1 - more.value()) * (1 - less.value());
        double correlation = others == 0 ? 0 : Math.sqrt(more.value() * less.value() / others);
        return more.value()
                - less.value()
                + Math.sqrt(above * above + below * below + 2 * correlation * above * below);
    }
}
