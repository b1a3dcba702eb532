package io.github.remoe.report;

import ai.djl.ndarray.NDArray;

import io.github.remoe.figure.Png;

import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Adversarial images on one picture, a row each: the clean image, the perturbation amplified around
 * grey, the adversarial image, and what the model takes them for.
 *
 * <p>Small images are enlarged by a whole factor without smoothing, so that pixels stay pixels. Grey
 * in the perturbation means no change; the factor, written below it, brings the largest change nearly
 * to black or white.
 *
 * <pre>{@code
 * AdversarialSheet sheet = new AdversarialSheet("pgd-20, linf, epsilon 8/255");
 * sheet.add(attackedImage, images.get(0), adversarial.get(0));
 * sheet.write(Path.of("sheet.png"));
 * }</pre>
 */
public final class AdversarialSheet {

    private static final int CELL = 224;
    private static final int GAP = 16;
    private static final int LINE = 20;

    private static final Font PLAIN = new Font(Font.SANS_SERIF, Font.PLAIN, 13);
    private static final Font BOLD = PLAIN.deriveFont(Font.BOLD);
    private static final Color TEXT = new Color(0x202020);
    private static final Color FAINT = new Color(0x707070);
    private static final Color RIGHT = new Color(0x1B7F3B);
    private static final Color WRONG = new Color(0xB3261E);

    private final String title;
    private final List<BufferedImage> rows = new ArrayList<>();

    /**
     * Starts an empty sheet.
     *
     * @param title the line at the top, such as the attack and its radius
     */
    public AdversarialSheet(String title) {
        this.title = title;
    }

    /**
     * Adds a row.
     *
     * @param image what became of the image
     * @param clean the image (3,h,w) in [0,1]
     * @param adversarial the same image attacked (3,h,w)
     * @throws IllegalArgumentException if these are not two images of one size
     */
    public void add(AttackedImage image, NDArray clean, NDArray adversarial) {
        if (!clean.getShape().equals(adversarial.getShape())) {
            throw new IllegalArgumentException(String.format(
                    "The clean image is %s and the adversarial image %s: give one image of both.",
                    clean.getShape(), adversarial.getShape()));
        }
        BufferedImage before = Png.picture(clean);
        BufferedImage after = Png.picture(adversarial);
        float[] change = change(clean, adversarial);
        int factor = factor(change);
        BufferedImage difference = difference(change, factor, before);

        int enlarged = Math.max(1, Math.round((float) CELL / before.getWidth()));
        int width = enlarged * before.getWidth();
        int height = enlarged * before.getHeight();
        int cell = Math.max(width, CELL);
        BufferedImage row = new BufferedImage(
                3 * cell + 4 * GAP, height + 2 * LINE + GAP, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = graphics(row);
        text(
                graphics,
                BOLD,
                TEXT,
                image.name() + ", label " + image.labelName(),
                GAP,
                0,
                2 * cell + GAP);
        text(graphics, BOLD, TEXT, outcome(image), 3 * GAP + 2 * cell, 0, cell);
        BufferedImage[] pictures = {before, difference, after};
        String[] captions = {
            image.before().toString(),
            String.format(
                    Locale.ROOT,
                    "× %d    linf %.1f/255    l2 %.2f",
                    factor,
                    255 * image.linf(),
                    image.l2()),
            image.after().toString()
        };
        Color[] colors = {
            image.rightBefore() ? RIGHT : WRONG,
            FAINT,
            image.after().label() == image.label() ? RIGHT : WRONG
        };
        for (int i = 0; i < 3; i++) {
            int left = GAP + i * (cell + GAP);
            graphics.drawImage(pictures[i], left, LINE, width, height, null);
            text(graphics, PLAIN, colors[i], captions[i], left, LINE + height, cell);
        }
        graphics.dispose();
        rows.add(row);
    }

    /**
     * Draws the sheet.
     *
     * @return the picture
     * @throws IllegalStateException if it has no row
     */
    public BufferedImage draw() {
        if (rows.isEmpty()) {
            throw new IllegalStateException("The sheet has no row: add an image first.");
        }
        int width = rows.stream().mapToInt(BufferedImage::getWidth).max().getAsInt();
        int height = rows.stream().mapToInt(BufferedImage::getHeight).sum();
        int top = LINE + LINE + GAP;
        BufferedImage sheet =
                new BufferedImage(width, top + height + GAP / 2, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = graphics(sheet);
        text(graphics, BOLD.deriveFont(15f), TEXT, title, GAP, GAP / 2, width - 2 * GAP);
        String[] heads = {"clean", "perturbation, amplified", "adversarial"};
        int cell = (width - 4 * GAP) / 3;
        for (int i = 0; i < 3; i++) {
            text(graphics, PLAIN, FAINT, heads[i], GAP + i * (cell + GAP), LINE + GAP / 2, cell);
        }
        int y = top;
        for (BufferedImage row : rows) {
            graphics.drawImage(row, 0, y, null);
            y += row.getHeight();
        }
        graphics.dispose();
        return sheet;
    }

    /**
     * Draws the sheet and writes it as a PNG file.
     *
     * @param file the file, replaced if it exists
     * @throws IOException if it cannot be written
     * @throws IllegalStateException if the sheet has no row
     */
    public void write(Path file) throws IOException {
        Png.write(draw(), file);
    }

    private static String outcome(AttackedImage image) {
        if (!image.rightBefore()) {
            return "wrong before the attack";
        }
        return image.fooled() ? "fooled" : "not fooled";
    }

    private static float[] change(NDArray clean, NDArray adversarial) {
        float[] change = adversarial.toFloatArray();
        float[] from = clean.toFloatArray();
        for (int i = 0; i < change.length; i++) {
            change[i] -= from[i];
        }
        return change;
    }

    private static int factor(float[] change) {
        float largest = 0;
        for (float value : change) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest == 0 ? 1 : Math.max(1, (int) (0.5f / largest));
    }

    private static BufferedImage difference(float[] change, int factor, BufferedImage like) {
        float[] shown = new float[change.length];
        for (int i = 0; i < shown.length; i++) {
            shown[i] = Math.min(1, Math.max(0, 0.5f + factor * change[i]));
        }
        return Png.picture(shown, like.getWidth(), like.getHeight());
    }

    private static Graphics2D graphics(BufferedImage image) {
        Graphics2D graphics = image.createGraphics();
        graphics.setRenderingHint(
                RenderingHints.KEY_INTERPOLATION,
                RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR);
        graphics.setRenderingHint(
                RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
        return graphics;
    }

    /** Writes one line, shortened to a width. */
    private static void text(
            Graphics2D graphics, Font font, Color color, String text, int x, int top, int width) {
        FontMetrics metrics = graphics.getFontMetrics(font);
        String shown = text;
        for (int end = text.length(); metrics.stringWidth(shown) > width && end > 0; end--) {
            shown = text.substring(0, end - 1) + "...";
        }
        graphics.setFont(font);
        graphics.setColor(color);
        graphics.drawString(
                shown, x, top + (LINE + metrics.getAscent() - metrics.getDescent()) / 2);
    }
}
