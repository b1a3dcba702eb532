package io.github.remoe.report;

import java.util.Locale;

/**
 * What became of one image under attack.
 *
 * @param name what the image is called, such as its file
 * @param label the true class, or what stands for it
 * @param labelName its name
 * @param before what the model takes the clean image for
 * @param after what it takes the adversarial image for
 * @param stored what it takes the adversarial image for once that is rounded to 8 bits
 * @param linf the largest change of a pixel value, in [0,1]
 * @param l2 the Euclidean length of the perturbation
 */
public record AttackedImage(
        String name,
        int label,
        String labelName,
        Prediction before,
        Prediction after,
        Prediction stored,
        float linf,
        float l2) {

    /**
     * A class and how sure the model is of it.
     *
     * @param label the class with the highest probability
     * @param labelName its name
     * @param probability its probability, 0 to 1
     */
    public record Prediction(int label, String labelName, float probability) {

        /** Returns class and percentage, such as {@code tench 93 %}. */
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s %.0f %%", labelName, 100 * probability);
        }
    }

    /**
     * Tells whether the clean image is classified rightly; if not, there was nothing to attack.
     *
     * @return whether the model gives the label
     */
    public boolean rightBefore() {
        return before.label() == label;
    }

    /**
     * Tells whether the attack has changed a right answer into a wrong one.
     *
     * @return whether the model was right and is wrong
     */
    public boolean fooled() {
        return rightBefore() && after.label() != label;
    }

    /**
     * Tells whether the picture rounded to 8 bits still does what {@link #fooled} tells.
     *
     * @return whether the model was right and is wrong about the rounded picture
     */
    public boolean fooledWhenStored() {
        return rightBefore() && stored.label() != label;
    }
}
