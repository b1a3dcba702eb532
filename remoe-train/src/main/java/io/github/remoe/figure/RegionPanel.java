package io.github.remoe.figure;

import io.github.remoe.inference.RegionRouting;

import java.awt.image.BufferedImage;
import java.util.List;

/**
 * What the ReMoE layers of a network look at in an image, as it is and beside it under attack. For each
 * layer: the saliency of the patches; the region weights W over the image, with what top-k switched
 * off hatched and the centre region outlined; and the angle by which the attack turned W.
 *
 * <p>Saliency and W have one unit: 1 is the mean, and with attention-guided gating the mean of the
 * saliency over a region is its weight. Both columns have one scale of colours.
 *
 * @param name what the figure's files are called
 * @param title the line at the top, such as the image's name
 * @param trueClass the name of the image's true class, or null if it is not known
 * @param clean the image as it is
 * @param attacked the same image under attack, or null
 */
public record RegionPanel(String name, String title, String trueClass, View clean, View attacked) {

    /**
     * One of the two columns.
     *
     * @param heading the line above it, such as {@code clean} or the name of the attack
     * @param picture what the network was shown
     * @param prediction what it took that for
     * @param layers what each ReMoE layer did, from the first to the last; empty if there is none
     */
    public record View(
            String heading,
            BufferedImage picture,
            Prediction prediction,
            List<RegionRouting> layers) {

        /** Copies the list. */
        public View {
            layers = List.copyOf(layers);
        }
    }

    /**
     * Checks that both columns are of one network.
     *
     * @throws IllegalArgumentException if they have not the same layers with the same regions
     */
    public RegionPanel {
        if (attacked != null && !grids(clean).equals(grids(attacked))) {
            throw new IllegalArgumentException(String.format(
                    "A panel compares one network's layers, but these have %s and %s.",
                    grids(clean), grids(attacked)));
        }
    }

    private static List<String> grids(View view) {
        return view.layers().stream()
                .map(layer -> "layer " + layer.layer() + " " + layer.grid())
                .toList();
    }

    /**
     * Draws the panel.
     *
     * @return the figure, 400 units wide, or 264 without an attack
     */
    public Figure draw() {
        return new PanelDrawing(this).figure();
    }
}
