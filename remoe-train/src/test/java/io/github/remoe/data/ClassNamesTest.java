package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class ClassNamesTest {

    @TempDir
    Path root;

    private List<String> classes(Path path, Usage usage) throws IOException {
        return ImageFolderDataset.builder()
                .setPath(path)
                .setImageSize(4)
                .optUsage(usage)
                .setSampling(1, false)
                .build()
                .getClasses();
    }

    private void image(String file) throws IOException {
        TestImages.write(TestImages.plain(4, 4, 0), root.resolve(file));
    }

    @Test
    void imagenetteIsKnown() throws IOException {
        image("train/n03888257/1.jpg");
        image("train/n01440764/1.jpg");
        image("val/n03888257/2.jpg");
        assertThat(classes(root, Usage.TRAIN)).containsExactly("tench", "parachute");
        assertThat(classes(root, Usage.VALIDATION)).containsExactly("tench", "parachute");
        assertThat(classes(root, Usage.TEST)).containsExactly("tench", "parachute");
    }

    @Test
    void otherFoldersKeepTheirNames() throws IOException {
        image("n01440764/1.jpg");
        image("n09999999/1.jpg");
        Files.writeString(root.resolve("classes.txt"), "cat\ndog\n\n");
        assertThat(classes(root, Usage.TRAIN)).containsExactly("n01440764", "n09999999");
    }

    @Test
    void namesAreReadFromAFileBesideTheFolders() throws IOException {
        image("train/a1/1.jpg");
        image("train/b2/1.jpg");
        Files.writeString(root.resolve("classes.txt"), "b2\tsea lion\na1 grey fox, Urocyon\n");
        assertThat(classes(root, Usage.TRAIN)).containsExactly("grey fox", "sea lion");
    }

    @Test
    void imageNetHasItsFileAboveAndTwoKindsOfCrane() throws IOException {
        image("ILSVRC/Data/CLS-LOC/train/n02012849/1.JPEG");
        image("ILSVRC/Data/CLS-LOC/train/n02110341/1.JPEG");
        image("ILSVRC/Data/CLS-LOC/train/n03126707/1.JPEG");
        Files.writeString(root.resolve("LOC_synset_mapping.txt"), """
                n02012849 crane
                n02110341 dalmatian, coach dog, carriage dog
                n03126707 crane
                """);
        Path folder = root.resolve("ILSVRC/Data/CLS-LOC");
        List<String> classes = classes(folder, Usage.TRAIN);
        assertThat(classes).containsExactly("crane (n02012849)", "dalmatian", "crane (n03126707)");

        ImageFiles files = ImageFiles.builder()
                .addPath(folder)
                .setImageSize(4)
                .optClasses(classes)
                .setSampling(1, false)
                .build();
        assertThat(List.of(files.label(0), files.label(1), files.label(2)))
                .containsExactly(0, 1, 2);
    }
}
