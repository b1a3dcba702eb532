package io.github.remoe.data;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The usual augmentation of small images: pad with zeros, crop back to the old size at a random
 * place, and mirror half of the images.
 *
 * <p>Same distribution as torchvision's {@code RandomCrop(size, padding=4)} followed by {@code
 * RandomHorizontalFlip(0.5)}. The change of an image depends on the seed, the epoch and the index
 * of the image alone.
 */
public final class RandomCropFlip implements Augmentation {

    private final int padding;
    private final double flipProbability;
    private final long seed;

    private RandomCropFlip(Builder builder) {
        padding = builder.padding;
        flipProbability = builder.flipProbability;
        seed = builder.seed;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder: padding 4, flip probability 0.5, seed 0
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public void apply(byte[] source, byte[] target, int height, int width, long epoch, long index) {
        SplittableRandom random = Seeds.random(seed, epoch, index);
        int down = random.nextInt(2 * padding + 1) - padding;
        int right = random.nextInt(2 * padding + 1) - padding;
        boolean flip = random.nextDouble() < flipProbability;
        cropFlip(source, target, height, width, down, right, flip);
    }

    /**
     * Crops a window that lies {@code down} rows below and {@code right} columns right of the image
     * (zeros where it leaves the image), then mirrors it.
     */
    static void cropFlip(
            byte[] source,
            byte[] target,
            int height,
            int width,
            int down,
            int right,
            boolean flip) {
        Arrays.fill(target, (byte) 0);
        int rows = height - Math.abs(down);
        int columns = width - Math.abs(right);
        if (rows <= 0 || columns <= 0) {
            return; // the window misses the image altogether
        }
        int toColumn = Math.max(0, -right);
        for (int row = 0; row < 3 * rows; row++) {
            int plane = row / rows * height * width;
            int y = row % rows;
            int from = plane + (y + Math.max(0, down)) * width + Math.max(0, right);
            int toRow = plane + (y + Math.max(0, -down)) * width;
            if (flip) {
                int last = toRow + width - 1 - toColumn;
                for (int x = 0; x < columns; x++) {
                    target[last - x] = source[from + x];
                }
            } else {
                System.arraycopy(source, from, target, toRow + toColumn, columns);
            }
        }
    }

    /** The builder of {@link RandomCropFlip}. */
    public static final class Builder {

        private int padding = 4;
        private double flipProbability = 0.5;
        private long seed;

        Builder() {}

        /**
         * Sets how many black pixels are put on each side before the crop.
         *
         * @param padding pixels, 0 or more; 0 switches the crop off
         * @return this builder
         */
        public Builder optPadding(int padding) {
            if (padding < 0) {
                throw new IllegalArgumentException("padding must be 0 or more, was " + padding);
            }
            this.padding = padding;
            return this;
        }

        /**
         * Sets the probability of a mirror image.
         *
         * @param flipProbability a number in [0, 1]
         * @return this builder
         */
        public Builder optFlipProbability(double flipProbability) {
            if (!(flipProbability >= 0 && flipProbability <= 1)) {
                throw new IllegalArgumentException(
                        "flipProbability must be in [0, 1], was " + flipProbability);
            }
            this.flipProbability = flipProbability;
            return this;
        }

        /**
         * Sets the seed.
         *
         * @param seed any number
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Builds the augmentation.
         *
         * @return the augmentation
         */
        public RandomCropFlip build() {
            return new RandomCropFlip(this);
        }
    }
}
