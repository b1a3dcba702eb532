package io.github.remoe.evaluate;

import java.util.Collections;
import java.util.List;

/**
 * How a model classifies one image, as it is and under every attack.
 *
 * <p>An image that is wrong already counts as broken by every attack and has its clean prediction
 * under all of them. An image that an attack has broken at one epsilon has the same prediction under
 * this attack at every larger one: the adversarial image lies in the larger ball too.
 *
 * @param index the image's index in the whole dataset
 * @param label its true class
 * @param cleanPrediction the class that the model takes it for
 * @param predictions the same for the adversarial images, by attack and then by epsilon; {@value
 *     #NOT_ATTACKED} where another attack had broken the image before and only the worst case is
 *     measured
 * @param brokenBy which of its members broke the image, by attack and then by epsilon, where the attack
 *     is an {@link io.github.remoe.attack.AutoAttack}; {@code ""} where it did not, and for all other
 *     attacks
 */
public record Verdict(
        long index,
        int label,
        int cleanPrediction,
        List<List<Integer>> predictions,
        List<List<String>> brokenBy) {

    /** Stands for the prediction under an attack that was not made on this image. */
    public static final int NOT_ATTACKED = -1;

    /** Copies the lists. */
    public Verdict {
        predictions = predictions.stream().map(List::copyOf).toList();
        brokenBy = brokenBy.stream().map(List::copyOf).toList();
    }

    /**
     * Creates a verdict under attacks that have no members.
     *
     * @param index the image's index in the whole dataset
     * @param label its true class
     * @param cleanPrediction the class that the model takes it for
     * @param predictions the same for the adversarial images, by attack and then by epsilon
     */
    public Verdict(long index, int label, int cleanPrediction, List<List<Integer>> predictions) {
        this(
                index,
                label,
                cleanPrediction,
                predictions,
                predictions.stream()
                        .map(row -> Collections.nCopies(row.size(), ""))
                        .toList());
    }

    /**
     * Tells whether the image is right as it is.
     *
     * @return true if it is
     */
    public boolean isCleanCorrect() {
        return cleanPrediction == label;
    }

    /**
     * Tells whether an attack has broken the image.
     *
     * @param attack the attack's position
     * @param epsilon the epsilon's position
     * @return true if the attack was made and the image is wrong under it
     */
    public boolean isBroken(int attack, int epsilon) {
        int prediction = predictions.get(attack).get(epsilon);
        return prediction != NOT_ATTACKED && prediction != label;
    }

    /**
     * Tells whether any attack has broken the image, or it is wrong as it is.
     *
     * @param epsilon the epsilon's position
     * @return true if it is wrong under one attack at least
     */
    public boolean isBrokenByAny(int epsilon) {
        return isBrokenUpTo(predictions.size() - 1, epsilon);
    }

    /**
     * Returns what the model takes the image for in the worst case.
     *
     * @param epsilon the epsilon's position
     * @return the prediction under the first attack that broke the image; its clean prediction if none
     *     did
     */
    public int worstPrediction(int epsilon) {
        for (int e = 0; e <= epsilon; e++) {
            for (int attack = 0; attack < predictions.size(); attack++) {
                if (isBroken(attack, e)) {
                    return predictions.get(attack).get(e);
                }
            }
        }
        return cleanPrediction;
    }

    /**
     * Tells whether the image is broken by the time that one attack after the other has been made,
     * this one included; smaller epsilons come before larger ones.
     *
     * @param attack the attack's position
     * @param epsilon the epsilon's position
     * @return true if it is
     */
    boolean isBrokenUpTo(int attack, int epsilon) {
        if (!isCleanCorrect() || epsilon > 0 && isBrokenByAny(epsilon - 1)) {
            return true;
        }
        for (int a = 0; a <= attack; a++) {
            if (isBroken(a, epsilon)) {
                return true;
            }
        }
        return false;
    }
}
