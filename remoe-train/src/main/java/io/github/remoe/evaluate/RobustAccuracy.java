package io.github.remoe.evaluate;

/**
 * Accuracy under one attack.
 *
 * @param attack the name of the attack, or {@value #CLEAN} for none
 * @param correct the images classified rightly, both as they are and attacked
 * @param total all images
 * @param accuracy correct / total
 */
public record RobustAccuracy(String attack, long correct, long total, double accuracy) {

    /** The name that stands for no attack. */
    public static final String CLEAN = "clean";

    /**
     * Creates an accuracy from counts.
     *
     * @param attack the name of the attack
     * @param correct the images classified rightly
     * @param total all images, at least 1
     */
    public RobustAccuracy(String attack, long correct, long total) {
        this(attack, correct, total, (double) correct / total);
    }
}
