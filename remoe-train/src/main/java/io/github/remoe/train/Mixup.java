package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.loss.SoftLabels;

import org.apache.commons.rng.sampling.distribution.ChengBetaSampler;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) of a whole batch, as timm's {@code Mixup} in
 * mode "batch" does them: image i is mixed with image B - 1 - i, all of a batch with the same share.
 *
 * <p>Mixup takes lambda of the one and 1 - lambda of the other, lambda from Beta(alpha, alpha); CutMix
 * puts a box of the other into the one, whose area is 1 - lambda of the image as long as the border
 * does not cut it. Labels become soft, each with the share that its image has. Where both are on, a
 * batch gets either with the same probability.
 *
 * @param mixupAlpha alpha of mixup, 0 or more; 0 switches it off
 * @param cutmixAlpha alpha of CutMix, 0 or more; 0 switches it off
 * @param classes the number of classes
 * @param smoothing the label smoothing, as of {@link SoftLabels#smoothed}
 */
public record Mixup(float mixupAlpha, float cutmixAlpha, int classes, float smoothing) {

    private static final double CUTMIX_PROBABILITY = 0.5;

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range, or both are off
     */
    public Mixup {
        checkAlpha("mixup", mixupAlpha);
        checkAlpha("CutMix", cutmixAlpha);
        if (mixupAlpha == 0 && cutmixAlpha == 0) {
            throw new IllegalArgumentException(
                    "Both mixup and CutMix are off: set the alpha of one.");
        }
        if (classes < 1) {
            throw new IllegalArgumentException(
                    "Labels are of at least 1 class, got " + classes + ".");
        }
        SoftLabels.checkSmoothing(smoothing);
    }

    private static void checkAlpha(String what, float alpha) {
        if (!(alpha >= 0 && Float.isFinite(alpha))) {
            throw new IllegalArgumentException(String.format(
                    "The alpha of %s must be finite and 0 or more, got %s.", what, alpha));
        }
    }

    /**
     * Mixes a batch.
     *
     * @param images (B,C,h,w), left as they are
     * @param labels their classes (B)
     * @param seed what lambda and box come from, such as {@code Seeds.of("mixup", seed, step)}
     * @return the mixed images and their labels
     * @throws IllegalArgumentException if a label is out of range
     */
    public Mixed apply(NDArray images, NDArray labels, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        boolean cutmix =
                mixupAlpha == 0 || cutmixAlpha > 0 && random.nextDouble() < CUTMIX_PROBABILITY;
        double alpha = cutmix ? cutmixAlpha : mixupAlpha;
        double lambda = ChengBetaSampler.of(random::nextLong, alpha, alpha).sample();
        if (!cutmix) {
            return mixup(images, labels, lambda);
        }
        int height = Math.toIntExact(images.getShape().get(2));
        int width = Math.toIntExact(images.getShape().get(3));
        int row = random.nextInt(height);
        int column = random.nextInt(width);
        return cutmix(images, labels, Box.around(row, column, lambda, height, width));
    }

    Mixed mixup(NDArray images, NDArray labels, double lambda) {
        return new Mixed(mix(images, lambda), softLabels(labels, lambda));
    }

    Mixed cutmix(NDArray images, NDArray labels, Box box) {
        NDArray outside = box.outside(images.getManager()).toType(images.getDataType(), false);
        NDArray inside = outside.neg().addi(1);
        NDArray mixed = images.mul(outside).addi(images.flip(0).muli(inside));
        return new Mixed(mixed, softLabels(labels, 1 - box.share()));
    }

    private NDArray softLabels(NDArray labels, double lambda) {
        return mix(SoftLabels.smoothed(labels, classes, smoothing), lambda);
    }

    /** In this form rounding never leaves the range of the two numbers' own, such as 0 to 1. */
    private static NDArray mix(NDArray rows, double lambda) {
        NDArray others = rows.flip(0);
        return rows.sub(others).muli((float) lambda).addi(others);
    }

    /**
     * A mixed batch.
     *
     * @param images (B,C,h,w)
     * @param labels soft labels (B,K) of K classes, each row adding up to 1
     */
    public record Mixed(NDArray images, NDArray labels) {}

    /**
     * The pixels that CutMix takes from the other image.
     *
     * @param top the first row
     * @param bottom the row after the last
     * @param left the first column
     * @param right the column after the last
     * @param height the rows of an image
     * @param width the columns of an image
     */
    record Box(int top, int bottom, int left, int right, int height, int width) {

        /** The box with 1 - lambda of the area around a pixel, cut by the image's border. */
        static Box around(int row, int column, double lambda, int height, int width) {
            double side = Math.sqrt(1 - lambda);
            int rows = (int) (height * side);
            int columns = (int) (width * side);
            return new Box(
                    Math.max(0, row - rows / 2),
                    Math.min(height, row + (rows + 1) / 2),
                    Math.max(0, column - columns / 2),
                    Math.min(width, column + (columns + 1) / 2),
                    height,
                    width);
        }

        /** Its share of the image's area. */
        double share() {
            return (double) (bottom - top) * (right - left) / ((double) height * width);
        }

        /** 0 within the box and 1 outside (1,1,h,w). */
        NDArray outside(NDManager manager) {
            float[] mask = new float[height * width];
            Arrays.fill(mask, 1);
            for (int row = top; row < bottom; row++) {
                Arrays.fill(mask, row * width + left, row * width + right, 0);
            }
            return manager.create(mask, new Shape(1, 1, height, width));
        }
    }
}
