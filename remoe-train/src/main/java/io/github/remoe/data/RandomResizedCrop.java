package io.github.remoe.data;

import java.util.Optional;
import java.util.SplittableRandom;

/**
 * The usual augmentation of large images: a part of random size, shape and place is brought to the
 * wanted size, and half of the images are mirrored.
 *
 * <p>Same distribution as torchvision's {@code RandomResizedCrop(size, scale, ratio)} followed by
 * {@code RandomHorizontalFlip(0.5)}. The part is cut from the image as its file holds it, and resized
 * as by {@link ImageFolderDataset}, bicubic with antialiasing. The change of an image depends on the
 * seed, the epoch and the index of the image alone.
 */
public final class RandomResizedCrop implements Augmentation {

    private static final int TRIES = 10;

    private final double minScale;
    private final double maxScale;
    private final double minRatio;
    private final double maxRatio;
    private final double flipProbability;
    private final long seed;

    private RandomResizedCrop(Builder builder) {
        minScale = builder.minScale;
        maxScale = builder.maxScale;
        minRatio = builder.minRatio;
        maxRatio = builder.maxRatio;
        flipProbability = builder.flipProbability;
        seed = builder.seed;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder: scale 0.08 to 1, ratio 3/4 to 4/3, flip probability 0.5, seed 0
     */
    public static Builder builder() {
        return new Builder();
    }

    /** {@inheritDoc} */
    @Override
    public Optional<CropBox> crop(int height, int width, long epoch, long index) {
        SplittableRandom random = new SplittableRandom(Seeds.of("crop", seed, epoch, index));
        for (int i = 0; i < TRIES; i++) {
            double area = height * (double) width * between(minScale, maxScale, random);
            double ratio = Math.exp(between(Math.log(minRatio), Math.log(maxRatio), random));
            int columns = (int) Math.rint(Math.sqrt(area * ratio));
            int rows = (int) Math.rint(Math.sqrt(area / ratio));
            if (0 < columns && columns <= width && 0 < rows && rows <= height) {
                int top = random.nextInt(height - rows + 1);
                int left = random.nextInt(width - columns + 1);
                return Optional.of(new CropBox(top, left, rows, columns));
            }
        }
        return Optional.of(centre(height, width));
    }

    /** What is taken of an image that is much longer than wide. */
    private CropBox centre(int height, int width) {
        int columns = Math.min(width, Math.max(1, (int) Math.rint(height * maxRatio)));
        int rows = Math.min(height, Math.max(1, (int) Math.rint(width / minRatio)));
        return new CropBox((height - rows) / 2, (width - columns) / 2, rows, columns);
    }

    private static double between(double low, double high, SplittableRandom random) {
        return low + (high - low) * random.nextDouble();
    }

    /** {@inheritDoc} */
    @Override
    public void apply(byte[] source, byte[] target, int height, int width, long epoch, long index) {
        SplittableRandom random = new SplittableRandom(Seeds.of("flip", seed, epoch, index));
        boolean flip = random.nextDouble() < flipProbability;
        RandomCropFlip.cropFlip(source, target, height, width, 0, 0, flip);
    }

    /** The builder of {@link RandomResizedCrop}. */
    public static final class Builder {

        private double minScale = 0.08;
        private double maxScale = 1;
        private double minRatio = 3 / 4.0;
        private double maxRatio = 4 / 3.0;
        private double flipProbability = 0.5;
        private long seed;

        Builder() {}

        /**
         * Sets how much of an image is kept.
         *
         * @param min the least share of its area, above 0; adversarial training often takes 0.25, for
         *     less of an object is hard to learn under attack
         * @param max the largest share, at most 1
         * @return this builder
         * @throws IllegalArgumentException if a number is out of range
         */
        public Builder optScale(double min, double max) {
            if (!(0 < min && min <= max && max <= 1)) {
                throw new IllegalArgumentException(
                        "scale needs 0 < min <= max <= 1, was " + min + " to " + max);
            }
            minScale = min;
            maxScale = max;
            return this;
        }

        /**
         * Sets the shape of the part.
         *
         * @param min the least width / height, above 0
         * @param max the largest width / height
         * @return this builder
         * @throws IllegalArgumentException if a number is out of range
         */
        public Builder optRatio(double min, double max) {
            if (!(0 < min && min <= max && max < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "ratio needs 0 < min <= max, was " + min + " to " + max);
            }
            minRatio = min;
            maxRatio = max;
            return this;
        }

        /**
         * Sets the probability of a mirror image.
         *
         * @param flipProbability a number in [0, 1]
         * @return this builder
         * @throws IllegalArgumentException if it is none
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
        public RandomResizedCrop build() {
            return new RandomResizedCrop(this);
        }
    }
}
