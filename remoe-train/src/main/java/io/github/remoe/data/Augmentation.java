package io.github.remoe.data;

import java.util.Optional;

/**
 * A random change of a training image, made while its batch is put together: first a part of the
 * image as it is stored may be chosen ({@link #crop}), which is brought to the dataset's size, then
 * that is changed ({@link #apply}).
 *
 * <p>All randomness must come from {@code epoch} and {@code index} (and a seed that the
 * implementation holds), so that an image is changed in the same way whatever batch, thread or
 * order it is read in. Implementations are called by several threads at once.
 *
 * @see RandomCropFlip
 * @see RandomResizedCrop
 */
@FunctionalInterface
public interface Augmentation {

    /**
     * Chooses the part of an image that is resized to the dataset's size, bicubic with antialiasing.
     *
     * @param height the rows of the image as it is stored
     * @param width the columns of the image as it is stored
     * @param epoch the number of the pass over the data, from 0
     * @param index the index of the image in the whole dataset
     * @return the part, which must lie in the image; empty, unless overridden, to bring the image to
     *     its size as without augmentation
     */
    default Optional<CropBox> crop(int height, int width, long epoch, long index) {
        return Optional.empty();
    }

    /**
     * Writes the changed image into {@code target}.
     *
     * @param source the image, planes R, G, B, each row by row; 3 x height x width unsigned bytes;
     *     not to be changed
     * @param target the array to fill, as long as {@code source}; its content is undefined
     * @param height the rows of the image
     * @param width the columns of the image
     * @param epoch the number of the pass over the data, from 0
     * @param index the index of the image in the whole dataset
     */
    void apply(byte[] source, byte[] target, int height, int width, long epoch, long index);
}
