package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.PixelDataset;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Images and labels that a test gives. */
final class ByteDataset extends PixelDataset {

    private final Shape shape;
    private final byte[][] images;
    private final int[] labels;

    private ByteDataset(Builder builder) {
        super(builder.setSampling(1, false));
        shape = builder.shape;
        images = builder.images;
        labels = builder.labels;
    }

    static ByteDataset of(Shape shape, byte[][] images, int[] labels) {
        return new Builder(shape, images, labels).build();
    }

    /**
     * Random images of 3 x 8 x 8 with the classes that a model takes them for, but for every fifth,
     * which gets another one.
     */
    static ByteDataset random(TargetModel model, NDManager manager, int size, int classes) {
        byte[][] images = IntStream.range(0, size)
                .mapToObj(i -> {
                    byte[] pixels = new byte[3 * 8 * 8];
                    new SplittableRandom(i).nextBytes(pixels);
                    return pixels;
                })
                .toArray(byte[][]::new);
        Shape shape = new Shape(3, 8, 8);
        ByteDataset unlabelled = of(shape, images, new int[size]);
        long[] positions = IntStream.range(0, size).asLongStream().toArray();
        try (Batch batch = unlabelled.getByIndices(manager.newSubManager(), positions);
                NDArray logits =
                        model.predict(batch.getData().singletonOrThrow()).head()) {
            long[] predicted = logits.argMax(1).toLongArray();
            return of(
                    shape,
                    images,
                    IntStream.range(0, size)
                            .map(i -> (int) (predicted[i] + (i % 5 == 0 ? 1 : 0)) % classes)
                            .toArray());
        }
    }

    @Override
    public String getName() {
        return "random";
    }

    @Override
    public List<String> getClasses() {
        return IntStream.range(0, 5).mapToObj(i -> "class" + i).toList();
    }

    @Override
    public Shape getImageShape() {
        return shape;
    }

    @Override
    protected long availableSize() {
        return images.length;
    }

    @Override
    protected void readPixels(long index, byte[] pixels) {
        System.arraycopy(images[(int) index], 0, pixels, 0, pixels.length);
    }

    @Override
    protected int label(long index) {
        return labels[(int) index];
    }

    private static final class Builder extends BaseBuilder<Builder> {

        private final Shape shape;
        private final byte[][] images;
        private final int[] labels;

        Builder(Shape shape, byte[][] images, int[] labels) {
            this.shape = shape;
            this.images = images;
            this.labels = labels;
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        public ByteDataset build() {
            return new ByteDataset(this);
        }
    }
}
