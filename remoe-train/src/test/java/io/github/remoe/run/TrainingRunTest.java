package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

class TrainingRunTest {

    @TempDir
    private Path temp;

    private RunFolder folder(String name) {
        return new RunFolder(temp.resolve(name));
    }

    private TrainingRun run(RunConfig config, String name) throws IOException {
        return new TrainingRun(config, folder(name), Device.cpu());
    }

    private List<String> files(String name) throws IOException {
        try (Stream<Path> files = Files.list(temp.resolve(name))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static List<double[]> parameters(Model model) {
        List<double[]> parameters = new ArrayList<>();
        model.getBlock()
                .getParameters()
                .forEach(p -> parameters.add(Tensors.doubles(p.getValue().getArray())));
        return parameters;
    }

    @Test
    void aRunLeavesItsSettingsItsLogAndItsModel() throws Exception {
        TrainingRun run = run(Configs.tiny(), "run");
        List<double[]> trained;
        try (Model model = run.train()) {
            trained = parameters(model);
        }

        assertThat(run.isStopped()).isFalse();
        assertThat(run.getImages()).isEqualTo(2 * 8);
        assertThat(files("run")).contains("config.yaml", "run.json", "log.csv", "last-0002.params");
        assertThat(folder("run").readConfig()).isEqualTo(Configs.tiny());
        try (Model loaded = folder("run").loadModel(Device.cpu())) {
            assertThat(parameters(loaded)).usingRecursiveComparison().isEqualTo(trained);
        }
    }

    @Test
    void theLogHasALineForEachStep() throws Exception {
        run(Configs.tiny(), "run").train().close();

        List<String> lines = Files.readAllLines(temp.resolve("run").resolve("log.csv"));
        assertThat(lines.get(0))
                .isEqualTo("step,epoch,loss,cleanCrossEntropy,adversarialCrossEntropy,gamma,"
                        + "cleanWeight,align,accuracy");
        assertThat(lines).hasSize(1 + 4);
        for (int step = 1; step <= 4; step++) {
            double[] values = Arrays.stream(lines.get(step).split(","))
                    .mapToDouble(Double::parseDouble)
                    .toArray();
            assertThat(values[0]).isEqualTo(step);
            assertThat(values[1]).isEqualTo((step + 1) / 2);
            assertThat(values[2] - values[7]).isBetween(values[3] - 0.1, values[4] + 0.1);
            assertThat(values[8]).isIn(0.0, 0.25, 0.5, 0.75, 1.0);
        }
    }

    @Test
    void theSameSeedGivesTheSameParametersToTheBit() throws Exception {
        try (Model first = run(Configs.tiny(), "first").train();
                Model second = run(Configs.tiny(), "second").train();
                Model other = run(Configs.tiny("seed", 8), "other").train()) {
            assertThat(parameters(second)).usingRecursiveComparison().isEqualTo(parameters(first));
            assertThat(parameters(other).get(0)).isNotEqualTo(parameters(first).get(0));
        }
        assertThat(Files.readAllLines(temp.resolve("second").resolve("log.csv")))
                .isEqualTo(Files.readAllLines(temp.resolve("first").resolve("log.csv")));
    }

    @Test
    void everySchemeAndOptimizerTrains() throws Exception {
        RunConfig natural = Configs.tiny().with(Map.of("remoe", false, "scheme", "NAT"));
        RunConfig plain = Configs.tiny()
                .with(Map.of(
                        "remoe",
                        false,
                        "augment",
                        "NONE",
                        "optimizer",
                        "ADAMW",
                        "learningRate",
                        0.001));

        run(natural, "natural").train().close();
        run(plain, "plain").train().close();

        assertThat(files("natural"))
                .contains("config.yaml", "run.json", "log.csv", "last-0002.params");
        assertThat(files("plain"))
                .contains("config.yaml", "run.json", "log.csv", "last-0002.params");
    }

    private TrainingRun stopAfter(int steps) throws Exception {
        TrainingRun run = run(Configs.tiny("epochs", 3), "run");
        int[] made = {0};
        Model model = run.train(new TrainingListenerAdapter() {
            @Override
            public void onTrainingBatch(Trainer trainer, BatchData data) {
                if (++made[0] == steps) {
                    run.stop();
                }
            }
        });
        List<double[]> trained = parameters(model);
        model.close();
        assertThat(run.isStopped()).isTrue();
        assertThat(made[0]).isEqualTo(steps);
        try (Model loaded = folder("run").loadModel(Device.cpu())) {
            assertThat(parameters(loaded)).usingRecursiveComparison().isEqualTo(trained);
        }
        return run;
    }

    @Test
    void aRunThatIsStoppedInAnEpochKeepsItsModel() throws Exception {
        stopAfter(3);

        // Three steps of two an epoch: in the second epoch.
        assertThat(files("run")).contains("config.yaml", "run.json", "log.csv", "last-0002.params");
    }

    @Test
    void aRunThatIsStoppedAtTheEndOfAnEpochIsInThatEpoch() throws Exception {
        stopAfter(2);

        assertThat(files("run")).contains("last-0001.params");
    }

    @Test
    void aRunThatIsStoppedBeforeItStartsKeepsItsFirstParameters() throws Exception {
        TrainingRun run = run(Configs.tiny(), "run");
        run.stop();

        run.train().close();

        assertThat(files("run")).contains("last-0000.params");
    }

    @Test
    void aFolderThatHoldsARunIsRefusedBeforeAnythingIsWritten() throws Exception {
        run(Configs.tiny(), "run").train().close();
        byte[] before = Files.readAllBytes(temp.resolve("run").resolve("last-0002.params"));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> run(Configs.tiny(), "run").train())
                .withMessageContaining("holds a run already");
        assertThat(Files.readAllBytes(temp.resolve("run").resolve("last-0002.params")))
                .isEqualTo(before);
    }

    @Test
    void aBatchNeedsEnoughImages() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(Configs.tiny("batchSize", 9), "run"))
                .withMessageContaining("batch of 9")
                .withMessageContaining("the data has 8");
    }

    @Test
    void missingDataIsAnErrorBeforeTheRunStarts() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> run(Configs.tiny("data", temp + "/nowhere"), "run"))
                .withMessageContaining("nowhere");
        assertThat(temp.resolve("run")).doesNotExist();
    }
}
