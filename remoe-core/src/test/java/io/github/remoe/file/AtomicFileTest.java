package io.github.remoe.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class AtomicFileTest {

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void old() throws IOException {
        file = folder.resolve("run.json");
        Files.writeString(file, "old");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    @Test
    void theOldContentStaysUntilTheNewIsWhole() throws IOException {
        AtomicFile.write(file, beside -> {
            Files.writeString(beside, "new");
            assertThat(file).hasContent("old");
            assertThat(beside.getParent()).isEqualTo(folder);
        });

        assertThat(file).hasContent("new");
        assertThat(files()).containsExactly(file);
    }

    @Test
    void aTextIsWrittenInUtf8() throws IOException {
        AtomicFile.write(file, "caf\u00e9");

        assertThat(Files.readAllBytes(file)).hasSize(5);
    }

    @Test
    void whateverFailsLeavesTheOldContentAndNothingElse() throws IOException {
        for (Throwable failure : List.of(
                new IOException("full"), new IllegalArgumentException(), new OutOfMemoryError())) {
            assertThatThrownBy(() -> AtomicFile.write(file, beside -> {
                        Files.writeString(beside, "half");
                        if (failure instanceof IOException e) {
                            throw e;
                        }
                        if (failure instanceof Error e) {
                            throw e;
                        }
                        throw (RuntimeException) failure;
                    }))
                    .isSameAs(failure);
            assertThat(file).hasContent("old");
            assertThat(files()).containsExactly(file);
        }
    }

    @Test
    void aPlaceThatCannotBeReplacedIsNamedAndNothingIsLeft() throws IOException {
        Path taken = folder.resolve("taken");
        Files.createDirectories(taken.resolve("full"));

        assertThatIOException()
                .isThrownBy(() -> AtomicFile.write(taken, "new"))
                .withMessageContaining("taken");
        assertThat(files()).containsExactlyInAnyOrder(file, taken);
    }

    @Test
    void whatAKilledProcessLeftIsOverwritten() throws IOException {
        Files.writeString(folder.resolve(".run.json"), "much longer than new");

        AtomicFile.write(file, "new");

        assertThat(file).hasContent("new");
        assertThat(files()).containsExactly(file);
    }
}
