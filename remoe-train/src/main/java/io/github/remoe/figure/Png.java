package io.github.remoe.figure;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.file.AtomicFile;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Base64;

import javax.imageio.ImageIO;

/** Images as 8-bit RGB pictures and PNG files. */
public final class Png {

    private Png() {}

    /**
     * Rounds an image to 8 bits: pixel value v becomes the level nearest to 255 v.
     *
     * @param image (3,h,w) in [0,1]
     * @return the picture
     * @throws IllegalArgumentException if it is no such array
     */
    public static BufferedImage picture(NDArray image) {
        Shape shape = image.getShape();
        if (shape.dimension() != 3 || shape.get(0) != 3) {
            throw new IllegalArgumentException(
                    "A picture is made of one image (3, height, width), got " + shape + ".");
        }
        return picture(image.toFloatArray(), (int) shape.get(2), (int) shape.get(1));
    }

    /**
     * Rounds an image to 8 bits.
     *
     * @param planes the planes R, G and B, each row by row, in [0,1]
     * @param width the width
     * @param height the height
     * @return the picture
     * @throws IllegalArgumentException if a value lies outside
     */
    public static BufferedImage picture(float[] planes, int width, int height) {
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int size = width * height;
        for (int i = 0; i < size; i++) {
            int rgb = 0;
            for (int band = 0; band < 3; band++) {
                float value = planes[band * size + i];
                if (!(value >= 0 && value <= 1)) {
                    throw new IllegalArgumentException(
                            "Pixel values of a picture must lie in [0, 1], got " + value + ".");
                }
                rgb = rgb << 8 | Math.round(255 * value);
            }
            picture.setRGB(i % width, i / width, rgb);
        }
        return picture;
    }

    /**
     * Packs a picture into the address of an image, so that a drawing or a page needs no other file.
     *
     * @param picture the picture
     * @return a {@code data:} URI of a PNG file with the same pixels
     */
    public static String dataUri(BufferedImage picture) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try {
            ImageIO.write(picture, "png", bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(bytes.toByteArray());
    }

    /**
     * Writes a PNG file, beside its place and then moved there, so it is never half of one.
     *
     * @param picture the picture
     * @param file the file, replaced if it exists
     * @throws IOException if it cannot be written
     */
    public static void write(BufferedImage picture, Path file) throws IOException {
        AtomicFile.write(file, beside -> ImageIO.write(picture, "png", beside.toFile()));
    }
}
