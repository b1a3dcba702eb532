package io.github.remoe.data;

import ai.djl.ndarray.NDArray;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import javax.imageio.ImageIO;

/** Makes the small files and reads back the bytes that the tests compare. */
final class TestImages {

    private TestImages() {}

    /** The array as bytes: 1/255 is 1. */
    static int[] bytes(NDArray array) {
        float[] values = array.toFloatArray();
        int[] bytes = new int[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = Math.round(values[i] * 255);
        }
        return bytes;
    }

    static BufferedImage plain(int width, int height, int rgb) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, rgb);
        }
        return image;
    }

    static Path write(BufferedImage image, Path file) throws IOException {
        Files.createDirectories(file.getParent());
        String name = file.toString();
        ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile());
        return file;
    }
}
