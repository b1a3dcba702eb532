package io.github.remoe.image;

/**
 * What one number of a bicubic resize with antialiasing is made of, in one direction.
 *
 * <p>Cubic convolution with a = -0.5, stretched by the reduction so that every number of the source
 * counts, centres at half numbers, and weights that add up to 1 at the edges too: Pillow's BICUBIC,
 * and PyTorch's {@code interpolate(mode="bicubic", antialias=True)}, which timm resizes weights with.
 *
 * @param first the first number of the source that counts
 * @param weights the weights from there on
 */
public record BicubicTaps(int first, double[] weights) {

    /**
     * Computes the weights.
     *
     * @param source the length before
     * @param resized the length after
     * @param index the place in the result, from 0
     * @return what makes up the number there
     */
    public static BicubicTaps of(int source, int resized, int index) {
        double scale = (double) source / resized;
        double stretch = Math.max(scale, 1);
        double centre = (index + 0.5) * scale;
        int start = Math.max(0, (int) (centre - 2 * stretch + 0.5));
        int end = Math.min(source, (int) (centre + 2 * stretch + 0.5));
        double[] weights = new double[end - start];
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = cubic((start + i + 0.5 - centre) / stretch);
            sum += weights[i];
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] /= sum;
        }
        return new BicubicTaps(start, weights);
    }

    private static double cubic(double x) {
        double d = Math.abs(x);
        if (d < 1) {
            return (1.5 * d - 2.5) * d * d + 1;
        }
        return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    }
}
