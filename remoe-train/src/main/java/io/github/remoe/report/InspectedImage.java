package io.github.remoe.report;

import io.github.remoe.inference.RegionRouting;

import java.util.ArrayList;
import java.util.List;

/**
 * What a network makes of an image, as it is and under attack.
 *
 * @param label the class that counts as right
 * @param clean what the network makes of the image as it is
 * @param attacked what it makes of the adversarial image, or null if there is none
 */
public record InspectedImage(int label, Answer clean, Answer attacked) {

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
}
