package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.image.RgbImage;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

class RandomResizedCropTest {

    @TempDir
    Path folder;

    @Test
    void resizedPartsAgreeWithTorchvision() {
        JsonObject golden = Golden.read("resized_crop");
        float[] values = Golden.values("image", 3 * 37 * 53, 0, 256);
        byte[] pixels = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            pixels[i] = (byte) (int) values[i];
        }
        RgbImage image = RgbImage.of(pixels, 37, 53);
        for (JsonElement element : golden.getAsJsonArray("parts")) {
            int[] part = ints(element.getAsJsonObject().getAsJsonArray("part"));
            int[] size = ints(element.getAsJsonObject().getAsJsonArray("size"));
            int[] expected = ints(element.getAsJsonObject().getAsJsonArray("pixels"));
            byte[] resized = new byte[expected.length];
            image.resizePart(part[0], part[1], part[2], part[3], size[0], size[1], resized);
            int largest = 0;
            for (int i = 0; i < expected.length; i++) {
                largest = Math.max(largest, Math.abs((resized[i] & 0xFF) - expected[i]));
            }
            // Pillow rounds after each direction, this only once.
            assertThat(largest).as(Arrays.toString(part)).isLessThanOrEqualTo(1);
        }
    }

    @Property(tries = 300, shrinking = ShrinkingMode.OFF)
    void partsLieInTheImageAndKeepTheBounds(
            @ForAll @IntRange(min = 200, max = 600) int height,
            @ForAll @IntRange(min = 200, max = 600) int width,
            @ForAll long index) {
        CropBox box = RandomResizedCrop.builder()
                .optScale(0.25, 0.5)
                .optRatio(0.8, 1.2)
                .build()
                .crop(height, width, 1, index)
                .orElseThrow();
        assertThat(box.top() + box.height()).isLessThanOrEqualTo(height);
        assertThat(box.left() + box.width()).isLessThanOrEqualTo(width);
        double ratio = box.width() / (double) box.height();
        assertThat(ratio).isBetween(0.79, 1.21);
        assertThat(box.height() * (double) box.width() / height / width).isBetween(0.24, 0.51);
    }

    /** At most half of a square is wanted, so every try fits and all of the draws count. */
    @Test
    void areasRatiosPlacesAndSidesAreDrawnEvenly() {
        RandomResizedCrop augmentation =
                RandomResizedCrop.builder().optScale(0.1, 0.5).optSeed(1).build();
        int count = 4000;
        double area = 0;
        double logRatio = 0;
        double place = 0;
        int flipped = 0;
        byte[] target = new byte[6];
        for (int index = 0; index < count; index++) {
            CropBox box = augmentation.crop(1000, 1000, 2, index).orElseThrow();
            area += box.height() * (double) box.width() / 1e6 / count;
            logRatio += Math.log(box.width() / (double) box.height()) / count;
            place += box.top() / (1000.0 - box.height()) / count;
            augmentation.apply(new byte[] {1, 2, 3, 4, 5, 6}, target, 1, 2, 2, index);
            flipped += target[0] == 2 ? 1 : 0;
        }
        assertThat(area).isBetween(0.29, 0.31);
        assertThat(logRatio).isBetween(-0.01, 0.01);
        assertThat(place).isBetween(0.48, 0.52);
        assertThat(flipped).isBetween(1880, 2120);
    }

    /** The part is as torchvision's where ten tries did not fit: the middle of the longer side. */
    @Test
    void ofAVeryLongImageTheMiddleIsTaken() {
        RandomResizedCrop augmentation =
                RandomResizedCrop.builder().optScale(1, 1).build();
        assertThat(augmentation.crop(30, 300, 0, 0)).contains(new CropBox(0, 130, 30, 40));
        assertThat(augmentation.crop(300, 30, 0, 0)).contains(new CropBox(130, 0, 40, 30));
        assertThat(RandomResizedCrop.builder().build().crop(1, 1, 0, 0))
                .contains(new CropBox(0, 0, 1, 1));
    }

    @Test
    void sameSeedEpochAndIndexGiveTheSamePart() {
        RandomResizedCrop one = RandomResizedCrop.builder().optSeed(5).build();
        List<CropBox> boxes = new ArrayList<>();
        for (long[] at : new long[][] {{0, 0}, {1, 0}, {0, 1}}) {
            boxes.add(one.crop(400, 500, at[0], at[1]).orElseThrow());
            assertThat(RandomResizedCrop.builder().optSeed(5).build().crop(400, 500, at[0], at[1]))
                    .contains(boxes.get(boxes.size() - 1));
        }
        boxes.add(RandomResizedCrop.builder()
                .optSeed(6)
                .build()
                .crop(400, 500, 0, 0)
                .orElseThrow());
        assertThat(boxes).doesNotHaveDuplicates();
    }

    /** A file of 12 x 4 whose three squares are red, green and blue. */
    @Test
    void thePartIsChosenOfTheStoredImage() throws Exception {
        BufferedImage wide = new BufferedImage(12, 4, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 48; i++) {
            wide.setRGB(i / 4, i % 4, 0xFF0000 >> (8 * (i / 16)));
        }
        TestImages.write(wide, folder.resolve("c/1.png"));
        ImageFolderDataset dataset = ImageFolderDataset.builder()
                .setPath(folder)
                .setImageSize(4)
                .setSampling(1, false)
                .optAugmentation(new Augmentation() {
                    @Override
                    public Optional<CropBox> crop(int height, int width, long epoch, long index) {
                        assertThat(height).isEqualTo(4);
                        assertThat(width).isEqualTo(12);
                        return Optional.of(new CropBox(0, 8, 4, 4));
                    }

                    @Override
                    public void apply(
                            byte[] source,
                            byte[] target,
                            int height,
                            int width,
                            long epoch,
                            long index) {
                        System.arraycopy(source, 0, target, 0, source.length);
                    }
                })
                .build();
        int[] blue = new int[48];
        Arrays.fill(blue, 32, 48, 255);
        int[] green = new int[48];
        Arrays.fill(green, 16, 32, 255);
        try (NDManager manager = NDManager.newBaseManager()) {
            Batch batch = dataset.subDataset(0, 1).getData(manager).iterator().next();
            assertThat(TestImages.bytes(batch.getData().head())).isEqualTo(blue);
            assertThat(TestImages.bytes(
                            dataset.getByRange(manager, 0, 1).getData().head()))
                    .isEqualTo(green);
        }
    }

    @Test
    void imagesOfOneSizeAreCroppedToo() throws Exception {
        PixelDataset dataset = SyntheticDataset.builder()
                .optSize(4)
                .setSampling(4, false)
                .optAugmentation(RandomResizedCrop.builder().optScale(0.3, 0.5).build())
                .build();
        try (NDManager manager = NDManager.newBaseManager()) {
            Batch changed = dataset.getData(manager).iterator().next();
            Batch stored = dataset.getByRange(manager, 0, 4);
            assertThat(changed.getData().head().getShape())
                    .isEqualTo(stored.getData().head().getShape());
            assertThat(TestImages.bytes(changed.getData().head()))
                    .isNotEqualTo(TestImages.bytes(stored.getData().head()));
        }
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        RandomResizedCrop.Builder builder = RandomResizedCrop.builder();
        for (double[] wrong : new double[][] {{0, 1}, {0.5, 0.4}, {0.5, 1.1}, {Double.NaN, 1}}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.optScale(wrong[0], wrong[1]))
                    .withMessage(
                            "scale needs 0 < min <= max <= 1, was %s to %s", wrong[0], wrong[1]);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optRatio(2, 1))
                .withMessage("ratio needs 0 < min <= max, was 2.0 to 1.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.optFlipProbability(2))
                .withMessageContaining("was 2.0");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        RgbImage.of(new byte[12], 2, 2).resizePart(1, 0, 2, 1, 2, 2, new byte[12]))
                .withMessageContaining("is not in the image, which has 2 x 2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new CropBox(0, 0, 0, 1))
                .withMessageContaining("was 0 x 1 at row 0, column 0");
    }

    private static int[] ints(JsonArray array) {
        int[] values = new int[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = array.get(i).getAsInt();
        }
        return values;
    }
}
