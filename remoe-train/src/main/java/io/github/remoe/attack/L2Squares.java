package io.github.remoe.attack;

import ai.djl.ndarray.types.Shape;

import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Square Attack's changes in l2 (Andriushchenko et al. 2020, algorithm 3): tiles of a bump and a dent
 * to start with; then a window gets another such pattern, and with it the length that a second window,
 * set to zero, gives up. Each channel has a sign of its own.
 */
final class L2Squares extends SquareMoves {

    private static final double TINY = 1e-12;

    private final Map<Integer, double[][]> patterns = new ConcurrentHashMap<>();

    L2Squares(ThreatModel threat, Shape image) {
        super(threat, image);
    }

    @Override
    void start(float[] clean, float[] point, SplittableRandom random) {
        double[] perturbation = new double[clean.length];
        int side = Math.max(1, height / 5);
        int margin = Math.max(0, (height - side * 5) / 2);
        double[][] tile = patterns.computeIfAbsent(side, L2Squares::pattern);
        for (int top = margin; top + side <= height; top += side) {
            for (int left = margin; left + side <= width; left += side) {
                boolean upright = random.nextBoolean();
                for (int channel = 0; channel < channels; channel++) {
                    int sign = sign(random);
                    for (int row = 0; row < side; row++) {
                        for (int column = 0; column < side; column++) {
                            perturbation[index(channel, top + row, left + column)] =
                                    sign * (upright ? tile[row][column] : tile[column][row]);
                        }
                    }
                }
            }
        }
        write(perturbation, clean, point);
    }

    @Override
    void move(float[] clean, float[] point, int side, SplittableRandom random) {
        double[][] pattern = patterns.computeIfAbsent(side, L2Squares::pattern);
        double[] perturbation = new double[clean.length];
        for (int i = 0; i < point.length; i++) {
            perturbation[i] = point[i] - clean[i];
        }
        Window window = new Window(corner(height, side, random), corner(width, side, random), side);
        Window emptied =
                new Window(corner(height, side, random), corner(width, side, random), side);
        boolean upright = random.nextBoolean();
        double square = (double) epsilon * epsilon;
        double unused = Math.max(square - sumOfSquares(perturbation), 0) / channels;
        for (int channel = 0; channel < channels; channel++) {
            double inWindow = sumOfSquares(perturbation, channel, window);
            double inBoth = inWindow + clear(perturbation, channel, emptied, window);
            double old = 1 / (TINY + Math.sqrt(inWindow));
            int sign = sign(random);
            for (int row = 0; row < side; row++) {
                for (int column = 0; column < side; column++) {
                    int i = index(channel, window.top + row, window.left + column);
                    double bump = upright ? pattern[row][column] : pattern[column][row];
                    perturbation[i] = sign * bump + old * perturbation[i];
                }
            }
            double sum = sumOfSquares(perturbation, channel, window);
            double factor = Math.sqrt(unused + inBoth) / (TINY + Math.sqrt(sum));
            scale(perturbation, channel, window, factor);
        }
        write(perturbation, clean, point);
    }

    @Override
    int side(double fraction) {
        int atLeastThree = Math.max(roundedSide(fraction), 3);
        return Math.min(atLeastThree / 2 * 2 + 1, Math.min(height, width));
    }

    /**
     * Returns a bump in the upper half of a square and a dent in the lower one, together of length 1.
     *
     * @param side the square's side
     * @return rows of columns
     */
    static double[][] pattern(int side) {
        double[][] pattern = new double[side][side];
        int half = side / 2;
        addBump(pattern, 0, half, 1);
        addBump(pattern, half, side - half, -1);
        double sum = 0;
        for (double[] row : pattern) {
            for (double value : row) {
                sum += value * value;
            }
        }
        for (double[] row : pattern) {
            for (int column = 0; column < side; column++) {
                row[column] /= Math.sqrt(sum);
            }
        }
        return pattern;
    }

    /** Adds a pyramid of rings, whose heights are sums of 1/k^2, of length 1 over some rows. */
    private static void addBump(double[][] pattern, int firstRow, int rows, int sign) {
        int columns = pattern.length;
        int rings = Math.max(rows, columns) / 2 + 1;
        double sum = 0;
        for (int row = 0; row < rows; row++) {
            for (int column = 0; column < columns; column++) {
                int ring = Math.max(Math.abs(row - rows / 2), Math.abs(column - columns / 2));
                double value = 0;
                for (int k = ring + 1; k <= rings; k++) {
                    value += 1.0 / k / k;
                }
                pattern[firstRow + row][column] = value;
                sum += value * value;
            }
        }
        for (int row = firstRow; row < firstRow + rows; row++) {
            for (int column = 0; column < columns; column++) {
                pattern[row][column] *= sign / Math.sqrt(sum);
            }
        }
    }

    private static double sumOfSquares(double[] perturbation) {
        double sum = 0;
        for (double value : perturbation) {
            sum += value * value;
        }
        return sum;
    }

    private double sumOfSquares(double[] perturbation, int channel, Window window) {
        double sum = 0;
        for (int row = window.top; row < window.top + window.side; row++) {
            for (int column = window.left; column < window.left + window.side; column++) {
                double value = perturbation[index(channel, row, column)];
                sum += value * value;
            }
        }
        return sum;
    }

    /** Sets a window to zero except where it meets another; returns the squares it had there. */
    private double clear(double[] perturbation, int channel, Window window, Window except) {
        double sum = 0;
        for (int row = window.top; row < window.top + window.side; row++) {
            for (int column = window.left; column < window.left + window.side; column++) {
                if (!except.contains(row, column)) {
                    int i = index(channel, row, column);
                    sum += perturbation[i] * perturbation[i];
                    perturbation[i] = 0;
                }
            }
        }
        return sum;
    }

    private void scale(double[] perturbation, int channel, Window window, double factor) {
        for (int row = window.top; row < window.top + window.side; row++) {
            for (int column = window.left; column < window.left + window.side; column++) {
                perturbation[index(channel, row, column)] *= factor;
            }
        }
    }

    /** Writes the point at a distance of epsilon in the direction of the perturbation. */
    private void write(double[] perturbation, float[] clean, float[] point) {
        double factor = epsilon / (Math.sqrt(sumOfSquares(perturbation)) + TINY);
        for (int i = 0; i < point.length; i++) {
            point[i] = inRange(clean[i] + perturbation[i] * factor);
        }
    }

    private record Window(int top, int left, int side) {

        boolean contains(int row, int column) {
            return row >= top && row < top + side && column >= left && column < left + side;
        }
    }
}
