package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** How long logs are thinned out. */
class CsvLinesTest {

    @TempDir
    private Path folder;

    private void write(int steps, int columns) throws IOException {
        try (Writer out = Files.newBufferedWriter(folder.resolve("log.csv"))) {
            out.write("step,epoch");
            for (int i = 0; i < columns; i++) {
                out.write(",value/" + i);
            }
            out.write("\n");
            String values = ",0.12345678".repeat(columns) + "\n";
            for (int step = 1; step <= steps; step++) {
                out.write(step + ",1" + values);
            }
        }
    }

    private List<Long> steps(int most) throws IOException {
        return CsvMetrics.readSteps(folder, most).stream()
                .map(Measurement::step)
                .toList();
    }

    @ParameterizedTest
    @CsvSource({
        "1, 4, 1",
        "4, 4, 1 2 3 4",
        "5, 4, 1 3 5",
        "6, 4, 1 3 5 6",
        "7, 4, 1 3 5 7",
        "8, 4, 1 5 8",
        "9, 4, 1 5 9",
        "16, 4, 1 9 16",
        "2, 2, 1 2",
        "3, 2, 1 3",
        "4, 2, 1 4",
        "100, 2, 1 100",
        "10, 3, 1 9 10"
    })
    void stepsAreAtEvenDistancesWithTheFirstAndTheLast(int steps, int most, String expected)
            throws Exception {
        write(steps, 1);

        assertThat(steps(most).toString().replaceAll("[\\[\\],]", "")).isEqualTo(expected);
    }

    @Test
    void thereAreNeverMoreThanAllowedNorFarLess() throws Exception {
        for (int steps = 1; steps < 70; steps++) {
            write(steps, 1);
            for (int most = 2; most < 20; most++) {
                assertThat(steps(most))
                        .as("%d of %d", most, steps)
                        .hasSizeBetween(Math.min(steps, (most + 1) / 2), most)
                        .startsWith(1L)
                        .endsWith((long) steps);
            }
        }
    }

    @Test
    @Timeout(5)
    void aLongLogIsNotHeldInMemory() throws Exception {
        write(200_000, 22);
        assertThat(Files.size(folder.resolve("log.csv"))).isGreaterThan(46_000_000);
        // Once for the classes and the compiler.
        CsvMetrics.readSteps(folder, 1000);

        long before = allocated();
        long start = System.nanoTime();
        List<Measurement> kept = CsvMetrics.readSteps(folder, 1000);

        assertThat(System.nanoTime() - start).isLessThan(2_000_000_000L);
        // A few times the text, given back line by line.
        assertThat(allocated() - before).isLessThan(200_000_000L);
        assertThat(kept).hasSizeBetween(500, 1000);
        assertThat(kept.get(0).values()).hasSize(22);
    }

    private static long allocated() {
        var threads = (com.sun.management.ThreadMXBean)
                java.lang.management.ManagementFactory.getThreadMXBean();
        return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
    }

    @Test
    void onlyLinesThatAreKeptAreChecked() throws Exception {
        Files.writeString(
                folder.resolve("log.csv"),
                "step,epoch,loss/total\n1,1,1\n2,1,1\n3,1,1\nbroken\n5,1,1\n");

        assertThat(steps(3)).containsExactly(1L, 3L, 5L);
        assertThatThrownBy(() -> CsvMetrics.readSteps(folder))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("line 5: expected 3 numbers");
    }

    @Test
    void theFirstAndTheLastAreAlwaysKept() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CsvMetrics.readSteps(folder, 1))
                .withMessageStartingWith("At most 1 measurements cannot be kept");
        assertThatCode(() -> CsvMetrics.readSteps(folder, 2)).doesNotThrowAnyException();
    }
}
