package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

class CsvMetricsTest {

    @TempDir
    private Path folder;

    private Path log;
    private Path epochs;

    @BeforeEach
    void name() {
        log = folder.resolve("log.csv");
        epochs = folder.resolve("epochs.csv");
    }

    private static Measurement measurement(long step, double loss, double accuracy) {
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("loss/total", loss);
        values.put("accuracy/clean", accuracy);
        return new Measurement(step, (int) (step + 1) / 2, values);
    }

    /** Two steps an epoch. */
    private void write(CsvMetrics csv, int from, int to) {
        csv.onMeasuringFrom(from, (from + 1) / 2);
        for (int step = from; step <= to; step++) {
            csv.onStepMeasured(measurement(step, 1.0 / step, 0.5));
            if (step % 2 == 0) {
                csv.onEpochMeasured(measurement(step, 2, 0.25));
            }
        }
    }

    @Test
    void eachStepAndEpochIsALine() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        write(csv, 1, 4);

        // Without closing: each line is in the file when its step ends.
        assertThat(log).hasContent("""
                        step,epoch,loss/total,accuracy/clean
                        1,1,1.0,0.5
                        2,1,0.5,0.5
                        3,2,0.33333334,0.5
                        4,2,0.25,0.5
                        """);
        assertThat(epochs).hasContent("""
                        step,epoch,loss/total,accuracy/clean
                        2,1,2.0,0.25
                        4,2,2.0,0.25
                        """);
        csv.onTrainingEnd(null);
    }

    @Test
    void whatIsNotMeasuredIsAnEmptyCell() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(1, 1);
        csv.onStepMeasured(measurement(1, Double.NaN, Double.POSITIVE_INFINITY));
        csv.onStepMeasured(measurement(2, 1e-7, Double.NaN));
        csv.onTrainingEnd(null);

        assertThat(Files.readAllLines(log)).contains("1,1,,Infinity", "2,1,1.0E-7,");
    }

    @Test
    void aRunThatGoesOnHasEachStepOnce() throws Exception {
        CsvMetrics killed = new CsvMetrics(folder);
        write(killed, 1, 7);
        byte[] before = Files.readAllBytes(log);
        byte[] epochsBefore = Files.readAllBytes(epochs);

        // From the checkpoint of step 3.
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(4, 2);
        assertThat(Files.readAllLines(log)).hasSize(1 + 3);
        assertThat(Files.readAllLines(epochs)).hasSize(1 + 1);
        write(csv, 4, 7);

        assertThat(Files.readAllBytes(log)).isEqualTo(before);
        assertThat(Files.readAllBytes(epochs)).isEqualTo(epochsBefore);
        killed.onTrainingEnd(null);
        csv.onTrainingEnd(null);
    }

    @Test
    void anEpochThatIsMeasuredAgainIsOneLine() throws Exception {
        CsvMetrics killed = new CsvMetrics(folder);
        write(killed, 1, 4);
        killed.onTrainingEnd(null);

        // From the checkpoint of step 2, the last of epoch 1.
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(3, 1);
        csv.onEpochMeasured(measurement(2, 3, 0.125));
        csv.onTrainingEnd(null);

        assertThat(Files.readAllLines(epochs))
                .containsExactly("step,epoch,loss/total,accuracy/clean", "2,1,3.0,0.125");
        assertThat(Files.readAllLines(log)).hasSize(1 + 2);
    }

    @Test
    void aRunThatGoesBackHasEachStepOnce() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        write(csv, 1, 5);
        byte[] before = Files.readAllBytes(log);

        write(csv, 2, 5);

        assertThat(Files.readAllBytes(log)).isEqualTo(before);
        csv.onTrainingEnd(null);
    }

    @Test
    void aHalfLineIsDropped() throws Exception {
        write(new CsvMetrics(folder), 1, 3);
        byte[] before = Files.readAllBytes(log);
        write(new CsvMetrics(folder), 4, 4);
        byte[] whole = Files.readAllBytes(log);

        for (int length = before.length + 1; length < whole.length; length++) {
            Files.write(log, Arrays.copyOf(whole, length));
            write(new CsvMetrics(folder), 4, 4);
            assertThat(Files.readAllBytes(log)).isEqualTo(whole);
        }
    }

    @Test
    void aHalfHeaderIsWrittenAnew() throws Exception {
        Files.writeString(log, "step,epo");

        write(new CsvMetrics(folder), 1, 1);

        assertThat(Files.readAllLines(log))
                .containsExactly("step,epoch,loss/total,accuracy/clean", "1,1,1.0,0.5");
    }

    @Test
    void whatACrashOfTheMachineLeftIsDropped() throws Exception {
        write(new CsvMetrics(folder), 1, 3);
        byte[] before = Files.readAllBytes(log);
        Files.write(
                log, new byte[] {0, 0, 0, '\n', '2', ',', '1', '\n'}, StandardOpenOption.APPEND);

        new CsvMetrics(folder).onMeasuringFrom(9, 5);

        assertThat(Files.readAllBytes(log)).isEqualTo(before);
    }

    @Test
    void columnsStayAndNewOnesComeBehindThem() throws Exception {
        Files.writeString(log, "step,epoch,accuracy/clean,gone\n1,1,0.125,3.0\n");

        write(new CsvMetrics(folder), 2, 2);

        assertThat(Files.readAllLines(log))
                .containsExactly(
                        "step,epoch,accuracy/clean,gone,loss/total",
                        "1,1,0.125,3.0,",
                        "2,1,0.5,,0.5");
    }

    @Test
    void aNameThatComesLaterIsAColumnFromThenOn() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(1, 1);
        csv.onStepMeasured(new Measurement(1, 1, Map.of("loss/total", 4.0)));
        csv.onStepMeasured(measurement(2, 2, 0.5));
        csv.onStepMeasured(new Measurement(3, 2, Map.of("loss/total", 1.0)));
        csv.onTrainingEnd(null);

        assertThat(log).hasContent("""
                        step,epoch,loss/total,accuracy/clean
                        1,1,4.0,
                        2,1,2.0,0.5
                        3,2,1.0,
                        """);
        assertThat(folder).isDirectoryNotContaining("glob:**/.*");
    }

    @Test
    void aFileThatCannotBeWrittenDoesNotEndTheTraining() throws Exception {
        Files.createDirectory(log);
        CsvMetrics csv = new CsvMetrics(folder);

        assertThatCode(() -> write(csv, 1, 2)).doesNotThrowAnyException();
        assertThat(Files.readAllLines(epochs)).hasSize(1 + 1);

        // It can be written again.
        Files.delete(log);
        csv.onStepMeasured(measurement(3, 1, 1));
        csv.onTrainingEnd(null);
        assertThat(Files.readAllLines(log))
                .containsExactly("step,epoch,loss/total,accuracy/clean", "3,2,1.0,1.0");
    }

    @Test
    void aFolderThatIsGoneDoesNotEndTheTraining() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder.resolve("gone"));

        assertThatCode(() -> write(csv, 1, 4)).doesNotThrowAnyException();

        csv.onTrainingEnd(null);
    }

    @Test
    void whatIsWrittenIsReadBack() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(1, 1);
        csv.onStepMeasured(measurement(1, 0.5, Double.NaN));
        csv.onStepMeasured(measurement(2, Double.POSITIVE_INFINITY, 0.25));
        csv.onEpochMeasured(measurement(2, 1e-7f, 1));

        // Without closing: the training goes on.
        assertThat(CsvMetrics.readSteps(folder))
                .containsExactly(
                        measurement(1, 0.5, Double.NaN),
                        measurement(2, Double.POSITIVE_INFINITY, 0.25));
        assertThat(CsvMetrics.readEpochs(folder)).containsExactly(measurement(2, 1e-7, 1));
        csv.onTrainingEnd(null);
    }

    @Test
    void whatComesLaterIsReadNextTime() throws Exception {
        CsvMetrics csv = new CsvMetrics(folder);
        csv.onMeasuringFrom(1, 1);
        csv.onStepMeasured(new Measurement(1, 1, Map.of("loss/total", 4.0)));
        assertThat(CsvMetrics.readSteps(folder)).hasSize(1);

        // With another column.
        csv.onStepMeasured(measurement(2, 2, 0.5));

        assertThat(CsvMetrics.readSteps(folder))
                .containsExactly(measurement(1, 4, Double.NaN), measurement(2, 2, 0.5));
        csv.onTrainingEnd(null);
    }

    @Test
    void aLineThatIsBeingWrittenIsLeftOut() throws Exception {
        String whole = "step,epoch,loss/total\n1,1,0.5\n2,1,0.25\n";
        int first = whole.indexOf("\n2");
        int second = whole.length() - 1;

        for (int length = 0; length <= whole.length(); length++) {
            Files.writeString(log, whole.substring(0, length));
            int lines = length > second ? 2 : length > first ? 1 : 0;
            assertThat(CsvMetrics.readSteps(folder)).hasSize(lines);
        }
    }

    @Test
    void aFileOfNoLineHasNoMeasurement() throws Exception {
        assertThat(CsvMetrics.readSteps(folder)).isEmpty();
        assertThat(CsvMetrics.readEpochs(folder.resolve("gone"))).isEmpty();
        Files.writeString(log, "");
        assertThat(CsvMetrics.readSteps(folder)).isEmpty();
        Files.writeString(log, "step,epoch,loss/total\n");
        assertThat(CsvMetrics.readSteps(folder)).isEmpty();
    }

    @Test
    void lineEndsOfWindowsAreReadAndGoneOnWith() throws Exception {
        Files.writeString(
                log, "step,epoch,loss/total,accuracy/clean\r\n1,1,1.0,\r\n2,1,0.25,0.5\r\n");
        assertThat(CsvMetrics.readSteps(folder))
                .containsExactly(measurement(1, 1, Double.NaN), measurement(2, 0.25, 0.5));

        write(new CsvMetrics(folder), 2, 3);

        assertThat(CsvMetrics.readSteps(folder))
                .hasSize(3)
                .contains(measurement(1, 1, Double.NaN), measurement(2, 0.5, 0.5));
        assertThat(Files.readAllLines(log)).startsWith("step,epoch,loss/total,accuracy/clean");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1,1",
                "1,1,0.5,0.5",
                "1,1,half",
                "1.5,1,0.5",
                "1,,0.5",
                "",
                "a,b,c",
                "\0\0\0"
            })
    void aLineThatIsNoneIsNamed(String line) throws Exception {
        Files.writeString(epochs, "step,epoch,loss/total\n2,1,0.5\n" + line + "\n6,3,0.5\n");

        assertThatThrownBy(() -> CsvMetrics.readEpochs(folder))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(epochs + ", line 3: expected 3 numbers")
                .hasMessageEndingWith("Restore the file from a copy, or delete the line.");
    }

    @Test
    void aFileOfSomethingElseIsNamed() throws Exception {
        for (String text : new String[] {"index,label\n", "stepepoch\n", "step,epochs\n", "\n"}) {
            Files.writeString(log, text);
            assertThatThrownBy(() -> CsvMetrics.readSteps(folder))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(log + ", line 1: ")
                    .hasMessageContaining("'step,epoch'");
        }
    }
}
