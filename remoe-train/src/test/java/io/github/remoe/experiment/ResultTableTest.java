package io.github.remoe.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

class ResultTableTest {

    @TempDir
    private Path folder;

    private Grid main;

    @BeforeEach
    void plan() {
        main = grid(Experiment.MAIN, Map.of());
    }

    private Grid grid(Experiment experiment, Map<String, ?> overrides) {
        return Grid.of(experiment, Scale.of("micro"), List.of(0L, 1L), overrides, Map.of(), folder);
    }

    private static Cell cell(Grid grid, String name, int seed) {
        return grid.cells().stream()
                .filter(cell -> cell.name().equals(name) && cell.config().seed() == seed)
                .findFirst()
                .orElseThrow();
    }

    /** The cells of the line that starts with a label, without padding. */
    private static List<String> row(String table, String label) {
        return table.lines()
                .map(line -> Arrays.stream(line.split("\\|")).map(String::trim).toList())
                .filter(cells -> cells.size() > 1 && cells.get(1).equals(label))
                .findFirst()
                .map(cells -> cells.subList(2, cells.size()))
                .orElseThrow();
    }

    @Test
    void meansAndDeviationsStandBesideThePapersFigures() throws IOException {
        TinyResults.finish(cell(main, "sat", 0), 6, 3, "pgd-20", "cw-20");
        TinyResults.finish(cell(main, "sat", 1), 8, 3, "pgd-20", "cw-20");
        TinyResults.finish(cell(main, "remoe", 1), 9, 5, "pgd-20", "cw-20");

        String tables = ResultTable.of(main).tables();

        // Clean 60 and 80: mean 70, deviation sqrt(2 * 10^2 / 1).
        assertThat(row(tables, "SAT"))
                .containsExactly(
                        "sat",
                        "2/2",
                        "70.0 ± 14.1",
                        "30.0 ± 0.0",
                        "30.0 ± 0.0",
                        "79.84",
                        "48.00",
                        "44.90");
        assertThat(row(tables, "ReMoE with SAT"))
                .containsExactly("remoe", "1/2", "90.0", "50.0", "50.0", "86.58", "53.54", "50.16");
        assertThat(row(tables, "TRADES"))
                .containsExactly("trades", "0/2", "–", "–", "–", "78.70", "48.56", "46.25");
        assertThat(row(tables, "PIAT (TIFS 2025)"))
                .containsExactly("", "", "–", "–", "–", "82.30", "52.10", "45.98");
    }

    @Test
    void differencesAreOfRunsWithTheSameSeed() throws IOException {
        TinyResults.finish(cell(main, "sat", 0), 6, 3, "pgd-20");
        TinyResults.finish(cell(main, "sat", 1), 8, 3, "pgd-20");
        TinyResults.finish(cell(main, "remoe", 1), 9, 5, "pgd-20");

        String tables = ResultTable.of(main).tables();
        String differences = tables.substring(tables.indexOf("points higher"));

        // 90 - 80, not 90 - 70.
        assertThat(row(differences, "ReMoE with SAT"))
                .containsExactly("SAT", "+10.0", "+20.0", "+6.74", "+5.54", "+5.26");
        assertThat(row(differences, "TRADES"))
                .containsExactly("SAT", "–", "–", "-1.14", "+0.56", "+1.35");
        assertThat(differences).doesNotContain("PIAT", "start");
    }

    @Test
    void gatesShowTheirCost() throws IOException {
        Grid gates = grid(Experiment.GATES, Map.of());
        TinyResults.finish(cell(gates, "gate-mlp", 0), 6, 3, "pgd-20");
        assertThat(row(ResultTable.of(gates).tables(), "MLP"))
                .endsWith("5.630 M", "0.3693 G", "5.66 M", "0.37 G");
    }

    @Test
    void thePageTellsHowItWasMade() throws IOException {
        TinyResults.finish(cell(main, "sat", 0), 6, 3, "pgd-20");
        String page = ResultTable.of(main).toMarkdown("remoe 1.2.3", "remoe experiment main");
        assertThat(page)
                .startsWith("# Experiment main, scale micro")
                .contains("- seeds: 0, 1\n")
                .contains("samples 6000, ")
                .contains("- start: scheme NAT, ")
                .contains("- PGD-20: settings of pgd-20\n")
                .contains("- test images of a run, chosen by its seed: 10\n")
                .contains("- version: remoe 1.2.3\n")
                .contains("remoe experiment main\n")
                .contains("Warning of sat, seed 0: be careful");
    }

    @Test
    void csvHoldsAllDigits() throws IOException {
        TinyResults.finish(cell(main, "sat", 0), 6, 3, "pgd-20");
        TinyResults.finish(cell(main, "sat", 1), 8, 3, "pgd-20");
        List<String> lines = ResultTable.of(main).toCsv().lines().toList();
        assertThat(lines.get(0))
                .isEqualTo("experiment,scale,label,cell,runs,parameters,macs,clean_mean,"
                        + "clean_deviation,pgd-20_mean,pgd-20_deviation,paper_clean,paper_pgd-20,"
                        + "paper_cw-20,paper_autoattack,paper_parameters,paper_macs");
        assertThat(lines.get(1))
                .isEqualTo("main,micro,\"natural training, the start of all\",start,0,,,,,,,,,,,,");
        assertThat(lines.get(2))
                .isEqualTo("main,micro,SAT,sat,2,5630332,369346944,70,14.14213562,30,0,79.84,48,,"
                        + "44.9,,");
        assertThat(lines).hasSize(1 + 7);
    }

    @Test
    void resultsOfOtherSettingsAreNotShown() throws IOException {
        TinyResults.finish(cell(main, "sat", 0), 6, 3, "pgd-20");
        Grid other = grid(Experiment.MAIN, Map.of("epochs", 9));
        assertThatIOException()
                .isThrownBy(() -> ResultTable.of(other))
                .withMessageContaining("epochs is 2 there and 9 here");
    }
}
