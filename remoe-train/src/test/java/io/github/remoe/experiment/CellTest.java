package io.github.remoe.experiment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import io.github.remoe.experiment.Cell.State;
import io.github.remoe.run.RunConfig;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

class CellTest {

    @TempDir
    private Path folder;

    private Cell cell;

    @BeforeEach
    void plan() {
        cell = cell(Map.of("epochs", 2));
    }

    private Cell cell(Map<String, ?> settings) {
        RunConfig config = RunConfig.recipe("micro-sat").with(settings);
        return new Cell("sat", config, folder.resolve("sat/seed-0"));
    }

    @Test
    void goesFromNewToDone() throws IOException {
        assertThat(cell.state(List.of("pgd-20"), 10)).isEqualTo(State.NEW);
        TinyResults.begin(cell);
        assertThat(cell.state(List.of("pgd-20"), 10)).isEqualTo(State.INTERRUPTED);
        assertThat(cell.results()).isEmpty();
    }

    @Test
    void isDoneWhenItWasMeasuredAsWanted() throws IOException {
        TinyResults.finish(cell, 5, 3, "fgsm", "pgd-20");
        assertThat(cell.state(List.of("pgd-20"), 10)).isEqualTo(State.DONE);
        assertThat(cell.state(List.of("pgd-20"), 0)).isEqualTo(State.DONE);
        assertThat(cell.state(List.of("pgd-20"), 11)).isEqualTo(State.UNMEASURED);
        assertThat(cell.state(List.of("pgd-20", "cw-20"), 10)).isEqualTo(State.UNMEASURED);
        assertThat(cell.withMeasured(List.of("pgd-20", "cw-20")))
                .containsExactly("fgsm", "pgd-20", "cw-20");
    }

    @Test
    void anotherRunInItsFolderIsAnError() throws IOException {
        TinyResults.finish(cell, 5, 3, "pgd-20");
        Cell other = cell(Map.of("epochs", 3, "clipNorm", 0.5));
        assertThatIOException()
                .isThrownBy(() -> other.state(List.of("pgd-20"), 10))
                .withMessageContaining("sat")
                .withMessageContaining("epochs is 2 there and 3 here")
                .withMessageContaining("clipNorm is 1.0 there and 0.5 here")
                .withMessageContaining("Choose another --out");
    }

    @Test
    void pathsMayBeWrittenInSeveralWays() throws IOException {
        TinyResults.finish(
                cell(Map.of("data", "images", "initialRun", "a/start/seed-0")), 5, 3, "pgd-20");
        String absolute = Path.of("images").toAbsolutePath().toString();
        assertThat(cell(Map.of("data", absolute, "initialRun", "b/start/seed-0"))
                        .state(List.of(), 0))
                .isEqualTo(State.DONE);
        assertThatIOException()
                .isThrownBy(() -> cell(Map.of("data", "images", "initialRun", "a/sat/seed-0"))
                        .state(List.of(), 0))
                .withMessageContaining("initialRun");
        assertThatIOException()
                .isThrownBy(() -> cell(Map.of("data", "other", "initialRun", "a/start/seed-0"))
                        .state(List.of(), 0))
                .withMessageContaining("data is images there and other here");
    }
}
