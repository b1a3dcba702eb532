package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunFolder;

import org.jsoup.Jsoup;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class ReportFolderTest {

    @TempDir
    private Path folder;

    private Path evaluation(String name) throws IOException {
        EvaluationSettings settings = new EvaluationSettings(
                name,
                "synthetic",
                "data",
                Norm.LINF,
                0,
                1,
                List.of(8 / 255f),
                List.of(new NamedAttack("fgsm", List.of("Fgsm[]"))),
                false,
                7);
        Verdicts verdicts = new Verdicts(
                settings,
                List.of(
                        new Verdict(0, 1, 1, List.of(List.of(0))),
                        new Verdict(1, 0, 0, List.of(List.of(0)))));
        Path path = Files.createDirectories(folder.resolve(name));
        verdicts.save(path.resolve("verdicts.csv"));
        new RunFolder(path)
                .writeResults(
                        Results.builder(verdicts).optVerdicts("verdicts.csv").build());
        return path;
    }

    private static RunReport report(Path... runs) {
        RunReport.Builder builder = RunReport.builder();
        for (Path run : runs) {
            builder.addRun(run);
        }
        return builder.build();
    }

    private static List<String> figures(Path report) throws IOException {
        try (Stream<Path> files = Files.list(report.resolve("figures"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static List<String> named(Path report) throws IOException {
        return Jsoup.parse(Files.readString(report.resolve("report.html")))
                .select("figure")
                .eachAttr("id")
                .stream()
                .flatMap(id -> Stream.of(id + ".png", id + ".svg"))
                .sorted()
                .toList();
    }

    @Test
    void figuresOfAnEarlierReportAreRemovedAndOtherFilesAreNot() throws IOException {
        Path out = folder.resolve("report");
        report(evaluation("first"), evaluation("second")).write(out);
        assertThat(figures(out)).isEqualTo(named(out)).anyMatch(name -> name.startsWith("run2-"));
        // A name as figures have it, which no page has listed.
        Files.writeString(out.resolve("figures/run2-holiday.png"), "mine");
        Files.writeString(out.resolve("figures/notes.svg"), "mine");

        report(folder.resolve("first")).write(out);

        assertThat(named(out)).isNotEmpty().noneMatch(name -> name.startsWith("run2-"));
        assertThat(figures(out))
                .containsAll(named(out))
                .hasSize(named(out).size() + 2)
                .contains("run2-holiday.png", "notes.svg");
    }

    @Test
    void aPageThatFailsLeavesTheEarlierOne() throws IOException {
        Path out = folder.resolve("report");
        report(evaluation("first"), evaluation("second")).write(out);
        List<String> before = figures(out);
        String page = Files.readString(out.resolve("report.html"));

        assertThatIOException()
                .isThrownBy(() ->
                        report(folder.resolve("first"), folder.resolve("none")).write(out));

        assertThat(figures(out)).isEqualTo(before);
        assertThat(out.resolve("report.html")).hasContent(page);
    }

    @Test
    void aFileInThePlaceOfTheFolderIsNamed() throws IOException {
        Path run = evaluation("run");
        Path file = Files.writeString(folder.resolve("afile"), "text");

        for (Path out : List.of(file, file.resolve("sub/report"))) {
            assertThatIOException()
                    .isThrownBy(() -> report(run).write(out))
                    .withMessageContaining("The report cannot be written to " + out)
                    .withMessageContaining(file + " is no folder")
                    .withMessageContaining("--out");
        }
        assertThat(file).hasContent("text");
        Path taken = Files.createDirectories(folder.resolve("taken"));
        Files.writeString(taken.resolve("figures"), "text");
        assertThatIOException()
                .isThrownBy(() -> report(run).write(taken))
                .withMessageContaining(taken.resolve("figures") + " is no folder");
        Path other = Files.createDirectories(folder.resolve("other"));
        Files.createDirectories(other.resolve("report.html"));
        assertThatIOException()
                .isThrownBy(() -> report(run).write(other))
                .withMessageContaining("report.html is a folder");
    }

    @Test
    void aFolderThatCannotBeWrittenIsNamedWithWhatToDo() throws IOException {
        Path run = evaluation("run");
        assumeThat(run.toFile().setWritable(false)).isTrue();
        try {
            // For an administrator there is no such folder.
            assumeThat(Files.isWritable(run)).isFalse();

            assertThatIOException()
                    .isThrownBy(() -> report(run).write(run.resolve("report")))
                    .withMessageContaining(run + " cannot be written")
                    .withMessageContaining("--out");
        } finally {
            assertThat(run.toFile().setWritable(true)).isTrue();
        }
    }
}
