package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

class PeerTest {

    private static final Path SOURCES = Path.of("src", "main", "python");

    @TempDir
    private Path folder;

    /** A program that says and does what a Python would that has or lacks something. */
    private String python(String script) throws IOException {
        assumeTrue(
                FileSystems.getDefault().supportedFileAttributeViews().contains("posix"),
                "a stand-in for Python is a shell script");
        Path program = folder.resolve("python");
        Files.writeString(program, "#!/bin/sh\n" + script + "\n");
        assertThat(program.toFile().setExecutable(true)).isTrue();
        return program.toString();
    }

    @Test
    void allItsScriptsComeWithTheProgram() throws IOException {
        try (Stream<Path> sources = Files.list(SOURCES)) {
            assertThat(sources.filter(Files::isRegularFile)
                            .map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(Peer.FILES);
        }
        Path scripts = folder.resolve("peer");
        Peer peer = Peer.find(python("echo"), scripts);

        assertThat(peer.isThere()).isTrue();
        assertThat(peer.command())
                .containsExactly(
                        folder.resolve("python").toString(),
                        scripts.resolve("peer.py").toString());
        for (String file : Peer.FILES) {
            assertThat(scripts.resolve(file)).hasSameTextualContentAs(SOURCES.resolve(file));
        }
    }

    @Test
    void tellsWhatAPythonLacks() throws IOException {
        String python = python("echo timm, autoattack");

        Path scripts = folder.resolve("peer");
        assertThat(Peer.find(python, scripts).missing())
                .isEqualTo(python + " lacks timm, autoattack");
        assertThat(scripts.resolve(Peer.REQUIREMENTS))
                .as("what can be installed")
                .content()
                .contains("timm==", "autoattack @");
    }

    @Test
    void knowsWhatIsNoPython() throws IOException {
        String python = python("exit 1");

        assertThat(Peer.find(python, folder).missing())
                .isEqualTo(python + " is no Python that works");
        assertThat(Peer.find("no-such-python", folder).isThere()).isFalse();
    }
}
