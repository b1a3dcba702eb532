package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

/** The program in one jar, and its scripts, as the profile {@code dist} leaves them. */
class ProgramIT {

    private static final Path DIST = Path.of("target", "dist").toAbsolutePath();
    private static final boolean WINDOWS =
            System.getProperty("os.name").toLowerCase().contains("windows");

    @TempDir
    private Path folder;

    private record Output(int exitCode, String text) {}

    private Output jar(String... args) {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command =
                List.of(java, "-Xmx512m", "-jar", DIST.resolve("remoe.jar").toString());
        return run(Stream.concat(command.stream(), Arrays.stream(args)).toList(), Map.of());
    }

    private Output script(Map<String, String> environment, String... args) {
        List<String> command = new ArrayList<>();
        if (WINDOWS) {
            command.addAll(List.of("cmd", "/c"));
        }
        command.add(DIST.resolve(WINDOWS ? "remoe.cmd" : "remoe").toString());
        command.addAll(Arrays.asList(args));
        return run(command, environment);
    }

    private Output run(List<String> command, Map<String, String> environment) {
        Path output = folder.resolve("output.txt");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("OMP_NUM_THREADS", "1");
        builder.environment().remove("JAVA_OPTS");
        builder.environment().putAll(environment);
        try {
            Process process = builder.start();
            try {
                assertThat(process.waitFor(5, TimeUnit.MINUTES))
                        .as("%s ends", command)
                        .isTrue();
            } finally {
                process.destroyForcibly();
            }
            return new Output(process.exitValue(), Files.readString(output));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void trainsEvaluatesAndAttacksPicturesWithNothingButTheJar() throws IOException {
        Output trained =
                jar(("train --remoe --data synthetic --samples 32 --epochs 1 --batch-size 16"
                                + " --attack-steps 1 --attack fgsm --test-samples 4 --device cpu"
                                + " --out run")
                        .split(" "));
        assertThat(trained.exitCode()).as(trained.text()).isZero();
        assertThat(folder.resolve("run/results.json")).exists();

        BufferedImage photo = new BufferedImage(48, 32, BufferedImage.TYPE_INT_RGB);
        Path file = Files.createDirectory(folder.resolve("photos")).resolve("black.jpg");
        assertThat(ImageIO.write(photo, "jpg", file.toFile())).isTrue();
        Output attacked =
                jar("attack --run run --images photos --attack pgd-2 --out pictures".split(" "));
        assertThat(attacked.exitCode()).as(attacked.text()).isZero();
        assertThat(folder.resolve("pictures/001-black-adversarial.png")).exists();
        assertThat(attacked.text()).doesNotContain("SLF4J", "Exception", "\tat ");
    }

    @Test
    void benchmarksStartTheirProcessesFromTheJar() {
        Output bench =
                jar(("bench --models micro --rows inference-1 --rounds 1 --threads 1 --peer none"
                                + " --device cpu --out bench")
                        .split(" "));
        assertThat(bench.exitCode()).as(bench.text()).isZero();
        assertThat(bench.text()).contains("| inference-1, 1 image |");
    }

    @Test
    void findsItsRecipesAndTellsWhatIsWrong() {
        assertThat(jar("recipes").text()).contains("cifar10-sat");
        Output wrong = jar("train", "--out", "run", "--recipe", "cifar10-luck");
        assertThat(wrong.exitCode()).isEqualTo(1);
        assertThat(wrong.text()).startsWith("Error: ").contains("cifar10-luck");
    }

    @Test
    void scriptsFindTheJarAndHandOnOptions() {
        Output help = script(Map.of("JAVA_OPTS", "-Xmx256m -XX:+PrintFlagsFinal"), "--help");
        assertThat(help.exitCode()).as(help.text()).isZero();
        assertThat(help.text()).contains("Usage: remoe", "MaxHeapSize");
        assertThat(script(Map.of(), "info", "--layers", "13").exitCode()).isEqualTo(1);
    }

    @Test
    void scriptsChooseTheCollectorIfNobodyElseDoes() throws IOException {
        assumeFalse(WINDOWS, "a stand-in for java is a shell script");
        javaSays("[ $# = 1 ] && echo 'openjdk version \"17.0.1\"' >&2 || echo \"$@\"");
        String home = folder.toString();

        Map<String, String> chosen = Map.of("JAVA_HOME", home, "JAVA_OPTS", "-XX:+UseZGC");
        assertThat(script(chosen, "info").text()).startsWith("-XX:+UseZGC -jar ");
        assertThat(script(Map.of("JAVA_HOME", home, "JAVA_OPTS", ""), "info").text())
                .startsWith("-jar ");
        assertThat(script(Map.of("JAVA_HOME", home), "info").text())
                .startsWith("-XX:+UseSerialGC -Xmn32m -jar ")
                .endsWith("remoe.jar info\n");
    }

    @Test
    void theScriptTellsTheAllocatorToKeepMemoryIfNobodyElseTellsIt() throws IOException {
        assumeFalse(WINDOWS, "a stand-in for java is a shell script");
        javaSays("[ $# = 1 ] && echo 'openjdk version \"17.0.1\"' >&2"
                + " || echo $MALLOC_ARENA_MAX $MALLOC_TRIM_THRESHOLD_ $GLIBC_TUNABLES");
        String home = folder.toString();

        assertThat(script(Map.of("JAVA_HOME", home), "info").text())
                .isEqualTo("1 8589934592 glibc.malloc.hugetlb=1\n");
        assertThat(script(Map.of("JAVA_HOME", home, "MALLOC_ARENA_MAX", "2"), "info")
                        .text())
                .isEqualTo("2 8589934592 glibc.malloc.hugetlb=1\n");
    }

    private void javaSays(String script) throws IOException {
        Path java = Files.createDirectory(folder.resolve("bin")).resolve("java");
        Files.writeString(java, "#!/bin/sh\n" + script + "\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
    }

    @Test
    void scriptsRefuseAnOldJavaAndNone() throws IOException {
        assumeFalse(WINDOWS, "a stand-in for java is a shell script");
        Output none = script(Map.of("JAVA_HOME", folder.toString()), "--help");
        assertThat(none.exitCode()).isEqualTo(1);
        assertThat(none.text()).startsWith("remoe: there is no " + folder + "/bin/java. Install");

        javaSays("echo 'openjdk version \"1.8.0_402\"' >&2");
        Output old = script(Map.of("JAVA_HOME", folder.toString()), "--help");
        assertThat(old.exitCode()).isEqualTo(1);
        assertThat(old.text()).contains("Java 17 or newer is needed").contains("1.8.0_402");
    }
}
