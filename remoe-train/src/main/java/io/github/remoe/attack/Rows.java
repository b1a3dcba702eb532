package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;

import java.util.Arrays;
import java.util.stream.IntStream;

/** Chooses between the images of a batch. */
public final class Rows {

    private Rows() {}

    /**
     * Returns the positions of the rows that are marked.
     *
     * @param mask booleans (B)
     * @return the positions, in order
     */
    public static int[] of(NDArray mask) {
        boolean[] marked = mask.toBooleanArray();
        return IntStream.range(0, marked.length).filter(i -> marked[i]).toArray();
    }

    /**
     * Returns some rows of an array.
     *
     * @param array (B,...)
     * @param rows the positions of the rows, at least one
     * @return (R,...): the array itself if these are all its rows in order
     */
    public static NDArray select(NDArray array, int[] rows) {
        long size = array.getShape().get(0);
        if (rows.length == size && IntStream.range(0, rows.length).allMatch(i -> rows[i] == i)) {
            return array;
        }
        NDList all = array.split(size);
        NDList chosen = new NDList();
        for (int row : rows) {
            chosen.add(all.get(row));
        }
        return NDArrays.concat(chosen);
    }

    /**
     * Returns an array in which some rows are replaced.
     *
     * @param array (B,...)
     * @param rows the positions of the rows
     * @param replacements (R,...), one for each position
     * @return (B,...)
     */
    public static NDArray replace(NDArray array, int[] rows, NDArray replacements) {
        if (rows.length == 0) {
            return array;
        }
        NDList all = array.split(array.getShape().get(0));
        NDList replacing = replacements.split(rows.length);
        for (int i = 0; i < rows.length; i++) {
            all.set(rows[i], replacing.get(i));
        }
        return NDArrays.concat(all);
    }

    /**
     * Takes each row from one of two arrays.
     *
     * @param mask booleans (B)
     * @param ifTrue (B,...)
     * @param ifFalse (B,...), of the same shape
     * @return (B,...)
     */
    public static NDArray where(NDArray mask, NDArray ifTrue, NDArray ifFalse) {
        Shape shape = ifTrue.getShape();
        long[] perRow = new long[shape.dimension()];
        Arrays.fill(perRow, 1);
        perRow[0] = shape.get(0);
        // DJL's where does not broadcast its condition by itself.
        return NDArrays.where(mask.reshape(new Shape(perRow)).broadcast(shape), ifTrue, ifFalse);
    }
}
