package io.github.remoe.moe;

/**
 * A rectangle of patches.
 *
 * @param top the first patch row
 * @param left the first patch column
 * @param height the number of patch rows
 * @param width the number of patch columns
 */
public record Region(int top, int left, int height, int width) {

    /**
     * Returns the number of patches.
     *
     * @return height x width
     */
    public int size() {
        return height * width;
    }

    /**
     * Returns whether a patch lies inside.
     *
     * @param row the patch row
     * @param column the patch column
     * @return true if it does
     */
    public boolean contains(int row, int column) {
        return row >= top && row < top + height && column >= left && column < left + width;
    }
}
