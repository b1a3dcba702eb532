package io.github.remoe.figure;

import com.github.weisj.jsvg.SVGDocument;
import com.github.weisj.jsvg.parser.SVGLoader;
import com.github.weisj.jsvg.view.ViewBox;

import io.github.remoe.file.AtomicFile;

import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A drawing as SVG, which stands for itself.
 *
 * <p>Its colours are attributes, those of a light page; its parts have classes, by which the style of
 * a page gives them others. It names no font but the generic one.
 *
 * @param name what its files are called, without the ending: letters, digits, {@code - . _}
 * @param title what it shows, in a few words
 * @param description the same for those who cannot see it, with the figures that matter
 * @param svg the drawing, one {@code svg} element with a {@code viewBox}
 */
public record Figure(String name, String title, String description, String svg) {

    private static final int MARGIN = 8;

    /**
     * Draws the figure on white.
     *
     * @param scale how many pixels one unit of the drawing has
     * @return the picture
     */
    public BufferedImage toPicture(double scale) {
        SVGDocument document = new SVGLoader()
                .load(
                        new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)),
                        null,
                        com.github.weisj.jsvg.parser.LoaderContext.createDefault());
        if (document == null) {
            throw new IllegalStateException("The figure " + name + " is no SVG that can be drawn.");
        }
        int width = (int) Math.ceil(scale * (document.size().width + 2 * MARGIN));
        int height = (int) Math.ceil(scale * (document.size().height + 2 * MARGIN));
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = picture.createGraphics();
        graphics.setRenderingHint(
                RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(
                RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, width, height);
        graphics.scale(scale, scale);
        graphics.translate(MARGIN, MARGIN);
        document.render(null, graphics, new ViewBox(document.size().width, document.size().height));
        graphics.dispose();
        return picture;
    }

    /**
     * Writes the figure as {@code name.svg} and, with two pixels a unit, {@code name.png}.
     *
     * @param folder the folder, which exists
     * @throws IOException if a file cannot be written
     */
    public void write(Path folder) throws IOException {
        AtomicFile.write(folder.resolve(name + ".svg"), svg);
        Png.write(toPicture(2), folder.resolve(name + ".png"));
    }
}
