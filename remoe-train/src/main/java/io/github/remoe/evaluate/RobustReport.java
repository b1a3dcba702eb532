package io.github.remoe.evaluate;

import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.inference.RegionClassifications;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a network says of one image, as it is and under attack.
 *
 * @param label the class that counts as right
 * @param labelName its name
 * @param prediction the class that the network gives the image as it is
 * @param clean what it says of it altogether
 * @param threatModel what the attacker may do
 * @param attacks what became of it under each attack, in the order in which they were asked for
 */
public record RobustReport(
        int label,
        String labelName,
        int prediction,
        RegionClassifications clean,
        ThreatModel threatModel,
        List<Attacked> attacks) {

    /** Copies the list. */
    public RobustReport {
        attacks = List.copyOf(attacks);
    }

    /**
     * Tells whether the image as it is gets the class that counts as right.
     *
     * @return true if there was something to attack
     */
    public boolean isRight() {
        return prediction == label;
    }

    /**
     * Tells whether the network is wrong about the image or an attack made it so.
     *
     * @return true if any attack, or none at all, breaks it
     */
    public boolean isBroken() {
        return !isRight() || attacks.stream().anyMatch(Attacked::broken);
    }

    /**
     * Returns how little sufficed to change the answer.
     *
     * @return the smallest length of a perturbation that broke the image, in the norm of the threat
     *     model; 0 if the image is wrong as it is, none if it withstood
     */
    public OptionalDouble smallestNorm() {
        if (!isRight()) {
            return OptionalDouble.of(0);
        }
        return attacks.stream()
                .filter(Attacked::broken)
                .mapToDouble(Attacked::norm)
                .min();
    }

    /**
     * An image under one attack.
     *
     * @param attack the attack's name
     * @param broken whether the network gives another class than the one that counts as right
     * @param classifications what the network says of the adversarial image
     * @param norm the length of the perturbation in the norm of the threat model
     * @param angles how far the attack turned the region weights of each ReMoE layer, in degrees
     * @param adversarial the adversarial image, (3,h,w) in [0,1] row by row: what the network was
     *     given, unrounded
     * @param imageSize its height and width
     */
    public record Attacked(
            String attack,
            boolean broken,
            RegionClassifications classifications,
            float norm,
            List<Double> angles,
            float[] adversarial,
            int imageSize) {

        static Attacked of(
                String attack,
                boolean broken,
                RegionClassifications clean,
                RegionClassifications attacked,
                float norm,
                float[] adversarial,
                int imageSize) {
            List<Double> angles = new ArrayList<>();
            for (int layer = 0; layer < clean.getRegionWeights().size(); layer++) {
                angles.add(clean.getRegionWeights()
                        .get(layer)
                        .angle(attacked.getRegionWeights().get(layer)));
            }
            return new Attacked(
                    attack, broken, attacked, norm, List.copyOf(angles), adversarial, imageSize);
        }

        /**
         * Returns the adversarial image as a picture. Its pixels are rounded to 8 bits, which may undo
         * a perturbation that barely suffices.
         *
         * @return the picture
         */
        public Image toImage() {
            BufferedImage picture =
                    new BufferedImage(imageSize, imageSize, BufferedImage.TYPE_INT_RGB);
            int plane = imageSize * imageSize;
            for (int i = 0; i < plane; i++) {
                int rgb = 0;
                for (int band = 0; band < 3; band++) {
                    rgb = rgb << 8 | Math.round(255 * adversarial[band * plane + i]);
                }
                picture.setRGB(i % imageSize, i / imageSize, rgb);
            }
            return ImageFactory.getInstance().fromImage(picture);
        }
    }
}
