package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

class ExperimentCommandTest {

    private static final List<String> TINY = List.of(
            "--data=synthetic",
            "--seeds=3",
            "--samples=4",
            "--epochs=1",
            "--batch-size=4",
            "--attack-steps=1",
            "--start=samples=4",
            "--start=epochs=1",
            "--start=batchSize=4",
            "--test-samples=2",
            "--device=cpu");

    @TempDir
    private Path folder;

    private StringWriter out;
    private StringWriter err;

    private int run(String... args) {
        out = new StringWriter();
        err = new StringWriter();
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(args);
    }

    private int experiment(String name, String... options) {
        return experiment(TINY, name, options);
    }

    private int experimentWithoutStart(String name, String... options) {
        return experiment(
                TINY.stream().filter(option -> !option.startsWith("--start")).toList(),
                name,
                options);
    }

    private int experiment(List<String> tiny, String name, String... options) {
        List<String> arguments = new ArrayList<>(List.of("experiment", name, "--out=" + folder));
        arguments.addAll(tiny);
        arguments.addAll(Arrays.asList(options));
        return run(arguments.toArray(new String[0]));
    }

    @Test
    void helpOffersOnlyWhatAllCellsCanHave() {
        run("experiment", "--help");

        assertThat(out.toString())
                .contains("--epochs=", "--lambda-align=")
                .doesNotContain("--remoe", "--scheme", "--seed=");
    }

    @Test
    void makesATableOnceAndGoesOnWhereItStopped() throws IOException {
        assertThat(experiment("gates", "--attack=fgsm")).as(err::toString).isZero();
        assertThat(out.toString())
                .contains("4 of 4 runs to be made", "Cell 4 of 4: remoe, seed 3")
                .contains("| AEA ", "80.17");
        assertThat(Files.readString(folder.resolve("gates.md")))
                .contains("remoe experiment gates --out=" + folder, "remoe 0.1.0", " 1/1 | ");
        assertThat(folder.resolve("gates.csv")).content().hasLineCount(1 + 4);
        Path results = folder.resolve("remoe/seed-3/results.json");
        String measured = Files.readString(results);

        assertThat(experiment("gates", "--attack=fgsm")).isZero();
        assertThat(out.toString()).contains("0 of 4 runs to be made").doesNotContain("Cell 1");
        assertThat(results).hasContent(measured);

        // As if it had been killed after the training of one cell, with one more attack wanted.
        Files.delete(folder.resolve("gate-mlp/seed-3/results.json"));
        assertThat(experiment("gates", "--attack=pgd-2")).as(err::toString).isZero();
        assertThat(out.toString())
                .contains("gate-mlp             seed 3 to be resumed")
                .contains("remoe                seed 3 to be evaluated")
                .contains("train --resume=" + folder.resolve("gate-mlp/seed-3"))
                .contains("--attack=fgsm,pgd-2")
                .contains("FGSM", "PGD-2");

        assertThat(experiment("regions", "--attack=fgsm", "--table-only")).isZero();
        assertThat(out.toString())
                .contains("regions, scale micro: 9 of 11 runs to be made")
                .contains("remoe                seed 3 done")
                .doesNotContain("Cell 1");

        assertThat(experiment("gates", "--attack=fgsm", "--lr=0.5")).isEqualTo(1);
        assertThat(err.toString()).contains("learningRate is 0.001 there and 0.5 here");
    }

    @Test
    void leavesCellsThatAnotherProcessMakes() throws IOException {
        Path uniform = folder.resolve("gate-uniform/seed-3");
        String[] options = {"--attack=fgsm", "--initial-run="};
        try (CellLock lock = CellLock.tryLock(folder, uniform).orElseThrow()) {
            assertThat(CellLock.tryLock(folder, uniform)).isEmpty();
            assertThat(experimentWithoutStart("gates", options))
                    .as(err::toString)
                    .isZero();
            assertThat(out.toString()).contains(uniform + " is left to another process");
            assertThat(uniform).doesNotExist();
            assertThat(folder.resolve("remoe/seed-3/results.json")).exists();
        }
        assertThat(CellLock.tryLock(folder, uniform)).isPresent();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "experiment dreams --out x | dreams",
                "experiment main --out x --scale huge | There is no scale 'huge'",
                "experiment main --out x --seed 1 | differ in seed",
                "experiment main --out x --attack loud | Unknown attack 'loud'",
                "experiment main --out x --layers 13 | There is no layer 13",
                "experiment main --out x --start epoch=1 | Did you mean 'epochs'?",
                "experiment backbones --out x | too large for the scale micro"
            })
    void wrongInputIsToldBeforeAnythingIsRun(String arguments, String message) {
        assertThat(run(arguments.trim().split(" "))).isNotZero();
        assertThat(err.toString()).startsWith("Error: ").contains(message);
        assertThat(Path.of("x")).doesNotExist();
    }
}
