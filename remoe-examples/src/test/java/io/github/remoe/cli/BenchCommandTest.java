package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

class BenchCommandTest {

    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        List<String> arguments = new ArrayList<>(
                List.of("bench", "--out=" + folder.resolve("out"), "--threads=1", "--device=cpu"));
        arguments.addAll(Arrays.asList(args));
        return Main.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments.toArray(new String[0]));
    }

    @Test
    void measuresOurSideAloneWithoutAPeer() {
        int exitCode = run(
                "--models=micro", "--rows=remoe-inference", "--rounds=1", "--peer=no-such-python");

        assertThat(exitCode).as(err.toString()).isZero();
        assertThat(out.toString())
                .startsWith("Only our side is measured: there is no no-such-python. Install what")
                .contains("pip install -r " + folder.resolve("out/peer/requirements.txt"))
                .containsPattern(
                        "\\| remoe-inference, 64 images \\| [\\d.]+ m?s \\| – \\| – \\| \\d+ % \\|")
                .contains("remoe bench --out=", "bench.md");
        assertThat(folder.resolve("out/peer/requirements.txt")).exists();
        assertThat(folder.resolve("out/bench.json")).exists();
        assertThat(folder.resolve("out/bench.md")).content().contains("## micro");
    }

    @Test
    void theHelpNamesTheRowsAndHowLongTheyTake() {
        assertThat(run("--help")).isZero();
        assertThat(out.toString())
                .contains("inference-1, inference-64", "startup, data;", "hours", "runs/bench");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--rows=luck | Unknown row 'luck'. Rows: inference-1,",
                "--models=luck | Unknown model 'luck'.",
                "--rounds=0 | Rounds and threads must be at least 1, got 0 and 1.",
                "--weights=w.safetensors | Weights are for one model, got 3. Name it.",
                "--data=nowhere | nowhere: there is no data_batch_1.bin of CIFAR-10's binary"
            })
    void tellsWhatIsWrong(String argument, String message) {
        assertThat(run("--peer=none", argument)).isEqualTo(1);
        assertThat(err.toString()).contains(message);
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
