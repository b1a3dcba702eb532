package io.github.remoe.report;

import ai.djl.ndarray.NDArray;

import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.Png;
import io.github.remoe.figure.Prediction;
import io.github.remoe.figure.Prediction.Verdict;
import io.github.remoe.figure.RegionPanel;
import io.github.remoe.inference.RegionRouting;

import java.util.ArrayList;
import java.util.List;

/**
 * What a network makes of an image, as it is and under attack.
 *
 * @param label the class that counts as right
 * @param labelled whether that is the true class, and not just what the network takes the clean image
 *     for
 * @param clean what the network makes of the image as it is
 * @param attacked what it makes of the adversarial image, or null if there is none
 */
public record InspectedImage(int label, boolean labelled, Answer clean, Answer attacked) {

    /**
     * What a network makes of one picture.
     *
     * @param prediction the class with the highest logit
     * @param confidence its probability, 0 to 1
     * @param labelConfidence the probability of the class that counts as right, 0 to 1
     * @param margin the logit of the class that counts as right minus the highest of the others:
     *     negative if the network is wrong, infinite if there is no other class
     * @param layers what each ReMoE layer did, from the first to the last; empty if there is none
     */
    public record Answer(
            int prediction,
            float confidence,
            float labelConfidence,
            float margin,
            List<RegionRouting> layers) {

        /** Copies the list. */
        public Answer {
            layers = List.copyOf(layers);
        }

        Prediction named(List<String> classNames, Verdict verdict) {
            return new Prediction(classNames.get(prediction), confidence, verdict);
        }
    }

    /**
     * Tells whether the network is right about the image as it is.
     *
     * @return true if it gives the label
     */
    public boolean rightBefore() {
        return clean.prediction() == label;
    }

    /**
     * Tells whether the attack has changed a right answer into a wrong one.
     *
     * @return true if the network was right and is wrong; false without an attack
     */
    public boolean fooled() {
        return rightBefore() && attacked != null && attacked.prediction() != label;
    }

    /**
     * Returns how far the attack turned the region weights W.
     *
     * @return for each ReMoE layer the angle between its weights before and after, in degrees;
     *     empty without an attack or ReMoE layers
     */
    public List<Double> angles() {
        List<Double> angles = new ArrayList<>();
        if (attacked != null) {
            for (int i = 0; i < clean.layers().size(); i++) {
                angles.add(clean.layers()
                        .get(i)
                        .weights()
                        .angle(attacked.layers().get(i).weights()));
            }
        }
        return angles;
    }

    /**
     * Shows what the ReMoE layers look at.
     *
     * @param name what the figure's files are called
     * @param title what the image is called
     * @param classNames the names of the classes, in the order of the logits
     * @param clean the image as it is (3,h,w), as the network was given it
     * @param attack what was done to it, such as {@code pgd-20, linf 8/255}
     * @param attacked the image under attack (3,h,w), or null if there is none
     * @return the panel, to be drawn
     */
    public RegionPanel regionPanel(
            String name,
            String title,
            List<String> classNames,
            NDArray clean,
            String attack,
            NDArray attacked) {
        RegionPanel.View before = new RegionPanel.View(
                "clean", Png.picture(clean), cleanPrediction(classNames), this.clean.layers());
        RegionPanel.View after = this.attacked == null
                ? null
                : new RegionPanel.View(
                        attack,
                        Png.picture(attacked),
                        attackedPrediction(classNames),
                        this.attacked.layers());
        return new RegionPanel(name, title, trueClass(classNames), before, after);
    }

    /**
     * Shows what the attack does.
     *
     * @param title what the image is called
     * @param classNames the names of the classes, in the order of the logits
     * @param clean the image as it is (3,h,w), as the network was given it
     * @param attacked the image under attack (3,h,w)
     * @return a row of an attack's sheet
     * @throws IllegalStateException if the image was not inspected under attack
     */
    public AttackSheet.Row sheetRow(
            String title, List<String> classNames, NDArray clean, NDArray attacked) {
        if (this.attacked == null) {
            throw new IllegalStateException(
                    "The image was inspected without an attack: give the attacked images as well.");
        }
        return AttackSheet.Row.of(
                title,
                trueClass(classNames),
                cleanPrediction(classNames),
                attackedPrediction(classNames),
                clean,
                attacked);
    }

    private String trueClass(List<String> classNames) {
        return labelled ? classNames.get(label) : null;
    }

    private Prediction cleanPrediction(List<String> classNames) {
        return clean.named(classNames, labelled ? Verdict.of(rightBefore()) : Verdict.OPEN);
    }

    private Prediction attackedPrediction(List<String> classNames) {
        boolean right = attacked.prediction() == label;
        return attacked.named(classNames, labelled ? Verdict.of(right) : Verdict.ofChange(!right));
    }
}
