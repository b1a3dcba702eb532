package io.github.remoe.image;

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

    /**
     * Resizes a rectangle of a plane, first along its rows and then along its columns.
     *
     * @param plane the plane, row by row
     * @param width the columns of the plane
     * @param from where in the plane the rectangle starts
     * @param rows how its columns are resized
     * @param columns how its rows are resized
     * @param target takes the result, row by row
     * @param offset where in the target the result starts
     */
    static void resample(
            byte[] plane,
            int width,
            int from,
            BicubicAxis rows,
            BicubicAxis columns,
            byte[] target,
            int offset) {
        int count = columns.first.length;
        int top = rows.first[0];
        int last = rows.first.length - 1;
        int bottom = rows.first[last] + rows.weights[last].length;
        float[] narrow = new float[(bottom - top) * count];
        for (int y = top; y < bottom; y++) {
            for (int i = 0; i < count; i++) {
                int start = from + y * width + columns.first[i];
                float[] weights = columns.weights[i];
                float sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * (plane[start + k] & 0xFF);
                }
                narrow[(y - top) * count + i] = sum;
            }
        }
        float[] sums = new float[count];
        for (int j = 0; j <= last; j++) {
            Arrays.fill(sums, 0);
            for (int k = 0; k < rows.weights[j].length; k++) {
                float weight = rows.weights[j][k];
                int start = (rows.first[j] + k - top) * count;
                for (int i = 0; i < count; i++) {
                    sums[i] += weight * narrow[start + i];
                }
            }
            for (int i = 0; i < count; i++) {
                target[offset + j * count + i] =
                        (byte) Math.max(0, Math.min(255, Math.round(sums[i])));
            }
        }
    }
}
