package io.github.remoe.figure;

import ai.djl.ndarray.NDArray;

import java.awt.image.BufferedImage;
import java.util.List;

/**
 * What an attack does to images, a row each: the clean image, the perturbation amplified around grey,
 * the attacked image, and what the model takes them for.
 *
 * <p>The pictures lie in the drawing as PNG at the images' own size, each pixel value v as the level
 * nearest to 255 v. Pixels of small images stay pixels. Grey in the perturbation means no change; the
 * factor, written below it, brings the largest change nearly to black or white.
 *
 * <pre>{@code
 * AttackSheet.Row row = AttackSheet.Row.of("cat.png", "cat", before, after, image, adversarial);
 * new AttackSheet("sheet", "pgd-20, linf, epsilon 8/255", List.of(row)).draw().write(folder);
 * }</pre>
 *
 * @param name what the figure's files are called
 * @param title the line at the top, such as the attack and its radius
 * @param rows the images
 */
public record AttackSheet(String name, String title, List<Row> rows) {

    // A change that needs more is not worth seeing.
    private static final float LARGEST_FACTOR = 1000;

    /**
     * One image.
     *
     * @param name what the image is called, such as its file
     * @param trueClass the name of its true class, or null if it is not known
     * @param before what the model takes the clean image for
     * @param after what it takes the attacked image for
     * @param clean the clean image
     * @param perturbation grey 0.5 + {@code factor} x change, cut off at black and white
     * @param attacked the attacked image
     * @param factor how much the change is amplified, 1 or more
     * @param linf the largest change of a pixel value, in [0,1]
     * @param l2 the Euclidean length of the perturbation
     */
    public record Row(
            String name,
            String trueClass,
            Prediction before,
            Prediction after,
            BufferedImage clean,
            BufferedImage perturbation,
            BufferedImage attacked,
            int factor,
            float linf,
            float l2) {

        /**
         * Creates a row from the arrays that the model was given.
         *
         * @param name what the image is called, such as its file
         * @param trueClass the name of its true class, or null if it is not known
         * @param before what the model takes the clean image for
         * @param after what it takes the attacked image for
         * @param clean the clean image (3,h,w) in [0,1]
         * @param attacked the same image attacked (3,h,w) in [0,1]
         * @return the row
         * @throws IllegalArgumentException if these are not two images of one size
         */
        public static Row of(
                String name,
                String trueClass,
                Prediction before,
                Prediction after,
                NDArray clean,
                NDArray attacked) {
            if (!clean.getShape().equals(attacked.getShape())) {
                throw new IllegalArgumentException(String.format(
                        "The clean image is %s and the attacked image %s: give one image of both.",
                        clean.getShape(), attacked.getShape()));
            }
            BufferedImage picture = Png.picture(clean);
            float[] change = attacked.toFloatArray();
            float[] from = clean.toFloatArray();
            float linf = 0;
            double squares = 0;
            for (int i = 0; i < change.length; i++) {
                change[i] -= from[i];
                linf = Math.max(linf, Math.abs(change[i]));
                squares += (double) change[i] * change[i];
            }
            int factor = linf == 0 ? 1 : Math.max(1, (int) Math.min(0.5f / linf, LARGEST_FACTOR));
            for (int i = 0; i < change.length; i++) {
                change[i] = Math.min(1, Math.max(0, 0.5f + factor * change[i]));
            }
            return new Row(
                    name,
                    trueClass,
                    before,
                    after,
                    picture,
                    Png.picture(change, picture.getWidth(), picture.getHeight()),
                    Png.picture(attacked),
                    factor,
                    linf,
                    (float) Math.sqrt(squares));
        }
    }

    /**
     * Checks that there is something to draw.
     *
     * @throws IllegalArgumentException if there is no row
     */
    public AttackSheet {
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("A sheet takes at least one image, got none.");
        }
        rows = List.copyOf(rows);
    }

    /**
     * Draws the sheet.
     *
     * @return the figure, 400 units wide
     */
    public Figure draw() {
        return new SheetDrawing(this).figure();
    }
}
