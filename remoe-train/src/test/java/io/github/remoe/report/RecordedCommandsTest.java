package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;

import org.jsoup.Jsoup;
import org.jsoup.nodes.Document;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The commands that a page names, and what it says of a check of something else. */
class RecordedCommandsTest {

    private static final String EVALUATE =
            "evaluate --run runs/a --weights last --step-size 1/255 --data 'my data'";
    private static final String MASKING = "masking --run runs/a --seed 3";

    @TempDir
    private Path folder;

    private RunFolder run;

    @BeforeEach
    void createRun() throws IOException {
        run = new RunFolder(folder.resolve("run"));
        run.create(
                RunConfig.defaults().with(Map.of("data", "synthetic")),
                new RunInfo(List.of("cat", "dog"), "synthetic", "data", 8, "cpu()", Map.of()));
    }

    private void evaluate(String command) throws IOException {
        EvaluationSettings settings = new EvaluationSettings(
                "model",
                "synthetic",
                "data",
                Norm.LINF,
                0,
                1,
                List.of(8 / 255f),
                List.of(new NamedAttack("fgsm", List.of("Fgsm[]"))),
                false,
                7);
        Verdicts verdicts =
                new Verdicts(settings, List.of(new Verdict(0, 1, 1, List.of(List.of(0)))));
        run.writeResults(Results.builder(verdicts).optCommand(command).build());
    }

    private void check(String model, String data, String command) throws IOException {
        MaskingReport report = new MaskingReport(
                        ThreatModel.linf(8 / 255f),
                        new Accuracy(1, 1),
                        List.of(new MaskingReport.Steps(1, 1.2, new Accuracy(1, 1))),
                        List.of(new MaskingReport.Epsilon(1, new Accuracy(0, 1))),
                        List.of(),
                        List.of())
                .about(model, data, command);
        Path file =
                Files.createDirectories(run.getPath().resolve("masking")).resolve("masking.json");
        Files.writeString(file, report.toJson());
        assertThat(MaskingReport.load(file)).isEqualTo(report);
    }

    private Document page() throws IOException {
        return Jsoup.parse(RunReport.builder().addRun(run.getPath()).build().toHtml());
    }

    private String settings() throws IOException {
        return page().selectFirst("#run1-settings").parent().text();
    }

    @Test
    void recordedCommandsAreShownAsTheyAre() throws IOException {
        evaluate(EVALUATE);
        check("model", "data", MASKING);

        assertThat(settings())
                .contains(EVALUATE, MASKING, "train --from " + run.getPath() + " --out NEW")
                .doesNotContain("not on record");
    }

    @Test
    void otherCommandsAreSaidToBePutTogether() throws IOException {
        evaluate(null);
        check(null, null, null);

        assertThat(settings())
                .contains(
                        "not on record",
                        "may lack options",
                        "evaluate --run " + run.getPath() + " --attack fgsm --norm linf",
                        "masking --run " + run.getPath());
    }

    @Test
    void resultsFromBeforeCommandsWereRecordedAreRead() throws IOException {
        evaluate(EVALUATE);
        Path file = run.getPath().resolve("results.json");
        JsonObject json = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        assertThat(json.remove("command").getAsString()).isEqualTo(EVALUATE);
        Files.writeString(file, json.toString());

        assertThat(run.readResults().command()).isNull();
        assertThat(settings()).contains("not on record");
    }

    @Test
    void aCheckOfOtherWeightsOrDataIsToldApart() throws IOException {
        evaluate(EVALUATE);

        check("model", "data", MASKING);
        assertThat(page().select(".missing").eachText())
                .noneMatch(text -> text.contains("than the accuracies above"));
        check(null, null, null);
        assertThat(page().select(".missing").eachText())
                .noneMatch(text -> text.contains("than the accuracies above"));
        check("other", "data", MASKING);
        assertThat(page().select(".missing").eachText())
                .anyMatch(text -> text.contains("another model than the accuracies above"))
                .noneMatch(text -> text.contains("other data"));
        check("model", "other", MASKING);
        assertThat(page().select(".missing").eachText())
                .anyMatch(text -> text.contains("other data than the accuracies above"));
    }

    @Test
    void theFootNamesTheCommandThatMadeThePage() throws IOException {
        evaluate(EVALUATE);

        assertThat(page().text()).contains("Made by: report --run " + run.getPath());
        String html = RunReport.builder()
                .addRun(run.getPath())
                .optCommand("report --run a --out 'b c'")
                .build()
                .toHtml();
        assertThat(Jsoup.parse(html).text()).contains("Made by: report --run a --out 'b c'");
    }
}
