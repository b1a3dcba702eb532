package io.github.remoe.data;

import java.util.Arrays;

/**
 * One direction of a bicubic resize with antialiasing: which source pixels make up each pixel of
 * the result, and with what weights.
 *
 * <p>Cubic convolution with a = -0.5, stretched by the reduction so that every source pixel counts,
 * and pixel centres at half numbers: Pillow's BICUBIC. (TwelveMonkeys' ResampleOp has the centres
 * at whole numbers, which moves a reduced image by up to half a pixel.)
 */
final class BicubicAxis {

    private final int source;
    private final int[] first;
    private final float[][] weights;

    /**
     * Prepares the weights.
     *
     * @param source the length before
     * @param resized the length after
     * @param from the first pixel of the result that is wanted
     * @param count how many are wanted
     */
    BicubicAxis(int source, int resized, int from, int count) {
        this.source = source;
        first = new int[count];
        weights = new float[count][];
        double scale = (double) source / resized;
        double stretch = Math.max(scale, 1);
        for (int i = 0; i < count; i++) {
            double centre = (from + i + 0.5) * scale;
            int start = Math.max(0, (int) (centre - 2 * stretch + 0.5));
            int end = Math.min(source, (int) (centre + 2 * stretch + 0.5));
            first[i] = start;
            weights[i] = new float[end - start];
            double sum = 0;
            for (int x = start; x < end; x++) {
                sum += cubic((x + 0.5 - centre) / stretch);
            }
            for (int x = start; x < end; x++) {
                weights[i][x - start] = (float) (cubic((x + 0.5 - centre) / stretch) / sum);
            }
        }
    }

    private static double cubic(double x) {
        double d = Math.abs(x);
        if (d < 1) {
            return (1.5 * d - 2.5) * d * d + 1;
        }
        return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
    }

    /** Resizes one plane, first along its rows and then along its columns. */
    static void resample(
            byte[] plane, BicubicAxis rows, BicubicAxis columns, byte[] target, int offset) {
        int width = columns.first.length;
        int top = rows.first[0];
        int last = rows.first.length - 1;
        int bottom = rows.first[last] + rows.weights[last].length;
        float[] narrow = new float[(bottom - top) * width];
        for (int y = top; y < bottom; y++) {
            for (int i = 0; i < width; i++) {
                int start = y * columns.source + columns.first[i];
                float[] weights = columns.weights[i];
                float sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * (plane[start + k] & 0xFF);
                }
                narrow[(y - top) * width + i] = sum;
            }
        }
        float[] sums = new float[width];
        for (int j = 0; j <= last; j++) {
            Arrays.fill(sums, 0);
            for (int k = 0; k < rows.weights[j].length; k++) {
                float weight = rows.weights[j][k];
                int start = (rows.first[j] + k - top) * width;
                for (int i = 0; i < width; i++) {
                    sums[i] += weight * narrow[start + i];
                }
            }
            for (int i = 0; i < width; i++) {
                target[offset + j * width + i] =
                        (byte) Math.max(0, Math.min(255, Math.round(sums[i])));
            }
        }
    }
}
