package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** {@code evaluate}, and the commands that look at what it leaves. */
class EvaluateCommandTest {

    @TempDir
    private static Path shared;

    private static Path run;

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void train() {
        run = shared.resolve("run");
        StringWriter errors = new StringWriter();
        int exitCode = Main.commandLine()
                .setOut(new PrintWriter(new StringWriter()))
                .setErr(new PrintWriter(errors, true))
                .execute(("train --remoe --data synthetic --samples 64 --epochs 2 --batch-size 16"
                                + " --scheme nat --optimizer adamw --lr 1e-3 --attack fgsm"
                                + " --test-samples 4 --device cpu --out " + run)
                        .split(" "));
        assertThat(exitCode).as(errors.toString()).isZero();
    }

    private int run(String arguments) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments.split(" "));
    }

    private String evaluate(String more) {
        return "evaluate --run " + run + " --samples 24 --attack fgsm,bim --epsilon 1/255,8/255 "
                + more;
    }

    @Test
    void everyAttackAndEpsilonHasItsAccuracy() throws IOException {
        Path results = folder.resolve("l2");

        assertThat(run("evaluate --run " + run + " --samples 12 --norm l2 --epsilon 0.1,0.5"
                        + " --attack pgd-2,regions-low-2,routing-2 --dense-gate --out " + results))
                .as(err.toString())
                .isZero();

        JsonObject json = JsonParser.parseString(Files.readString(results.resolve("results.json")))
                .getAsJsonObject();
        assertThat(json.getAsJsonArray("robust")).hasSize(3 * 2);
        assertThat(json.getAsJsonArray("worstCase")).hasSize(2);
        assertThat(json.getAsJsonObject("threatModel").get("norm").getAsString())
                .isEqualTo("l2");
        assertThat(json.getAsJsonObject("model").get("checksum").getAsString())
                .contains("dense gate");
        assertThat(out.toString()).contains("pgd-2 0.1", "worst case 0.5");
        assertThat(results.resolve("verdicts.partial.csv")).doesNotExist();
    }

    @Test
    void shardsMergeToTheByte() throws IOException {
        Path whole = folder.resolve("whole");
        Path merged = folder.resolve("merged");
        assertThat(run(evaluate("--out " + whole))).isZero();
        assertThat(run(evaluate("--shard 1/2 --test-batch-size 5 --out " + folder.resolve("1"))))
                .isZero();
        assertThat(run(evaluate("--shard 2/2 --test-batch-size 7 --out " + folder.resolve("2"))))
                .isZero();

        assertThat(run("merge " + folder.resolve("2") + " " + folder.resolve("1") + " --out "
                        + merged))
                .isZero();

        assertThat(merged.resolve("verdicts.csv"))
                .hasSameBinaryContentAs(whole.resolve("verdicts.csv"));
        assertThat(untimed(merged)).isEqualTo(untimed(whole));
    }

    private static JsonObject untimed(Path folder) throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(folder.resolve("results.json")))
                .getAsJsonObject();
        json.remove("command");
        json.remove("timing");
        return json;
    }

    @Test
    void partsOfOtherSettingsAreRefused() {
        assertThat(run(evaluate("--shard 1/2 --out " + folder.resolve("1")))).isZero();
        assertThat(run(evaluate("--shard 2/2 --seed 1 --out " + folder.resolve("2"))))
                .isZero();

        assertThat(run("merge " + folder.resolve("1") + " " + folder.resolve("2") + " --out "
                        + folder.resolve("merged")))
                .isEqualTo(1);

        assertThat(err.toString()).startsWith("Error: ").contains("seed: 0 and 1");
        assertThat(folder.resolve("merged")).doesNotExist();
    }

    @Test
    void savedImagesAreVerified() throws IOException {
        Path results = folder.resolve("saved");
        assertThat(run(evaluate("--save-adversarial --out " + results))).isZero();
        Path file = results.resolve("adversarial/bim-0.03137255.safetensors");

        assertThat(run("verify --run " + run + " " + file)).isZero();
        assertThat(out.toString())
                .contains("24 images within linf", "every prediction is as saved");

        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 10));
        assertThat(run("verify --run " + run + " " + file)).isEqualTo(1);
        assertThat(err.toString()).startsWith("Error: ").contains("bim-0.03137255.safetensors");
    }

    @Test
    void masksAreLookedFor() throws IOException {
        Path report = folder.resolve("masking");

        assertThat(run("masking --run " + run + " --surrogate " + run
                        + " --samples 6 --queries 10 --out " + report))
                .as(err.toString())
                .isZero();

        assertThat(Files.readString(report.resolve("masking.json"))).contains("\"verdict\"");
        assertThat(report)
                .isDirectoryContaining("glob:**/accuracy-over-epsilon.png")
                .isDirectoryContaining("glob:**/accuracy-over-epsilon.svg")
                .isDirectoryContaining("glob:**/accuracy-over-steps.png")
                .isDirectoryContaining("glob:**/loss-over-steps.png");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--epsilon 8/255,4/255 | Epsilons must ascend",
                "--epsilon 2 | at most 1.0",
                "--epsilon NaN | epsilon must be a finite number",
                "--norm l7 | Invalid value for option '--norm'",
                "--attack fgsm,fgsm | Two attacks are called 'fgsm'",
                "--attack fgms | Did you mean fgsm?",
                "--shard 3/2 | There is no shard",
                "--shard half | --shard takes I/N",
                "--samples -1 | samples",
                "--test-batch-size 0 | at least 1, got 0",
                "--data nowhere | no folder nowhere"
            })
    void wrongInputGivesOneClearMessage(String more, String message) {
        assertThat(run("evaluate --run " + run + " --out " + folder.resolve("no") + " " + more))
                .isNotZero();
        assertThat(err.toString())
                .startsWith("Error: ")
                .contains(message)
                .doesNotContain("\tat ")
                .hasLineCount(err.toString().contains("See 'remoe") ? 2 : 1);
    }
}
