package io.github.remoe.evaluate;

/**
 * A share of images with its 95 % interval: what share of all images like these may be right.
 *
 * <p>The interval is the score interval of Wilson (1927). Unlike the one of plus and minus 1.96
 * standard errors it stays within 0 and 1 and keeps its width where none or all are right.
 *
 * @param correct the images that are right
 * @param total all images, at least 1
 * @param value correct / total
 * @param lower the lower end of the interval
 * @param upper the upper end of the interval
 */
public record Accuracy(long correct, long total, double value, double lower, double upper) {

    // The 97.5th percentile of the normal distribution.
    static final double Z = 1.959963984540054;

    /**
     * Checks the counts.
     *
     * @throws IllegalArgumentException if there are no images, or more right ones than images
     */
    public Accuracy {
        if (total < 1 || correct < 0 || correct > total) {
            throw new IllegalArgumentException(String.format(
                    "An accuracy is a share of at least 1 image, got %d of %d.", correct, total));
        }
    }

    /**
     * Creates an accuracy from counts.
     *
     * @param correct the images that are right
     * @param total all images, at least 1
     */
    public Accuracy(long correct, long total) {
        this(
                correct,
                total,
                (double) correct / total,
                correct == 0 ? 0 : bound(correct, total, -1),
                correct == total ? 1 : bound(correct, total, 1));
    }

    private static double bound(double correct, double total, int sign) {
        double share = correct / total;
        double square = Z * Z / total;
        double width = Z * Math.sqrt(share * (1 - share) / total + square / (4 * total));
        return (share + square / 2 + sign * width) / (1 + square);
    }
}
