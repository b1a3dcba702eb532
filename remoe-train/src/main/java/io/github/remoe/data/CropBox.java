package io.github.remoe.data;

import io.github.remoe.image.RgbImage;

/**
 * A part of an image, in pixels.
 *
 * @param top the first row, 0 or more
 * @param left the first column, 0 or more
 * @param height the number of rows, 1 or more
 * @param width the number of columns, 1 or more
 */
public record CropBox(int top, int left, int height, int width) {

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is too small
     */
    public CropBox {
        if (top < 0 || left < 0 || height < 1 || width < 1) {
            throw new IllegalArgumentException(String.format(
                    "a crop needs a place of 0 or more and a size of 1 or more, was %d x %d at row"
                            + " %d, column %d",
                    height, width, top, left));
        }
    }

    /** Resizes this part of an image, see {@link RgbImage#resizePart}. */
    void resize(RgbImage image, int rows, int columns, byte[] pixels) {
        image.resizePart(top, left, height, width, rows, columns, pixels);
    }
}
