package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

@DisabledOnOs(value = OS.WINDOWS, disabledReason = "Java ends processes there without a signal")
class InterruptedTrainingTest {

    private static final String STOPPED = "Stopped and saved. Go on with: ";

    @TempDir
    private Path folder;

    @Test
    @Timeout(120)
    void saysHowToGoOnAndDoes() throws IOException, InterruptedException {
        Path run = folder.resolve("run");
        Path output = folder.resolve("output.txt");
        Process process = new ProcessBuilder(command(
                        "train --data synthetic --samples 400 --batch-size 4 --attack-steps 1"
                                + " --epochs 1 --warm-up-epochs 0 --milestones=-1 --validation 0"
                                + " --attack fgsm --test-samples 4 --device cpu --live --out "
                                + run))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        while (process.isAlive() && lines(run.resolve("log.csv")) < 3) {
            Thread.sleep(50);
        }
        process.destroy();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

        String stopped = Files.readString(output, StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.contains(STOPPED))
                .findFirst()
                .orElseThrow(() -> new AssertionError("The run was not stopped, see " + output));
        String goOn = stopped.substring(stopped.indexOf(STOPPED) + STOPPED.length());
        assertThat(goOn)
                .isEqualTo("train --resume " + run
                        + " --attack fgsm --test-samples 4 --device cpu --live 0");
        StringWriter out = new StringWriter();
        assertThat(Main.commandLine().setOut(new PrintWriter(out, true)).execute(goOn.split(" ")))
                .isZero();
        assertThat(out.toString()).contains("of 4,").doesNotContain("pgd-20");
        assertThat(lines(run.resolve("log.csv"))).isEqualTo(1 + 400 / 4);
    }

    @Test
    @Timeout(120)
    void anErrorIsNoInterruption() throws IOException, InterruptedException {
        Path broken = Files.writeString(folder.resolve("broken.safetensors"), "no weights");
        Path output = folder.resolve("output.txt");
        Process process = new ProcessBuilder(command("train --data synthetic --samples 400 --device"
                        + " cpu --pretrained " + broken + " --out " + folder.resolve("run")))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(Files.readString(output, StandardCharsets.UTF_8))
                .contains("Error: ", "broken.safetensors")
                .doesNotContain("Stopping");
    }

    private static List<String> command(String arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dai.djl.pytorch.num_threads=1",
                "-Dai.djl.offline=true",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName()));
        command.addAll(List.of(arguments.split(" ")));
        return command;
    }

    private static long lines(Path file) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.count();
        }
    }
}
