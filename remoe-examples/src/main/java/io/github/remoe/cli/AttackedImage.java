package io.github.remoe.cli;

import ai.djl.ndarray.NDArray;

import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.Prediction;
import io.github.remoe.figure.Prediction.Verdict;

import java.util.Locale;

/**
 * What became of one image under attack.
 *
 * @param name what the image is called, such as its file
 * @param label the true class, or what stands for it
 * @param labelName its name
 * @param labelled whether it is the true class, and not what the model takes the clean image for
 * @param before what the model takes the clean image for
 * @param after what it takes the adversarial image for
 * @param stored what it takes the adversarial image for once that is rounded to 8 bits
 * @param linf the largest change of a pixel value, in [0,1]
 * @param l2 the Euclidean length of the perturbation
 */
record AttackedImage(
        String name,
        int label,
        String labelName,
        boolean labelled,
        Answer before,
        Answer after,
        Answer stored,
        float linf,
        float l2) {

    /**
     * A class and how sure the model is of it.
     *
     * @param label the class with the highest probability
     * @param labelName its name
     * @param probability its probability, 0 to 1
     */
    record Answer(int label, String labelName, float probability) {

        /** The answer to be drawn, with a verdict. */
        Prediction judged(Verdict verdict) {
            return new Prediction(labelName, probability, verdict);
        }

        /** Returns class and percentage, such as {@code tench 93 %}. */
        @Override
        public String toString() {
            return String.format(Locale.ROOT, "%s %.0f %%", labelName, 100 * probability);
        }
    }

    /** The image's row of a sheet. */
    AttackSheet.Row row(NDArray clean, NDArray adversarial) {
        boolean right = after.label() == label;
        return AttackSheet.Row.of(
                name,
                labelled ? labelName : null,
                before.judged(labelled ? Verdict.of(rightBefore()) : Verdict.OPEN),
                after.judged(labelled ? Verdict.of(right) : Verdict.ofChange(!right)),
                clean,
                adversarial);
    }

    /** Whether the clean image is classified rightly; if not, there was nothing to attack. */
    boolean rightBefore() {
        return before.label() == label;
    }

    /** Whether the attack has changed a right answer into a wrong one. */
    boolean fooled() {
        return rightBefore() && after.label() != label;
    }

    /** Whether the picture rounded to 8 bits still does what {@link #fooled} tells. */
    boolean fooledWhenStored() {
        return rightBefore() && stored.label() != label;
    }
}
