package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** The checksums that name datasets for good, and the shards that they are divided into. */
class ChecksumTest {

    @TempDir
    private Path temp;

    private static PixelDataset gradient(int size) {
        return GradientDataset.builder(size).setSampling(2, false).build();
    }

    @Test
    void itIsTheHashOfShapeLabelsAndPixels() throws Exception {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update("(3, 2, 3)".getBytes(StandardCharsets.UTF_8));
        for (int i = 0; i < 6; i++) {
            digest.update(ByteBuffer.allocate(4).putInt(i % 4).array());
            byte[] pixels = new byte[18];
            Arrays.fill(pixels, (byte) i);
            digest.update(pixels);
        }

        assertThat(gradient(6).getChecksum()).isEqualTo(HexFormat.of().formatHex(digest.digest()));
    }

    @Test
    void aSubsetHasTheChecksumOfTheWhole() {
        PixelDataset whole = gradient(6);

        PixelDataset part = whole.subDataset(List.of(4L, 1L, 5L));

        assertThat(part.getChecksum()).isEqualTo(whole.getChecksum());
        assertThat(part.subDataset(1, 3).getChecksum()).isEqualTo(whole.getChecksum());
        assertThat(part.getIndex(0)).isEqualTo(4);
        assertThat(part.subDataset(1, 3).getIndex(1)).isEqualTo(5);
        assertThat(gradient(7).getChecksum()).isNotEqualTo(whole.getChecksum());
    }

    @Test
    void drawsHaveChecksumsOfTheirOwn() {
        SyntheticDataset.Builder builder =
                SyntheticDataset.builder().optSize(20).setSampling(1, false);

        String one = builder.build().getChecksum();

        assertThat(builder.build().getChecksum()).isEqualTo(one);
        assertThat(builder.optSeed(1).build().getChecksum()).isNotEqualTo(one);
    }

    @Test
    void anImageThatCannotBeReadIsNamed() {
        PixelDataset broken =
                GradientDataset.builder(6).optBroken(3L).setSampling(2, false).build();

        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(broken::getChecksum)
                .withMessageContaining("image 3");
    }

    private String folder(String name, int size, String... files) throws IOException {
        Path root = temp.resolve(name);
        for (String file : files) {
            Path path = root.resolve(file);
            Files.createDirectories(path.getParent());
            // Never decoded here.
            Files.writeString(path, file.contains("long") ? "longer" : "text");
        }
        return ImageFolderDataset.builder()
                .setPath(root)
                .setImageSize(size)
                .setSampling(1, false)
                .build()
                .getChecksum();
    }

    @Test
    void anImageFolderGoesByPathsSizesAndLabels() throws IOException {
        String one = folder("one", 8, "cat/1.png", "dog/2.png");

        assertThat(folder("same", 8, "dog/2.png", "cat/1.png")).isEqualTo(one);
        assertThat(folder("train", 8, "train/cat/1.png", "train/dog/2.png")).isEqualTo(one);
        assertThat(folder("name", 8, "cat/1.png", "dog/3.png")).isNotEqualTo(one);
        assertThat(folder("class", 8, "cat/1.png", "emu/2.png")).isNotEqualTo(one);
        assertThat(folder("more", 8, "cat/1.png", "dog/2.png", "dog/3.png")).isNotEqualTo(one);
        assertThat(folder("size", 16, "cat/1.png", "dog/2.png")).isNotEqualTo(one);
        assertThat(folder("bytes", 8, "cat/1.png", "dog/long.png"))
                .isNotEqualTo(folder("bytes2", 8, "cat/long.png", "dog/1.png"));
        Files.writeString(temp.resolve("one/dog/2.png"), "another length");
        assertThat(folder("one", 8)).isNotEqualTo(one);
    }

    @Test
    void everyImageIsInOneShard() {
        PixelDataset part = gradient(11).subDataset(List.of(10L, 0L, 3L, 7L, 6L));
        List<Long> indices = new ArrayList<>();

        for (int shard = 0; shard < 3; shard++) {
            PixelDataset images = Datasets.shard(part, shard, 3);
            for (int position = 0; position < images.size(); position++) {
                assertThat(images.getIndex(position) % 3).isEqualTo(shard);
                indices.add(images.getIndex(position));
            }
        }

        assertThat(indices).containsExactlyInAnyOrder(10L, 0L, 3L, 7L, 6L);
        assertThat(Datasets.shard(part, 0, 1)).isSameAs(part);
    }

    @Test
    void thereIsNoOtherShard() {
        for (int[] wrong : new int[][] {{3, 3}, {-1, 3}, {0, 0}}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Datasets.shard(gradient(4), wrong[0], wrong[1]))
                    .withMessageContaining("no shard " + wrong[0] + " of " + wrong[1]);
        }
    }
}
