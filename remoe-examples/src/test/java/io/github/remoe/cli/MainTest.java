package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class MainTest {

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    @ParameterizedTest
    @CsvSource({
        "deit_tiny_patch4_32 --classes 10, 5362762, 365107584",
        "deit_tiny_patch4_32 --classes 10 --remoe, 5630332, 369346944",
        "deit_tiny_patch16_224, 5717416, 1253683200",
        "deit_small_patch16_224, 22050664, 4598882304",
        "vit_small_patch16_224, 22050664, 4598882304"
    })
    void infoCountsParametersAndMultiplyAdds(String arguments, long parameters, long macs) {
        assertThat(run(("info --json --model " + arguments).split(" "))).isZero();
        JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(json.get("parameters").getAsLong()).isEqualTo(parameters);
        assertThat(json.get("macs").getAsLong()).isEqualTo(macs);
    }

    @Test
    void infoDrawsTheRegions() {
        assertThat(run("info", "--layers", "1,2", "--regions", "2x4")).isZero();
        assertThat(out.toString()).contains("layer 2, ReMoE").contains(" 1  1  2* 2* 3* 3* 4  4");
    }

    @Test
    void trainsAndEvaluatesAgain() throws IOException {
        Path run = folder.resolve("run");
        int exitCode = run(
                "train",
                "--remoe",
                "--data=synthetic",
                "--samples=64",
                "--epochs=1",
                "--batch-size=16",
                "--attack-steps=1",
                "--attack=fgsm,pgd-2",
                "--test-samples=20",
                "--device=cpu",
                "--out=" + run);
        assertThat(err.toString()).doesNotContain("Error");
        assertThat(exitCode).isZero();
        assertThat(run).isDirectoryContaining("glob:**/last-0001.params");
        assertThat(Files.readAllLines(run.resolve("log.csv"))).hasSize(1 + 4);
        JsonObject first = results(run);
        assertThat(first.getAsJsonArray("robust")).hasSize(2);

        assertThat(run("evaluate", "--run=" + run, "--attack=fgsm,pgd-2", "--samples=20"))
                .isZero();
        JsonObject second = results(run);
        for (String differing : List.of("timing", "command")) {
            assertThat(first.remove(differing)).isNotEqualTo(second.remove(differing));
        }
        assertThat(second).isEqualTo(first);

        assertThat(run("train", "--data=synthetic", "--out=" + run)).isEqualTo(1);
        assertThat(err.toString()).contains("holds a run already");
    }

    private static JsonObject results(Path run) throws IOException {
        return JsonParser.parseString(Files.readString(run.resolve("results.json")))
                .getAsJsonObject();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "info --model deit_giant | Unknown model 'deit_giant'. Known models: deit_small",
                "info --layers 13 --model deit_tiny_patch4_32 | There is no layer 13: the network"
                        + " has layers 1 to 12.",
                "info --regions 9x1 | 9 x 1 regions do not fit a grid of 8 x 8 patches",
                "info --regions four | regions is 'four', allowed is ROWSxCOLUMNS",
                "info --top-k 5 | topK must be 1 to 4",
                "info --gate LOUD | gate is 'LOUD', allowed is AEA, MLP, UNIFORM",
                "train --data nowhere --out x | nowhere",
                "train --data synthetic --out x --model deit_tiny_patch16_224 | 32",
                "train --data synthetic --out x --epsilon lots | epsilon is 'lots', allowed is a number",
                "train --data synthetic --out x --attack loud | Unknown attack 'loud'",
                "train --remoe --data synthetic --out x --beta 2 | beta is '2', allowed is a number of at least 0 and at most 1.",
                "train --data synthetic --out x --attack-steps 0 | attackSteps is '0'",
                "train --data synthetic --out x --momentum 2 | momentum is '2'",
                "train --data synthetic --out x --milestones 0 | milestones holds 0",
                "train --data synthetic --out x --test-batch-size 0 | must be at least 1, got 0.",
                "train --data synthetic --out x --oot y | Unknown option",
                "train --data synthetic --out x --live 70000 | There is no port 70000: choose one of",
                "train --data synthetic --out x --live loud | --live",
                "train --data synthetic --out x --lr 0 | learningRate is '0', allowed is a number above 0",
                "evaluate --run nowhere | There is no folder nowhere. Name the folder of a training run.",
                "evaluate --run src | There is no config.yaml in src. Name the folder of a training run.",
                "train --data synthetic | Missing required argument",
                "train --data synthetic --out x --pretrained nowhere | pretrained is 'nowhere', which does not exist",
                "train --data synthetic --out x --initial-run nowhere | There is no folder nowhere",
                "train --data synthetic --out x --samples 9 --recipe micro-sat --validation 5000 | validation is 5000, but there are only"
            })
    void wrongInputGivesOneClearMessage(String arguments, String message) {
        assertThat(run(arguments.trim().split(" "))).isNotZero();
        assertThat(err.toString())
                .startsWith("Error: ")
                .contains(message)
                .doesNotContain("\tat ", "Error: Error")
                .hasLineCount(err.toString().contains("See 'remoe") ? 2 : 1);
        assertThat(Path.of("x")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"evaluate", "attack --out x"})
    void anExportedNetworkIsNoRun(String command) throws IOException {
        Files.createFile(folder.resolve("serving.properties"));
        assertThat(run((command + " --run " + folder).split(" "))).isEqualTo(1);
        assertThat(err.toString())
                .startsWith(
                        "Error: " + folder + " holds an exported network, which 'predict' takes.")
                .contains("needs the folder of the training run");
    }

    @Test
    void stackTracesAreShownWhenAskedFor() {
        assertThat(run("info", "--model", "deit_giant", "--stacktrace")).isEqualTo(1);
        assertThat(err.toString()).contains("\tat io.github.remoe.vit.Presets");
    }
}
