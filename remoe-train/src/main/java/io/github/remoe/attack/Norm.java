package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;

import java.util.Locale;

/** The norm that measures a perturbation of an image. */
public enum Norm {

    /** The largest change of a pixel value. */
    LINF {
        @Override
        NDArray of(NDArray perturbations) {
            return flat(perturbations).abs().max(new int[] {1});
        }
    },

    /** The Euclidean length over all pixel values of an image. */
    L2 {
        @Override
        NDArray of(NDArray perturbations) {
            // Rows first: where an image is alone in its batch, threads share one long sum, and it
            // rounds otherwise than in a larger batch.
            NDArray rows = perturbations.square().sum(new int[] {3});
            return flat(rows).sum(new int[] {1}).sqrt();
        }
    };

    /**
     * Returns the norm of each image's perturbation.
     *
     * @param perturbations (B,C,h,w)
     * @return the norms (B)
     */
    abstract NDArray of(NDArray perturbations);

    /**
     * Returns the norm of each image's perturbation, to multiply or divide images by.
     *
     * @param perturbations (B,C,h,w)
     * @return the norms (B,1,1,1)
     */
    NDArray perPixel(NDArray perturbations) {
        return of(perturbations).reshape(-1, 1, 1, 1);
    }

    /** Returns the name that command lines and results use: {@code linf} or {@code l2}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static NDArray flat(NDArray perturbations) {
        return perturbations.reshape(perturbations.getShape().get(0), -1);
    }
}
