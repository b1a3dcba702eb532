package io.github.remoe.bench;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;

class BenchTableTest {

    private static final long MIB = 1 << 20;

    private static BenchResult result(Row row, BenchResult.Side ours, BenchResult.Side theirs) {
        return new BenchResult(
                "tiny",
                row.toString(),
                4,
                4,
                1,
                0,
                "2026-03-04T05:06:07Z",
                "remoe bench",
                ours,
                theirs,
                null,
                3e9,
                6e9);
    }

    private static BenchResult.Side side(Long peakBytes, Double... seconds) {
        return side(peakBytes, "PyTorch", "2.7.1", "cpu", seconds);
    }

    private static BenchResult.Side side(
            Long peakBytes, String library, String version, String device, Double... seconds) {
        return new BenchResult.Side(
                List.of(seconds),
                Map.of(),
                peakBytes,
                new Requests.Environment(Map.of(library, version), device));
    }

    private static String table(BenchResult... results) {
        BenchFile file = new BenchFile(
                new Machine("Abacus", 2, 1L << 33, "Linux", "Java 17"),
                new BenchFile.Settings(2, "cpu", null, null, 5),
                List.of(results));
        return new BenchTable(file, List.of("A note.")).markdown();
    }

    @Test
    void marksWhatIsFastEnoughAndSmall() {
        // 2.4 s / 2 s is 1.2; 3 G operations in 2 s are a quarter of 6 G a second.
        assertThat(table(result(Row.SAT_STEP, side(10 * MIB, 2.0), side(20 * MIB, 2.4))))
                .contains("| sat-step, 4 images | 2.00 s | 2.40 s | 1.20 (1.20 to 1.20) | 25 % |"
                        + " 10 MiB, 20 MiB | 1 | at least 1.2: met |");
    }

    @Test
    void whatIsMissedByLessThanATenthOfAPercentIsMet() {
        assertThat(table(result(Row.PGD_STEP, side(MIB, 2.001), side(MIB, 2.0))))
                .contains("| at least 1.0: met |");
        assertThat(table(result(Row.PGD_STEP, side(MIB, 2.002), side(MIB, 2.0))))
                .contains("| 1.00 (1.00 to 1.00) |", "| at least 1.0: missed by 0.1 % |");
    }

    @Test
    void saysIfTheLibrariesDiffer() {
        assertThat(table(result(
                        Row.PGD_STEP,
                        side(MIB, 2.0),
                        side(MIB, "torch", "2.7.1+cu126", "NVIDIA H200", 2.0))))
                .contains("Theirs: torch 2.7.1+cu126, on NVIDIA H200.\n")
                .doesNotContain("ratios are of these versions");
        assertThat(table(result(
                        Row.PGD_STEP, side(MIB, 2.0), side(MIB, "torch", "2.9.0", "cpu", 2.0))))
                .contains(
                        "\nPyTorch 2.7.1 here and 2.9.0 there: ratios are of these versions too.\n");
    }

    @Test
    void saysByHowMuchAMarkIsMissed() {
        assertThat(table(result(Row.EVALUATION, side(30 * MIB, 2.0), side(20 * MIB, 2.34))))
                .contains("| at least 1.3: missed by 10.0 %; memory missed by 50.0 % |");
    }

    @Test
    void unknownMemoryIsNoMiss() {
        assertThat(table(result(Row.PGD_STEP, side(null, 0.002), side(20 * MIB, 0.0021))))
                .contains(
                        "| 2.00 ms | 2.10 ms | 1.05 (1.05 to 1.05) |",
                        "| –, 20 MiB | 1 | at least 1.0: met |");
    }

    @Test
    void tellsUnderWhichConditions() {
        assertThat(table(result(Row.PGD_STEP, side(MIB, 1.0), null)))
                .startsWith("# Benchmark\n\n```\nremoe bench\n```\n")
                .contains(
                        "Abacus, 2 cores, 8.0 GiB, Linux, Java: Java 17; 2026-03-04.",
                        "Ours: PyTorch 2.7.1.\n",
                        "reached right afterwards, 6 GFLOP/s.",
                        "random weights (seed 5), drawn images",
                        "A note.");
    }
}
