package io.github.remoe.data;

import ai.djl.ndarray.types.Shape;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** Images of 2 x 3 whose every byte is the index of the image; the label is the index modulo 4. */
final class GradientDataset extends PixelDataset {

    private final int size;
    private final Set<Long> broken;
    private final List<Long> read = new CopyOnWriteArrayList<>();

    private GradientDataset(Builder builder) {
        super(builder);
        size = builder.size;
        broken = builder.broken;
    }

    static Builder builder(int size) {
        return new Builder(size);
    }

    /** The indices that were read, in that order. */
    List<Long> getRead() {
        return read;
    }

    @Override
    public String getName() {
        return "gradients";
    }

    @Override
    public List<String> getClasses() {
        return List.of("a", "b", "c", "d");
    }

    @Override
    public Shape getImageShape() {
        return new Shape(3, 2, 3);
    }

    @Override
    protected long availableSize() {
        return size;
    }

    @Override
    protected void readPixels(long index, byte[] pixels) throws IOException {
        read.add(index);
        if (broken.contains(index)) {
            throw new IOException("cannot read image " + index);
        }
        Arrays.fill(pixels, (byte) index);
    }

    @Override
    protected int label(long index) {
        return (int) (index % 4);
    }

    static final class Builder extends BaseBuilder<Builder> {

        private final int size;
        private Set<Long> broken = Set.of();

        Builder(int size) {
            this.size = size;
        }

        Builder optBroken(Long... broken) {
            this.broken = Set.of(broken);
            return this;
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public GradientDataset build() {
            return new GradientDataset(this);
        }
    }
}
