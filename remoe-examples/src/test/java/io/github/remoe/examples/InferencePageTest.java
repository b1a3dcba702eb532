package io.github.remoe.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The Java on the page is that of the programs, which are compiled and run. */
class InferencePageTest {

    private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
    private static final Path PROGRAMS = Path.of("src/main/java/io/github/remoe/examples");

    @Test
    void itsBlocksAreInThePrograms() throws IOException {
        String programs =
                withoutIndentation(Files.readString(PROGRAMS.resolve("ClassifyImage.java"))
                        + Files.readString(PROGRAMS.resolve("ReplaceFeedForward.java")));
        Matcher blocks = JAVA.matcher(Files.readString(Path.of("../docs/inference.md")));
        List<String> found = new ArrayList<>();
        while (blocks.find()) {
            found.add(withoutIndentation(blocks.group(1)));
        }
        assertThat(found).hasSize(4).allSatisfy(block -> assertThat(programs).contains(block));
    }

    private static String withoutIndentation(String text) {
        return text.lines().map(String::strip).collect(Collectors.joining("\n"));
    }
}
