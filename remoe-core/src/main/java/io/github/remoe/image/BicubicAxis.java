package io.github.remoe.image;

import java.util.Arrays;

/**
 * One direction of a bicubic resize with antialiasing: which source pixels make up each pixel of
 * the result, and with what weights.
 *
 * <p>{@link BicubicTaps}, as Pillow's BICUBIC. (TwelveMonkeys' ResampleOp has the pixel centres at
 * whole numbers, which moves a reduced image by up to half a pixel.)
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
        for (int i = 0; i < count; i++) {
            BicubicTaps taps = BicubicTaps.of(source, resized, from + i);
            first[i] = taps.first();
            weights[i] = new float[taps.weights().length];
            for (int k = 0; k < weights[i].length; k++) {
                weights[i][k] = (float) taps.weights()[k];
            }
        }
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
