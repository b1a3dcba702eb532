package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class DatasetsTest {

    @TempDir
    Path root;

    @Test
    void findsEachKind() throws IOException {
        assertThat(open("synthetic", 32)).isInstanceOf(SyntheticDataset.class);

        TestImages.write(TestImages.plain(8, 8, 0), root.resolve("images/test/cat/1.png"));
        PixelDataset images = open(root.resolve("images").toString(), 24);
        assertThat(images).isInstanceOf(ImageFolderDataset.class);
        assertThat(images.getImageShape()).isEqualTo(new Shape(3, 24, 24));

        Path cifar = Files.createDirectories(root.resolve("cifar-10-batches-bin"));
        Files.write(cifar.resolve("test_batch.bin"), CifarDatasetTest.records(1, 2, 0));
        assertThat(open(root.toString(), 32)).isInstanceOf(CifarDataset.class);
        assertThat(open(cifar.toString(), 32).getClasses()).hasSize(10);
    }

    @Test
    void unknownLayoutsAndMissingFoldersAreNamed() {
        assertThatThrownBy(() -> open(root.resolve("none").toString(), 32))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no folder " + root.resolve("none"))
                .hasMessageContaining("synthetic");
        assertThatThrownBy(() -> open(root.toString(), 32))
                .isInstanceOf(FileNotFoundException.class)
                .hasMessageStartingWith("no dataset in " + root)
                .hasMessageContaining("expected data_batch_1.bin");
    }

    @Test
    void whatDjlDoesNotHaveIsToBeFetchedByHand() {
        for (String name : new String[] {"cifar100", "imagenette", "imagenet"}) {
            assertThatThrownBy(() -> open(name, 32))
                    .isInstanceOf(FileNotFoundException.class)
                    .hasMessageStartingWith(name + " is not downloaded by itself: get ")
                    .hasMessageContaining("https://")
                    .hasMessageEndingWith("and give that folder instead of \"" + name + "\"");
        }
    }

    @Test
    void otherImageSizesAreRefusedWhereThereIsOnlyOne() {
        assertThatThrownBy(() -> open("cifar10", 224))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("CIFAR-10 has images of 32 x 32");
        assertThatThrownBy(() -> open("synthetic", 224))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("set the image size to 32, was 224");
    }

    private static PixelDataset open(String data, int imageSize) throws IOException {
        return Datasets.builder(data, Usage.TEST, imageSize)
                .setSampling(2, false)
                .build();
    }
}
