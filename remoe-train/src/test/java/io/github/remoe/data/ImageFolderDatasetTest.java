package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.stream.LongStream;

class ImageFolderDatasetTest {

    @TempDir
    Path root;

    @Test
    void sortsClassesAndFilesAndFindsNestedOnes() throws Exception {
        TestImages.write(TestImages.plain(8, 8, 0x010101), root.resolve("dog/b.png"));
        TestImages.write(TestImages.plain(8, 8, 0x020202), root.resolve("dog/a/z.png"));
        TestImages.write(TestImages.plain(8, 8, 0x030303), root.resolve("cat/1.PNG"));
        TestImages.write(TestImages.plain(8, 8, 0x040404), root.resolve("cat/.hidden.png"));
        Files.writeString(root.resolve("cat/notes.txt"), "no image");
        ImageFolderDataset dataset = open(8, Usage.TRAIN);
        assertThat(dataset.getClasses()).containsExactly("cat", "dog");
        assertThat(dataset.getImageShape()).isEqualTo(new Shape(3, 8, 8));
        assertThat(LongStream.range(0, dataset.size()).mapToObj(dataset::getFile))
                .containsExactly(
                        root.resolve("cat/1.PNG"),
                        root.resolve("dog/a/z.png"),
                        root.resolve("dog/b.png"));
        try (NDManager manager = NDManager.newBaseManager()) {
            Batch batch = dataset.getData(manager).iterator().next();
            assertThat(batch.getLabels().head().toLongArray()).containsExactly(0, 1, 1);
            int[] pixels = TestImages.bytes(batch.getData().head());
            assertThat(pixels[0]).isEqualTo(3);
            assertThat(pixels[192]).isEqualTo(2);
            assertThat(pixels[384]).isEqualTo(1);
        }
    }

    @Test
    void usagePicksTheFolderAndTrainNamesTheClasses() throws IOException {
        image("train/a/1.png");
        image("train/b/1.png");
        image("val/b/1.png");
        assertThat(open(8, Usage.TRAIN).size()).isEqualTo(2);
        for (Usage usage : new Usage[] {Usage.TEST, Usage.VALIDATION}) {
            ImageFolderDataset dataset = open(8, usage);
            assertThat(dataset.getClasses()).containsExactly("a", "b");
            assertThat(dataset.size()).isEqualTo(1);
            assertThat(dataset.label(0)).isEqualTo(1);
        }
        image("test/a/1.png");
        assertThat(open(8, Usage.TEST).label(0)).isZero();
    }

    @Test
    void folderTrainWithoutFoldersInItIsAClass() throws IOException {
        image("train/1.png");
        image("tree/1.png");
        assertThat(open(8, Usage.TEST).getClasses()).containsExactly("train", "tree");
    }

    @Test
    void missingFoldersAreNamed() throws IOException {
        assertThatThrownBy(() -> ImageFolderDataset.builder()
                        .setPath(root.resolve("none"))
                        .setImageSize(8)
                        .setSampling(1, false)
                        .build())
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no folder " + root.resolve("none"));
        Files.createDirectories(root.resolve("cat"));
        assertThatThrownBy(() -> open(8, Usage.TRAIN))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no images in " + root)
                .hasMessageContaining("one folder for each class");
        image("train/a/1.png");
        assertThatThrownBy(() -> open(8, Usage.TEST))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("has a folder train but no test or val");
        image("test/unseen/1.png");
        assertThatThrownBy(() -> open(8, Usage.TEST))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has a class folder unseen that")
                .hasMessageContaining("does not have");
    }

    @Test
    void missingSettingsAreNamed() {
        assertThatThrownBy(
                        () -> ImageFolderDataset.builder().setSampling(1, false).build())
                .hasMessageContaining("setPath");
        assertThatThrownBy(() -> ImageFolderDataset.builder()
                        .setPath(root)
                        .setSampling(1, false)
                        .build())
                .hasMessageContaining("setImageSize");
        assertThatThrownBy(() -> ImageFolderDataset.builder().setImageSize(0))
                .hasMessageContaining("was 0");
    }

    @Test
    void unreadableImagesAreNamed() throws IOException {
        BufferedImage busy = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 4096; i++) {
            busy.setRGB(i % 64, i / 64, i * 2654435);
        }
        assertRefused(
                cutInHalf(TestImages.write(busy, root.resolve("c/1.jpg"))), "the file is cut off");
        assertRefused(cutInHalf(TestImages.write(busy, root.resolve("c/1.png"))), "");
        assertRefused(Files.writeString(root.resolve("c/1.jpg"), "hello"), "neither JPEG nor PNG");
        assertRefused(Files.write(root.resolve("c/1.png"), new byte[0]), "neither JPEG nor PNG");
    }

    @Test
    void trainingGoesOnWithoutAFileThatIsGone() throws Exception {
        for (int i = 0; i < 3; i++) {
            TestImages.write(TestImages.plain(8, 8, i), root.resolve("c/" + i + ".png"));
        }
        ImageFolderDataset dataset = ImageFolderDataset.builder()
                .setPath(root)
                .setImageSize(8)
                .setSampling(4, false)
                .optMaxUnreadable(1)
                .build();
        Files.delete(root.resolve("c/1.png"));
        try (NDManager manager = NDManager.newBaseManager()) {
            for (ExecutorService threads :
                    new ExecutorService[] {null, Datasets.readingThreads(1)}) {
                Batch batch = dataset.getData(manager, threads).iterator().next();
                assertThat(batch.getIndices()).isEqualTo(List.of(0L, 2L, 2L));
                assertThat(TestImages.bytes(batch.getData().head())).endsWith(2);
            }
            assertThatThrownBy(() -> dataset.getByIndices(manager, 1))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessage("cannot read the image " + root.resolve("c/1.png")
                            + " (it is not there); replace it or leave it out");
        }
    }

    private void assertRefused(Path file, String reason) throws IOException {
        ImageFolderDataset dataset = open(8, Usage.TRAIN);
        try (NDManager manager = NDManager.newBaseManager()) {
            assertThatThrownBy(() -> dataset.getData(manager).iterator().next())
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageStartingWith("cannot read the image " + file)
                    .hasMessageContaining(reason);
        }
        Files.delete(file);
    }

    private static Path cutInHalf(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        return Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
    }

    private void image(String file) throws IOException {
        TestImages.write(TestImages.plain(8, 8, 0), root.resolve(file));
    }

    private ImageFolderDataset open(int imageSize, Usage usage) throws IOException {
        return ImageFolderDataset.builder()
                .setPath(root)
                .setImageSize(imageSize)
                .optUsage(usage)
                .setSampling(4, false)
                .build();
    }
}
