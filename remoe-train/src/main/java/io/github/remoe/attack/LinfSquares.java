package io.github.remoe.attack;

import ai.djl.ndarray.types.Shape;

import java.util.SplittableRandom;

/**
 * Square Attack's changes in l-infinity (Andriushchenko et al. 2020, algorithm 2): vertical stripes of
 * {@code +-epsilon} to start with, then squares that move by {@code +-2 epsilon}, so that within the
 * ball they become {@code +-epsilon}. Each channel has a sign of its own.
 */
final class LinfSquares extends SquareMoves {

    LinfSquares(ThreatModel threat, Shape image) {
        super(threat, image);
    }

    @Override
    void start(float[] clean, float[] point, SplittableRandom random) {
        for (int channel = 0; channel < channels; channel++) {
            for (int column = 0; column < width; column++) {
                float stripe = sign(random) * epsilon;
                for (int row = 0; row < height; row++) {
                    int i = index(channel, row, column);
                    point[i] = inRange(clean[i] + stripe);
                }
            }
        }
    }

    @Override
    void move(float[] clean, float[] point, int side, SplittableRandom random) {
        int top = corner(height, side, random);
        int left = corner(width, side, random);
        for (int channel = 0; channel < channels; channel++) {
            float change = sign(random) * 2 * epsilon;
            for (int row = top; row < top + side; row++) {
                for (int column = left; column < left + side; column++) {
                    int i = index(channel, row, column);
                    float inBall = Math.min(
                            Math.max(point[i] + change, clean[i] - epsilon), clean[i] + epsilon);
                    point[i] = inRange(inBall);
                }
            }
        }
    }

    @Override
    int side(double fraction) {
        return Math.min(Math.max(roundedSide(fraction), 1), Math.min(height, width));
    }
}
