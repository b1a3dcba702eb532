package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class CifarDatasetTest {

    @TempDir
    Path folder;

    @Test
    void readsTheLayoutOfCifar10() throws Exception {
        byte[] bytes = records(1, 2, 7);
        // Second record, counted from its label: red (0,0), red (0,1), red (1,0), green (0,0) and
        // the last of blue.
        bytes[3073] = 9;
        bytes[3073 + 1] = 10;
        bytes[3073 + 2] = 20;
        bytes[3073 + 1 + 32] = 30;
        bytes[3073 + 1 + 1024] = (byte) 200;
        bytes[3073 + 3072] = (byte) 255;
        Files.write(folder.resolve("test_batch.bin"), bytes);
        CifarDataset dataset = open(folder, Usage.TEST);
        assertThat(dataset.size()).isEqualTo(2);
        assertThat(dataset.getClasses()).hasSize(10).startsWith("airplane").endsWith("truck");
        try (NDManager manager = NDManager.newBaseManager()) {
            Batch batch = dataset.getByRange(manager, 0, 2);
            assertThat(batch.getLabels().head().toLongArray()).containsExactly(7, 9);
            int[] pixels = TestImages.bytes(batch.getData().head().get(1));
            assertThat(pixels[0]).isEqualTo(10);
            assertThat(pixels[1]).isEqualTo(20);
            assertThat(pixels[32]).isEqualTo(30);
            assertThat(pixels[1024]).isEqualTo(200);
            assertThat(pixels[3071]).isEqualTo(255);
        }
    }

    @Test
    void readsAllFiveTrainingFilesInOrder() throws Exception {
        Path inner = Files.createDirectories(folder.resolve("cifar-10-batches-bin"));
        for (int i = 1; i <= 5; i++) {
            Files.write(inner.resolve("data_batch_" + i + ".bin"), records(1, i, i));
        }
        Files.writeString(inner.resolve("batches.meta.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n");
        CifarDataset dataset = open(folder, Usage.TRAIN);
        assertThat(dataset.getClasses())
                .isEqualTo(List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j"));
        try (NDManager manager = NDManager.newBaseManager()) {
            long[] labels =
                    dataset.getByRange(manager, 0, 15).getLabels().head().toLongArray();
            assertThat(labels).containsExactly(1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5);
        }
    }

    @Test
    void readsTheFineLabelsOfCifar100() throws Exception {
        byte[] bytes = records(2, 2, 99);
        bytes[0] = 19; // coarse
        bytes[2] = 42; // first red pixel
        bytes[3074 + 1] = 5;
        Path inner = Files.createDirectories(folder.resolve("cifar-100-binary"));
        Files.write(inner.resolve("train.bin"), bytes);
        CifarDataset dataset = open(folder, Usage.TRAIN);
        assertThat(dataset.getClasses()).hasSize(100).startsWith("0", "1").endsWith("99");
        try (NDManager manager = NDManager.newBaseManager()) {
            Batch batch = dataset.getByRange(manager, 0, 2);
            assertThat(batch.getLabels().head().toLongArray()).containsExactly(99, 5);
            assertThat(TestImages.bytes(batch.getData().head())[0]).isEqualTo(42);
        }
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        assertThatThrownBy(() -> open(folder.resolve("none"), Usage.TRAIN))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no folder " + folder.resolve("none"));
        assertThatThrownBy(() -> open(folder, Usage.TRAIN))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no CIFAR binary files in " + folder)
                .hasMessageContaining("expected data_batch_1.bin");
        Files.write(folder.resolve("data_batch_1.bin"), records(1, 1, 0));
        assertThatThrownBy(() -> open(folder, Usage.TRAIN))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageContaining("no file " + folder.resolve("data_batch_2.bin"));
    }

    @Test
    void cutOffAndEmptyFilesAreRefused() throws IOException {
        Path file = Files.write(folder.resolve("test_batch.bin"), new byte[5000]);
        assertThatThrownBy(() -> open(folder, Usage.TEST))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(file + " is cut off or no CIFAR10 file: it has 5000 bytes")
                .hasMessageContaining("multiple of 3073");
        Files.write(file, new byte[0]);
        assertThatThrownBy(() -> open(folder, Usage.TEST)).hasMessageContaining("it has 0 bytes");
    }

    @Test
    void labelsOutOfRangeAreRefused() throws IOException {
        byte[] bytes = records(1, 3, 9);
        bytes[2 * 3073] = 10;
        Path file = Files.write(folder.resolve("test_batch.bin"), bytes);
        assertThatThrownBy(() -> open(folder, Usage.TEST))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(
                        file + " is damaged or no CIFAR10 file: record 2 has label 10")
                .hasMessageContaining("expected 0 to 9");
    }

    @Test
    void wrongNumberOfClassNamesIsRefused() throws IOException {
        Files.write(folder.resolve("test_batch.bin"), records(1, 1, 0));
        Files.writeString(folder.resolve("batches.meta.txt"), "cat\ndog\n");
        assertThatThrownBy(() -> open(folder, Usage.TEST))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has 2 class names, expected 10");
    }

    @Test
    void bothVariantsInOneFolderAreAmbiguous() throws IOException {
        Files.createDirectories(folder.resolve("cifar-10-batches-bin"));
        Files.createDirectories(folder.resolve("cifar-100-binary"));
        Files.write(folder.resolve("cifar-10-batches-bin/test_batch.bin"), records(1, 1, 0));
        Files.write(folder.resolve("cifar-100-binary/test.bin"), records(2, 1, 0));
        assertThatThrownBy(() -> open(folder, Usage.TEST))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("holds both CIFAR-10 and CIFAR-100");
    }

    @Test
    void thereIsNoValidationSet() {
        assertThatThrownBy(() -> open(folder, Usage.VALIDATION))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no validation set");
    }

    /** Black images, all of one label. */
    static byte[] records(int labelBytes, int count, int label) {
        byte[] bytes = new byte[count * (labelBytes + 3072)];
        for (int i = 0; i < count; i++) {
            bytes[i * (labelBytes + 3072) + labelBytes - 1] = (byte) label;
        }
        return bytes;
    }

    private static CifarDataset open(Path path, Usage usage) throws IOException {
        return CifarDataset.builder()
                .setPath(path)
                .optUsage(usage)
                .setSampling(2, false)
                .build();
    }
}
