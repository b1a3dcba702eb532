package io.github.remoe.data;

import ai.djl.ndarray.types.Shape;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Drawn 32 x 32 images of ten patterns, for trying things out without any download.
 *
 * <p>The class of an image is the kind of its pattern: four directions of stripes, a checkerboard,
 * a disc, a ring, a cross, a square frame, a triangle. Place, scale, phase, a slight rotation, both
 * colours, contrast and noise are random. The mean colour of an image is drawn before its pattern
 * and without regard to it, so it says nothing about the class. In every colour channel pattern and
 * background differ by at least {@value #MIN_CONTRAST} of the range, several times the 16/255 by
 * which an attacker with eps 8/255 can bring them together.
 *
 * <p>The image at an index depends on the seed, the usage and the index alone, and its label is the
 * index modulo 10, so the classes are balanced. The images of different usages are different draws.
 */
public final class SyntheticDataset extends PixelDataset {

    private static final int SIDE = 32;
    private static final Shape SHAPE = new Shape(3, SIDE, SIDE);
    private static final double MIN_CONTRAST = 0.3;
    private static final double MAX_CONTRAST = 0.48;
    private static final double NOISE = 0.02;

    private static final List<String> CLASSES = List.of(
            "horizontal_stripes",
            "vertical_stripes",
            "diagonal_stripes",
            "checkerboard",
            "dots",
            "disc",
            "ring",
            "cross",
            "frame",
            "triangle");

    private final byte[][] images;

    private SyntheticDataset(Builder builder) {
        super(builder);
        images = IntStream.range(0, builder.size)
                .parallel()
                .mapToObj(i -> draw(i % 10, Seeds.random(builder.seed, builder.usage.ordinal(), i)))
                .toArray(byte[][]::new);
    }

    /**
     * Creates a builder.
     *
     * @return a new builder; it needs a sampler
     */
    public static Builder builder() {
        return new Builder();
    }

    private static byte[] draw(int label, SplittableRandom random) {
        // The mean and the difference of the two colours come first and the colours follow from the
        // covered area, so that a large pattern does not give its class away by its colour.
        double[] mean = new double[3];
        double[] difference = new double[3];
        double sign = random.nextBoolean() ? 1 : -1;
        int odd = random.nextInt(6); // half of the images have one channel the other way round
        for (int c = 0; c < 3; c++) {
            mean[c] = random.nextDouble(0.45, 0.55);
            difference[c] =
                    random.nextDouble(MIN_CONTRAST, MAX_CONTRAST) * (c == odd ? -sign : sign);
        }
        double[] mask = mask(label, random);
        double area = 0;
        for (double m : mask) {
            area += m / mask.length;
        }
        byte[] pixels = new byte[3 * mask.length];
        for (int i = 0; i < pixels.length; i++) {
            int c = i / mask.length;
            double noise = NOISE * random.nextGaussian();
            double value = mean[c] + (mask[i % mask.length] - area) * difference[c] + noise;
            pixels[i] = (byte) Math.round(255 * Math.max(0, Math.min(1, value)));
        }
        return pixels;
    }

    /** How far each pixel is covered by the pattern, in [0, 1]. */
    private static double[] mask(int label, SplittableRandom random) {
        double x0 = random.nextDouble(13, 19);
        double y0 = random.nextDouble(13, 19);
        double angle = Math.toRadians(random.nextDouble(-5, 5));
        double size = random.nextDouble(8, 12);
        double stroke = random.nextDouble(1.5, 2.5);
        double period = random.nextDouble(6, 11);
        double cos = Math.cos(angle);
        double sin = Math.sin(angle);
        double mirror = random.nextBoolean() ? 1 : -1; // gives the diagonals both directions
        double[] mask = new double[SIDE * SIDE];
        for (int i = 0; i < mask.length; i++) {
            double dx = mirror * (i % SIDE + 0.5 - x0);
            double dy = i / SIDE + 0.5 - y0;
            double distance =
                    distance(label, dx * cos - dy * sin, dx * sin + dy * cos, size, stroke, period);
            mask[i] = Math.max(0, Math.min(1, 0.5 - distance)); // one pixel of soft edge
        }
        return mask;
    }

    /** The distance to the edge of the pattern in pixels, negative inside. */
    private static double distance(
            int label, double x, double y, double size, double stroke, double period) {
        double square = Math.max(Math.abs(x), Math.abs(y));
        return switch (label) {
            case 0 -> stripes(y, period);
            case 1 -> stripes(x, period);
            case 2 -> stripes((x + y) * Math.sqrt(0.5), period);
            case 3 -> checkers(stripes(x, 1.4 * period), stripes(y, 1.4 * period));
            case 4 -> dots(x, y, 1.2 * period);
            case 5 -> Math.hypot(x, y) - size;
            case 6 -> Math.abs(Math.hypot(x, y) - size) - stroke;
            case 7 -> Math.max(square - size, Math.min(Math.abs(x), Math.abs(y)) - stroke);
            case 8 -> Math.abs(square - 0.9 * size) - stroke;
            default -> Math.max(y - size / 2, Math.abs(x) * Math.sqrt(0.75) - y / 2 - size / 2);
        };
    }

    private static double stripes(double x, double period) {
        double phase = x / period - Math.floor(x / period);
        return (Math.abs(phase - 0.5) - 0.25) * period;
    }

    /** Inside where both agree: the fields of one colour. */
    private static double checkers(double a, double b) {
        double nearest = Math.min(Math.abs(a), Math.abs(b));
        return a < 0 == b < 0 ? -nearest : nearest;
    }

    private static double dots(double x, double y, double period) {
        double dx = x - period * Math.round(x / period);
        double dy = y - period * Math.round(y / period);
        return Math.hypot(dx, dy) - 0.3 * period;
    }

    /** {@inheritDoc} */
    @Override
    public String getName() {
        return Datasets.SYNTHETIC;
    }

    /** {@inheritDoc} */
    @Override
    public List<String> getClasses() {
        return CLASSES;
    }

    /**
     * {@inheritDoc}
     *
     * @return (3, 32, 32)
     */
    @Override
    public Shape getImageShape() {
        return SHAPE;
    }

    /** {@inheritDoc} */
    @Override
    protected long availableSize() {
        return images.length;
    }

    /** {@inheritDoc} */
    @Override
    protected void readPixels(long index, byte[] pixels) {
        System.arraycopy(images[Math.toIntExact(index)], 0, pixels, 0, pixels.length);
    }

    /** {@inheritDoc} */
    @Override
    protected int label(long index) {
        return (int) (index % 10);
    }

    /** The builder of {@link SyntheticDataset}. */
    public static final class Builder extends BaseBuilder<Builder> {

        private Usage usage = Usage.TRAIN;
        private int size = 5000;
        private long seed;

        Builder() {}

        /** {@inheritDoc} */
        @Override
        protected Builder self() {
            return this;
        }

        /**
         * Sets which draw to make.
         *
         * @param usage any; {@code TRAIN} unless set
         * @return this builder
         */
        public Builder optUsage(Usage usage) {
            this.usage = usage;
            return this;
        }

        /**
         * Sets the number of images.
         *
         * @param size 1 or more; 5000 unless set
         * @return this builder
         */
        public Builder optSize(int size) {
            if (size < 1) {
                throw new IllegalArgumentException("size must be 1 or more, was " + size);
            }
            this.size = size;
            return this;
        }

        /**
         * Sets the seed.
         *
         * @param seed any number; 0 unless set
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Draws the images.
         *
         * @return the dataset
         */
        @Override
        public SyntheticDataset build() {
            return new SyntheticDataset(this);
        }
    }
}
