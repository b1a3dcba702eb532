package io.github.remoe.weights;

import io.github.remoe.image.BicubicTaps;

/** Resizes weights that lie on a grid, as timm does: position embeddings and patch kernels. */
final class Resizing {

    private Resizing() {}

    /**
     * Resizes a position embedding; the rows of class and distillation tokens stay as they are.
     *
     * @param embedding (tokens, D) in row-major order
     * @param dim the width D
     * @param prefixTokens the rows before the patches'
     * @param oldRows the patches below each other before
     * @param oldColumns the patches beside each other before
     * @param rows the patches below each other after
     * @param columns the patches beside each other after
     * @return (prefixTokens + rows x columns, D)
     */
    static float[] positions(
            float[] embedding,
            int dim,
            int prefixTokens,
            int oldRows,
            int oldColumns,
            int rows,
            int columns) {
        double[][] down = bicubic(oldRows, rows);
        double[][] right = bicubic(oldColumns, columns);
        int prefix = prefixTokens * dim;
        float[] resized = new float[prefix + rows * columns * dim];
        System.arraycopy(embedding, 0, resized, 0, prefix);
        for (int d = 0; d < dim; d++) {
            plane(embedding, prefix + d, dim, down, right, resized, prefix + d);
        }
        return resized;
    }

    /**
     * Resizes the kernel of a patch embedding.
     *
     * @param kernel any number of planes of oldHeight x oldWidth, in row-major order
     * @param oldHeight the height before
     * @param oldWidth the width before
     * @param height the height after
     * @param width the width after
     * @param how the way to do it
     * @return as many planes of height x width
     */
    static float[] kernel(
            float[] kernel, int oldHeight, int oldWidth, int height, int width, PatchResize how) {
        double[][] down = bicubic(oldHeight, height);
        double[][] right = bicubic(oldWidth, width);
        if (how == PatchResize.PSEUDO_INVERSE) {
            // The matrix over both directions is the Kronecker product of the two, and so is its
            // pseudo-inverse.
            down = transposedPseudoInverse(down);
            right = transposedPseudoInverse(right);
        }
        int planes = kernel.length / (oldHeight * oldWidth);
        float[] resized = new float[planes * height * width];
        for (int i = 0; i < planes; i++) {
            plane(kernel, i * oldHeight * oldWidth, 1, down, right, resized, i * height * width);
        }
        return resized;
    }

    /** Multiplies a plane of a grid, whose numbers lie a stride apart, by a matrix on each side. */
    private static void plane(
            float[] source,
            int from,
            int stride,
            double[][] down,
            double[][] right,
            float[] target,
            int to) {
        int oldColumns = right[0].length;
        double[][] narrow = new double[down[0].length][right.length];
        for (int y = 0; y < narrow.length; y++) {
            for (int j = 0; j < right.length; j++) {
                for (int x = 0; x < oldColumns; x++) {
                    narrow[y][j] += right[j][x] * source[from + (y * oldColumns + x) * stride];
                }
            }
        }
        for (int i = 0; i < down.length; i++) {
            for (int j = 0; j < right.length; j++) {
                double sum = 0;
                for (int y = 0; y < narrow.length; y++) {
                    sum += down[i][y] * narrow[y][j];
                }
                target[to + (i * right.length + j) * stride] = (float) sum;
            }
        }
    }

    /** The matrix (after, before) of a bicubic resize. */
    private static double[][] bicubic(int before, int after) {
        double[][] matrix = new double[after][before];
        for (int i = 0; i < after; i++) {
            BicubicTaps taps = BicubicTaps.of(before, after, i);
            System.arraycopy(taps.weights(), 0, matrix[i], taps.first(), taps.weights().length);
        }
        return matrix;
    }

    /**
     * The pseudo-inverse (before, after) of a resize, transposed: (A A^T)^-1 A where the result is
     * shorter, A (A^T A)^-1 where it is longer. Both exist, since a bicubic resize has full rank.
     */
    private static double[][] transposedPseudoInverse(double[][] a) {
        double[][] transposed = transpose(a);
        return a.length <= a[0].length
                ? solve(multiply(a, transposed), a)
                : transpose(solve(multiply(transposed, a), transposed));
    }

    private static double[][] transpose(double[][] a) {
        double[][] transposed = new double[a[0].length][a.length];
        for (int i = 0; i < a.length; i++) {
            for (int j = 0; j < a[0].length; j++) {
                transposed[j][i] = a[i][j];
            }
        }
        return transposed;
    }

    private static double[][] multiply(double[][] a, double[][] b) {
        double[][] product = new double[a.length][b[0].length];
        for (int i = 0; i < a.length; i++) {
            for (int k = 0; k < b.length; k++) {
                for (int j = 0; j < b[0].length; j++) {
                    product[i][j] += a[i][k] * b[k][j];
                }
            }
        }
        return product;
    }

    /** Solves A X = B by elimination; A is positive definite, so its pivots are never zero. */
    private static double[][] solve(double[][] a, double[][] b) {
        double[][] x = new double[b.length][];
        for (int i = 0; i < b.length; i++) {
            x[i] = b[i].clone();
        }
        for (int pivot = 0; pivot < a.length; pivot++) {
            for (int row = 0; row < a.length; row++) {
                double factor = row == pivot ? 0 : a[row][pivot] / a[pivot][pivot];
                for (int j = 0; j < a.length; j++) {
                    a[row][j] -= factor * a[pivot][j];
                }
                for (int j = 0; j < x[row].length; j++) {
                    x[row][j] -= factor * x[pivot][j];
                }
            }
        }
        for (int row = 0; row < a.length; row++) {
            for (int j = 0; j < x[row].length; j++) {
                x[row][j] /= a[row][row];
            }
        }
        return x;
    }
}
