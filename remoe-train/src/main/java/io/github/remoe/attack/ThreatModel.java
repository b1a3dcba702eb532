package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

/**
 * What an attacker may do to an image: move it by at most epsilon in a norm, within the range of
 * pixel values.
 *
 * @param norm the norm of the perturbation
 * @param epsilon its largest size, in pixel values; finite and at least 0
 * @param pixelMin the smallest pixel value, 0 for images in [0,1]
 * @param pixelMax the largest pixel value, 1 for images in [0,1]
 */
public record ThreatModel(Norm norm, float epsilon, float pixelMin, float pixelMax) {

    /**
     * How far a perturbed image may lie outside the ball, relative to the pixel range or, if that is
     * larger, to epsilon: a few roundings of float32.
     */
    public static final float TOLERANCE = 1e-6f;

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if the range is empty, or epsilon is not finite, is negative
     *     or, in l-infinity, wider than the range
     */
    public ThreatModel {
        if (!(Float.isFinite(pixelMin) && Float.isFinite(pixelMax) && pixelMin < pixelMax)) {
            throw new IllegalArgumentException(String.format(
                    "The pixel range goes from a smaller to a larger finite number, got %s to %s.",
                    pixelMin, pixelMax));
        }
        if (!(epsilon >= 0 && Float.isFinite(epsilon))) {
            throw new IllegalArgumentException(String.format(
                    "epsilon must be a finite number of 0 or more, got %s. For 8 of 255 levels"
                            + " write 8/255f.",
                    epsilon));
        }
        if (norm == Norm.LINF && epsilon > pixelMax - pixelMin) {
            throw new IllegalArgumentException(String.format(
                    "epsilon is in pixel values, which go from %s to %s here, so in linf it is at"
                            + " most %s; got %s. For 8 of 255 levels write 8/255f.",
                    pixelMin, pixelMax, pixelMax - pixelMin, epsilon));
        }
    }

    /**
     * An l-infinity ball for images in [0,1].
     *
     * @param epsilon the radius, 0 to 1
     * @return the threat model
     */
    public static ThreatModel linf(float epsilon) {
        return new ThreatModel(Norm.LINF, epsilon, 0, 1);
    }

    /**
     * An l2 ball for images in [0,1].
     *
     * @param epsilon the radius, 0 or more
     * @return the threat model
     */
    public static ThreatModel l2(float epsilon) {
        return new ThreatModel(Norm.L2, epsilon, 0, 1);
    }

    /**
     * The same threat with another radius.
     *
     * @param radius the new epsilon
     * @return the threat model
     */
    public ThreatModel withEpsilon(float radius) {
        return new ThreatModel(norm, radius, pixelMin, pixelMax);
    }

    /**
     * Writes the radius as papers do.
     *
     * @return in l-infinity and a pixel range of [0,1] a fraction of 255 if it is one, such as {@code
     *     8/255}; otherwise a decimal number
     */
    public String epsilonText() {
        int levels = Math.round(255 * epsilon);
        boolean whole = norm == Norm.LINF
                && pixelMin == 0
                && pixelMax == 1
                && levels > 0
                && epsilon == levels / 255f;
        return whole ? levels + "/255" : Float.toString(epsilon);
    }

    /**
     * Returns the size of each image's perturbation.
     *
     * @param adversarial (B,C,h,w)
     * @param images the clean images (B,C,h,w)
     * @return the sizes in this norm (B)
     */
    public NDArray distance(NDArray adversarial, NDArray images) {
        return norm.of(adversarial.sub(images));
    }

    /**
     * Moves images to the nearest point of the ball, and from there to the nearest in the pixel
     * range (which is still in the ball).
     *
     * @param adversarial (B,C,h,w)
     * @param images the clean images (B,C,h,w), the balls' centres
     * @return the moved images (B,C,h,w)
     */
    public NDArray project(NDArray adversarial, NDArray images) {
        NDArray perturbation = adversarial.sub(images);
        NDArray within = switch (norm) {
            case LINF -> perturbation.clip(-epsilon, epsilon);
            case L2 -> {
                // Exactly 1 within the ball, whose points so stay as they are; never 0 / 0.
                NDArray length = norm.perPixel(perturbation).maximum(Math.max(epsilon, 1e-12f));
                yield perturbation.muli(NDArrays.div(epsilon, length));
            }
        };
        return clip(within.addi(images));
    }

    /**
     * Returns the direction of length 1 in which a loss grows fastest: the gradient's sign, or the
     * gradient over its l2 norm.
     *
     * @param gradient the loss's gradient with respect to the images (B,C,h,w)
     * @return the directions (B,C,h,w); 0 where the gradient is 0
     */
    NDArray steepestAscent(NDArray gradient) {
        return switch (norm) {
            case LINF -> gradient.sign();
            case L2 -> {
                // The squares of small gradients would be 0, so first the largest entry becomes 1.
                NDArray largest = Norm.LINF.perPixel(gradient).maximum(Float.MIN_NORMAL);
                NDArray scaled = gradient.div(largest);
                yield scaled.divi(norm.perPixel(scaled).maximum(1));
            }
        };
    }

    /**
     * Checks what an attack is given.
     *
     * @param images (B,C,h,w)
     * @param labels (B)
     * @param seeds B seeds
     * @throws IllegalArgumentException if the shapes do not fit, or a pixel value is NaN or out of
     *     the range
     */
    void check(NDArray images, NDArray labels, long[] seeds) {
        check(images, labels, seeds, 1);
    }

    /**
     * Checks what a training attack is given, whose labels may be soft.
     *
     * @param images (B,C,h,w)
     * @param labels (B), or soft labels (B,K) of K classes
     * @param seeds B seeds
     * @throws IllegalArgumentException as of {@link #check}
     */
    void checkTraining(NDArray images, NDArray labels, long[] seeds) {
        check(images, labels, seeds, 2);
    }

    private void check(NDArray images, NDArray labels, long[] seeds, int mostLabelAxes) {
        Shape shape = images.getShape();
        if (shape.dimension() != 4 || shape.size() == 0) {
            throw new IllegalArgumentException(
                    "Attacks take images (B, C, h, w) with at least one image, got " + shape + ".");
        }
        int axes = labels.getShape().dimension();
        boolean perImage =
                axes >= 1 && axes <= mostLabelAxes && labels.getShape().get(0) == shape.get(0);
        if (!perImage || seeds.length != shape.get(0)) {
            throw new IllegalArgumentException(String.format(
                    "Attacks take one label and one seed an image, got labels %s and %d seeds for"
                            + " images %s.",
                    labels.getShape(), seeds.length, shape));
        }
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray single = images.toType(DataType.FLOAT32, false);
            float smallest = single.min().getFloat();
            float largest = single.max().getFloat();
            // Both are NaN if any pixel is, and then this is true too.
            if (!(smallest >= pixelMin && largest <= pixelMax)) {
                throw new IllegalArgumentException(String.format(
                        "Pixel values must lie in [%s, %s], got %s to %s. Scale the images, or set"
                                + " the pixel range of the threat model; normalisation belongs into"
                                + " the model.",
                        pixelMin, pixelMax, smallest, largest));
            }
        }
    }

    /**
     * Clips images to the pixel range.
     *
     * @param images (B,C,h,w)
     * @return the clipped images
     */
    public NDArray clip(NDArray images) {
        return images.clip(pixelMin, pixelMax);
    }
}
