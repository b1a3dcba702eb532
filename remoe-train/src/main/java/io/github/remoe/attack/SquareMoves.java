package io.github.remoe.attack;

import ai.djl.ndarray.types.Shape;

import java.util.SplittableRandom;

/**
 * The random changes that {@link Square} tries on an image in one norm. Images are their pixel values
 * in the order (C,h,w). Several threads may use one object.
 */
abstract class SquareMoves {

    final float epsilon;
    final int channels;
    final int height;
    final int width;
    private final ThreatModel threat;

    SquareMoves(ThreatModel threat, Shape image) {
        this.threat = threat;
        epsilon = threat.epsilon();
        channels = Math.toIntExact(image.get(0));
        height = Math.toIntExact(image.get(1));
        width = Math.toIntExact(image.get(2));
    }

    static SquareMoves of(ThreatModel threat, Shape image) {
        return switch (threat.norm()) {
            case LINF -> new LinfSquares(threat, image);
            case L2 -> new L2Squares(threat, image);
        };
    }

    /**
     * Writes the point where a run starts.
     *
     * @param clean the clean image
     * @param point where to write it
     * @param random the image's random numbers
     */
    abstract void start(float[] clean, float[] point, SplittableRandom random);

    /**
     * Changes a point within the threat model.
     *
     * @param clean the clean image
     * @param point the point so far, to be changed in place
     * @param side the side of the window
     * @param random the image's random numbers
     */
    abstract void move(float[] clean, float[] point, int side, SplittableRandom random);

    /**
     * Returns the side of a window.
     *
     * @param fraction the share of the image that it covers
     * @return the side in pixels, at most the image's shorter one
     */
    abstract int side(double fraction);

    /** The side of a square that covers a share of the image, rounded half to even. */
    final int roundedSide(double fraction) {
        return (int) Math.rint(Math.sqrt(fraction * height * width));
    }

    /** Draws a window's first row or column: of several, the last possible one is left out. */
    static int corner(int length, int side, SplittableRandom random) {
        return random.nextInt(Math.max(1, length - side));
    }

    static int sign(SplittableRandom random) {
        return random.nextBoolean() ? 1 : -1;
    }

    final int index(int channel, int row, int column) {
        return (channel * height + row) * width + column;
    }

    final float inRange(double pixel) {
        return (float) Math.min(Math.max(pixel, threat.pixelMin()), threat.pixelMax());
    }
}
