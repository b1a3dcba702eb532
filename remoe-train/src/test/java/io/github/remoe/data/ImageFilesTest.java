package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

class ImageFilesTest {

    @TempDir
    private Path folder;

    @BeforeEach
    void draw() throws IOException {
        TestImages.write(TestImages.plain(6, 4, 0x102030), folder.resolve("dog/a.png"));
        TestImages.write(TestImages.plain(4, 4, 0x405060), folder.resolve("dog/puppies/b.png"));
        TestImages.write(TestImages.plain(9, 5, 0x708090), folder.resolve("other/c.png"));
        Files.writeString(folder.resolve("other/notes.txt"), "no image");
    }

    private static ImageFiles files(Path... paths) throws IOException {
        ImageFiles.Builder builder = ImageFiles.builder()
                .setImageSize(2)
                .optClasses(List.of("cat", "dog"))
                .setSampling(10, false);
        for (Path path : paths) {
            builder.addPath(path);
        }
        return builder.build();
    }

    private static List<Integer> labels(ImageFiles files) {
        return LongStream.range(0, files.size()).mapToObj(files::label).toList();
    }

    @Test
    void aFolderNamedLikeAClassIsTheLabel() throws IOException {
        assertThat(labels(files(folder))).containsExactly(1, 1, ImageFiles.UNLABELLED);
        assertThat(labels(files(folder.resolve("dog")))).containsExactly(1, 1);
        assertThat(labels(files(folder.resolve("dog/a.png")))).containsExactly(1);
    }

    @Test
    void foldersAboveWhatWasGivenDoNotCount() throws IOException {
        assertThat(labels(files(folder.resolve("dog/puppies/b.png"))))
                .containsExactly(ImageFiles.UNLABELLED);
    }

    @Test
    void filesComeInTheOrderGivenAndFoldersByName() throws IOException {
        ImageFiles files = files(folder.resolve("other/c.png"), folder);

        assertThat(files.size()).isEqualTo(4);
        assertThat(LongStream.range(0, 4)
                        .mapToObj(i -> files.getFile(i).getFileName().toString()))
                .containsExactly("c.png", "a.png", "b.png", "c.png");
        try (NDManager manager = NDManager.newBaseManager();
                Batch batch = files.getByRange(manager, 0, 2)) {
            assertThat(TestImages.bytes(batch.getData().head().get("0, :, 0, 0")))
                    .containsExactly(0x70, 0x80, 0x90);
            assertThat(TestImages.bytes(batch.getData().head().get("1, :, 1, 1")))
                    .containsExactly(0x10, 0x20, 0x30);
        }
    }

    @Test
    void theDamagedFileAmongManyIsNamed() throws IOException {
        Path damaged = folder.resolve("other/b.png");
        Files.writeString(damaged, "not a picture");
        ImageFiles files = files(folder);

        assertThatIOException().isThrownBy(files::check).withMessageContaining(damaged.toString());
    }

    @Test
    void missingPathsAndEmptyFoldersAreTold() throws IOException {
        Path empty = Files.createDirectory(folder.resolve("empty"));

        assertThatIOException()
                .isThrownBy(() -> files(folder.resolve("nowhere.png")))
                .withMessageContaining("no file or folder")
                .withMessageContaining("nowhere.png");
        assertThatIOException()
                .isThrownBy(() -> files(empty))
                .withMessageContaining("no images in " + empty);
    }
}
