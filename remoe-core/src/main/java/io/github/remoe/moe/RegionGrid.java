package io.github.remoe.moe;

import java.util.ArrayList;
import java.util.List;

/**
 * The partition of a patch grid into K = rows x columns regions R_1 ... R_K, and one centre region
 * R_c in the middle (paper, section "Multi-granularity Experts").
 *
 * <p>The cuts fall as evenly as whole patches allow: 14 patches in 3 parts are 4, 5 and 5. Regions
 * are numbered in row-major order and cover every patch exactly once; the centre overlaps them.
 *
 * @param patchRows the patch rows of the image, h / p
 * @param patchColumns the patch columns of the image, w / p
 * @param rows how many regions lie below each other
 * @param columns how many regions lie beside each other
 * @param centerRatio how much of each side the centre region spans, greater than 0 to 1
 */
public record RegionGrid(
        int patchRows, int patchColumns, int rows, int columns, float centerRatio) {

    /** How much of each side the centre region spans unless told otherwise. */
    public static final float DEFAULT_CENTER_RATIO = 0.5f;

    // 0.6f x 5 is a little more than 3, and shall not be rounded up to 4.
    private static final double ROUNDING = 1e-4;

    /**
     * Checks that every region gets at least one patch.
     *
     * @throws IllegalArgumentException if a side is cut into more regions than it has patches, or the
     *     centre spans nothing or more than there is
     */
    public RegionGrid {
        if (patchRows < 1 || patchColumns < 1) {
            throw new IllegalArgumentException(String.format(
                    "A region grid needs at least 1 x 1 patches, got %d x %d.",
                    patchRows, patchColumns));
        }
        if (rows < 1 || columns < 1 || rows > patchRows || columns > patchColumns) {
            throw new IllegalArgumentException(String.format(
                    "%d x %d regions do not fit a grid of %d x %d patches: choose 1 to %d"
                            + " rows and 1 to %d columns.",
                    rows, columns, patchRows, patchColumns, patchRows, patchColumns));
        }
        if (!(centerRatio > 0 && centerRatio <= 1)) {
            throw new IllegalArgumentException(String.format(
                    "The centre region must span more than 0 and at most 1 of each side, got %s.",
                    centerRatio));
        }
    }

    /**
     * Creates a grid whose centre region spans half of each side.
     *
     * @param patchRows the patch rows of the image, h / p
     * @param patchColumns the patch columns of the image, w / p
     * @param rows how many regions lie below each other
     * @param columns how many regions lie beside each other
     * @throws IllegalArgumentException if a side is cut into more regions than it has patches
     */
    public RegionGrid(int patchRows, int patchColumns, int rows, int columns) {
        this(patchRows, patchColumns, rows, columns, DEFAULT_CENTER_RATIO);
    }

    /**
     * Returns the number K of regions.
     *
     * @return rows x columns
     */
    public int size() {
        return rows * columns;
    }

    /**
     * Returns the number N of patches.
     *
     * @return patchRows x patchColumns
     */
    public int patches() {
        return patchRows * patchColumns;
    }

    /**
     * Returns the regions R_1 ... R_K.
     *
     * @return the regions in row-major order
     */
    public List<Region> regions() {
        List<Region> regions = new ArrayList<>();
        for (int i = 0; i < rows; i++) {
            int top = i * patchRows / rows;
            int bottom = (i + 1) * patchRows / rows;
            for (int j = 0; j < columns; j++) {
                int left = j * patchColumns / columns;
                int right = (j + 1) * patchColumns / columns;
                regions.add(new Region(top, left, bottom - top, right - left));
            }
        }
        return regions;
    }

    /**
     * Returns the centre region R_c: {@code centerRatio} of each side, rounded up to whole patches,
     * in the middle.
     *
     * @return the centre region
     */
    public Region center() {
        int height = centerSpan(patchRows);
        int width = centerSpan(patchColumns);
        return new Region((patchRows - height) / 2, (patchColumns - width) / 2, height, width);
    }

    private int centerSpan(int side) {
        return Math.max(1, (int) Math.ceil((double) centerRatio * side - ROUNDING));
    }

    /**
     * Draws the grid in text: one cell a patch with the number of its region, from 1, and a star
     * where the centre region lies.
     *
     * @return the drawing, one line a patch row
     */
    public String draw() {
        List<Region> regions = regions();
        Region center = center();
        int digits = String.valueOf(regions.size()).length();
        StringBuilder drawing = new StringBuilder();
        for (int row = 0; row < patchRows; row++) {
            for (int column = 0; column < patchColumns; column++) {
                int region = 0;
                while (!regions.get(region).contains(row, column)) {
                    region++;
                }
                char mark = center.contains(row, column) ? '*' : ' ';
                drawing.append(String.format("%" + (digits + 1) + "d%c", region + 1, mark));
            }
            drawing.append(System.lineSeparator());
        }
        return drawing.toString();
    }
}
