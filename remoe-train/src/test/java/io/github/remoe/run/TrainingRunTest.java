package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.TrainingDivergedException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.metrics.Measurement;
import io.github.remoe.metrics.MetricsListener;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

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

    private List<String> losses(String name) throws IOException {
        return Files.readAllLines(temp.resolve(name).resolve("log.csv")).stream()
                .skip(1)
                .map(line -> line.split(",")[2])
                .toList();
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
    void theLogHasALineForEachStepAndEachEpoch() throws Exception {
        run(Configs.tiny(), "run").train().close();

        List<String> steps = Files.readAllLines(temp.resolve("run").resolve("log.csv"));
        assertThat(steps.get(0)).startsWith("step,epoch,loss/total,loss/cleanCrossEntropy");
        assertThat(steps.subList(1, steps.size()).stream().map(line -> line.substring(0, 4)))
                .containsExactly("1,1,", "2,1,", "3,2,", "4,2,");
        assertThat(Files.readAllLines(temp.resolve("run").resolve("epochs.csv")))
                .hasSize(1 + 2);
        assertThat(temp.resolve("run").resolve("tensorboard")).isNotEmptyDirectory();
    }

    @Test
    void theSameSeedGivesTheSameParametersToTheBit() throws Exception {
        try (Model first = run(Configs.tiny(), "first").train();
                Model second = run(Configs.tiny(), "second").train();
                Model other = run(Configs.tiny("seed", 8), "other").train()) {
            assertThat(parameters(second)).usingRecursiveComparison().isEqualTo(parameters(first));
            assertThat(parameters(other).get(0)).isNotEqualTo(parameters(first).get(0));
        }
        assertThat(losses("second")).hasSize(4).isEqualTo(losses("first"));
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
                .withMessage(
                        "batchSize is 9, but there are only 8 training images: lower batchSize to"
                                + " that or less.");
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        run(Configs.tiny().with(Map.of("samples", 0, "validation", 4997)), "run"))
                .withMessageContaining("only 3 training images besides the 4997 of validation");
    }

    @Test
    void imagesMustBeLeftBesidesThoseOfValidation() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(Configs.tiny("validation", 1_000_000), "run"))
                .withMessageMatching(
                        "validation is 1000000, but there are only \\d+ training images:"
                                + " lower validation, or turn it off with 0\\.");
    }

    @Test
    void classFoldersThatAreNotSplitAreRefused() throws Exception {
        Path images = temp.resolve("images");
        for (String name : List.of("cat", "dog")) {
            Path file = Files.createDirectories(images.resolve(name)).resolve("1.png");
            ImageIO.write(
                    new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB), "png", file.toFile());
        }
        RunConfig config = Configs.tiny()
                .with(Map.of("data", images.toString(), "batchSize", 2, "samples", 0));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(config, "run"))
                .withMessageStartingWith(
                        "data is " + images + ", whose class folders are not split")
                .withMessageContaining(
                        images.resolve("train").resolve("CLASS") + ", and others to test or val");

        Path train = Files.createDirectory(images.resolve("train"));
        Files.move(images.resolve("cat"), train.resolve("cat"));
        Files.move(images.resolve("dog"), train.resolve("dog"));
        assertThat(run(config, "run").getClasses()).containsExactly("cat", "dog");
    }

    @Test
    void missingDataIsAnErrorBeforeTheRunStarts() {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> run(Configs.tiny("data", temp + "/nowhere"), "run"))
                .withMessageContaining("nowhere");
        assertThat(temp.resolve("run")).doesNotExist();
    }

    private static final Map<String, Object> ALL = Map.of(
            "remoe",
            true,
            "epochs",
            3,
            "accumulate",
            2,
            "samples",
            12,
            "mixup",
            0.2,
            "dropPath",
            0.3,
            "average",
            "EMA",
            "optimizer",
            "ADAMW",
            "learningRate",
            0.001,
            "validation",
            8);

    /** Loads what a checkpoint holds, byte for byte. */
    private byte[] state(String name) throws IOException {
        return Files.readAllBytes(temp.resolve(name).resolve("checkpoint.safetensors"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 9})
    void aRunThatWasStoppedComesToTheSameStateToTheBit(int steps) throws Exception {
        RunConfig config = Configs.tiny().with(ALL);
        run(config, "whole").train().close();
        TrainingRun first = run(config, "stopped");
        stopAt(first, steps);

        TrainingRun second = TrainingRun.resume(folder("stopped"), Device.cpu());
        assertThat(second.getImagesDone()).isPositive().isLessThanOrEqualTo(36);
        second.train().close();

        assertThat(state("stopped")).isEqualTo(state("whole"));
        assertThat(losses("stopped")).isEqualTo(losses("whole")).hasSize(9);
        assertThat(files("stopped")).isEqualTo(files("whole"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 5})
    void aRunThatCrashedComesToTheSameStateToTheBit(int steps) throws Exception {
        RunConfig config =
                Configs.tiny().with(Map.of("epochs", 3, "checkpointSteps", 2, "average", "SWA"));
        config = config.with(Map.of("swaStart", 1));
        run(config, "whole").train().close();
        TrainingRun first = run(config, "crashed");
        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> first.train(crashAt(steps)))
                .withMessage("crash");

        TrainingRun.resume(folder("crashed"), Device.cpu()).train().close();

        assertThat(state("crashed")).isEqualTo(state("whole"));
        assertThat(losses("crashed")).isEqualTo(losses("whole")).hasSize(6);
    }

    private static TrainingListener crashAt(int steps) {
        return new TrainingListenerAdapter() {
            private int made;

            @Override
            public void onTrainingBatch(Trainer trainer, BatchData data) {
                if (++made == steps) {
                    throw new IllegalStateException("crash");
                }
            }
        };
    }

    private static void stopAt(TrainingRun run, int steps) throws Exception {
        run.train(new TrainingListenerAdapter() {
                    private int made;

                    @Override
                    public void onTrainingBatch(Trainer trainer, BatchData data) {
                        if (++made == steps) {
                            run.stop();
                        }
                    }
                })
                .close();
    }

    @Test
    void aRunOnOtherDataIsNotGoneOnWith() throws Exception {
        TrainingRun run = run(Configs.tiny(), "run");
        stopAt(run, 1);
        Path info = temp.resolve("run").resolve("run.json");
        Files.writeString(
                info,
                Files.readString(info)
                        .replaceAll("\"dataChecksum\": \"[^\"]*\"", "\"dataChecksum\": \"x\""));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> TrainingRun.resume(folder("run"), Device.cpu()))
                .withMessageContaining("has changed");
    }

    @Test
    void aRunThatWasKilledBeforeItsFirstCheckpointStartsThen() throws Exception {
        RunConfig config = Configs.tiny();
        run(config, "whole").train().close();
        folder("killed").create(config, folder("whole").readInfo());

        TrainingRun.resume(folder("killed"), Device.cpu()).train().close();

        assertThat(state("killed")).isEqualTo(state("whole"));
    }

    @Test
    void aCheckpointThatIsCutOffIsNamed() throws Exception {
        stopAt(run(Configs.tiny(), "run"), 1);
        Files.write(
                temp.resolve("run").resolve("checkpoint.safetensors"),
                Arrays.copyOf(state("run"), 1000));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(
                        () -> TrainingRun.resume(folder("run"), Device.cpu()).train())
                .withMessageContaining("checkpoint.safetensors");
    }

    @Test
    void aRunThatDivergesGoesBackWithALowerRateAndGivesUpAfterThreeTimes() {
        RunConfig config = Configs.tiny()
                .with(Map.of("learningRate", 1e30, "maxSkipped", 0, "clipNorm", 1e30, "epochs", 6));

        assertThatExceptionOfType(TrainingDivergedException.class)
                .isThrownBy(() -> run(config, "run").train())
                .withMessageContaining("lower learning rate");
        // What can be gone on with is the last sound state.
        assertThatNoException().isThrownBy(() -> folder("run").readConfig());
        assertThat(temp.resolve("run").resolve("checkpoint.safetensors")).exists();
    }

    @Test
    void theBestWeightsAreThoseOfTheHighestRobustAccuracy() throws Exception {
        RunConfig config =
                Configs.tiny().with(Map.of("validation", 16, "epochs", 4, "learningRate", 0.5));
        List<Double> robust = new ArrayList<>();
        run(config, "run")
                .train(new MetricsListener() {
                    @Override
                    public void onEpochMeasured(Measurement measurement) {
                        robust.add(measurement.get(Measurement.VALIDATION_ROBUST));
                    }
                })
                .close();

        int best = 0;
        for (int epoch = 1; epoch < 4; epoch++) {
            best = robust.get(epoch) > robust.get(best) ? epoch : best;
        }
        assertThat(robust).hasSize(4).allMatch(accuracy -> accuracy >= 0 && accuracy <= 1);
        assertThat(files("run")).contains("best-000" + (best + 1) + ".params", "last-0004.params");
    }

    @Test
    void aRunStartsFromAnother() throws Exception {
        RunConfig plain = Configs.tiny("remoe", false);
        run(plain, "plain").train().close();
        RunConfig config = Configs.tiny()
                .with(Map.of(
                        "initialRun", temp.resolve("plain").toString(), "learningRate", 1e-20));

        // Training changes nothing at this rate, so what comes out is what it started from.
        try (Model start = folder("plain").loadModel(Device.cpu());
                Model model = run(config, "remoe").train();
                NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            NDArray images = Golden.tensor(
                    manager, DataType.FLOAT32, "image", vit.inputShape(2).getShape());
            assertThat(Tensors.doubles(Tensors.forward(vit, images).head()))
                    .isEqualTo(Tensors.doubles(
                            Tensors.forward(start.getBlock(), images).head()));
            assertThat(vit.getParameters().size())
                    .isGreaterThan(start.getBlock().getParameters().size());
        }
        run(config.with(Map.of("remoe", false)), "plainAgain").train().close();
        assertThat(files("plainAgain")).contains("last-0002.params");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> run(config.with(Map.of("model", "deit_tiny_patch4_32")), "other"))
                .withMessageContaining("whose network is another");
    }

    @Test
    void aFolderThatCannotBeWrittenStopsTheRunAndLosesNothing() throws Exception {
        Path checkpoint = temp.resolve("run").resolve("checkpoint.safetensors");
        RunConfig config = Configs.tiny("epochs", 3);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> run(config, "run").train(new MetricsListener() {
                    @Override
                    public void onEpochMeasured(Measurement measurement) {
                        if (measurement.epoch() == 2) {
                            // As a full disk or a folder without the right to write does.
                            assertThat(temp.resolve("run")
                                            .resolve(".checkpoint.safetensors")
                                            .toFile()
                                            .mkdir())
                                    .isTrue();
                        }
                    }
                }))
                .withMessageContaining("The checkpoint cannot be written")
                .withMessageContaining("resume the run");
        assertThat(checkpoint).exists();
        Files.deleteIfExists(temp.resolve("run").resolve(".checkpoint.safetensors"));

        TrainingRun.resume(folder("run"), Device.cpu()).train().close();
        run(config, "whole").train().close();

        assertThat(state("run")).isEqualTo(state("whole"));
    }

    @Test
    void naturalTrainingIsJudgedByCleanAccuracy() throws Exception {
        RunConfig config = Configs.tiny()
                .with(Map.of("scheme", "NAT", "remoe", false, "validation", 16, "epochs", 4));
        List<Double> clean = new ArrayList<>();
        run(config.with(Map.of("learningRate", 0.5)), "run")
                .train(new MetricsListener() {
                    @Override
                    public void onEpochMeasured(Measurement measurement) {
                        clean.add(measurement.get(Measurement.VALIDATION_CLEAN));
                    }
                })
                .close();

        double best = clean.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
        String file = files("run").stream()
                .filter(name -> name.startsWith("best-"))
                .findFirst()
                .orElseThrow();
        int epoch = Integer.parseInt(file.replaceAll("\\D", ""));
        assertThat(clean.get(epoch - 1)).isEqualTo(best);
    }

    @Test
    void aRunThatIsStoppedAfterAnEpochsLastBatchMeasuresTheEpochAsOneThatRanThrough()
            throws Exception {
        RunConfig config = Configs.tiny()
                .with(Map.of("validation", 8, "remoe", false, "epochs", 3, "learningRate", 0.5));
        run(config, "whole").train().close();
        // Two batches an epoch: the last of the second.
        stopAt(run(config, "stopped"), 4);

        TrainingRun.resume(folder("stopped"), Device.cpu()).train().close();

        assertThat(state("stopped")).isEqualTo(state("whole"));
        assertThat(validations("stopped")).isEqualTo(validations("whole")).hasSize(3);
        assertThat(files("stopped")).isEqualTo(files("whole"));
    }

    /** Step, epoch and the validation's accuracies. */
    private List<String> validations(String name) throws IOException {
        List<String> lines = Files.readAllLines(temp.resolve(name).resolve("epochs.csv"));
        List<String> columns = List.of(lines.get(0).split(","));
        return lines.stream()
                .skip(1)
                .map(line -> line.split(",", -1))
                .map(values -> String.join(
                        ",",
                        values[0],
                        values[1],
                        values[columns.indexOf(Measurement.VALIDATION_CLEAN)],
                        values[columns.indexOf(Measurement.VALIDATION_ROBUST)]))
                .toList();
    }

    @Test
    void aRunThatIsStoppedWhileItValidatesComesToTheSameStateToTheBit() throws Exception {
        RunConfig config = Configs.tiny()
                .with(Map.of("validation", 8, "average", "SWA", "swaStart", 0, "remoe", false));
        run(config, "whole").train().close();
        TrainingRun first = run(config, "stopped");
        first.train(new TrainingListenerAdapter() {
                    @Override
                    public void onValidationBatch(Trainer trainer, BatchData data) {
                        first.stop();
                    }
                })
                .close();
        assertThat(first.isStopped()).isTrue();

        TrainingRun.resume(folder("stopped"), Device.cpu()).train().close();

        assertThat(state("stopped")).isEqualTo(state("whole"));
    }

    @Test
    void twoProcessesDoNotTrainInOneFolder() throws Exception {
        stopAt(run(Configs.tiny(), "run"), 1);
        try (Closeable lock = folder("run").lock()) {
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() ->
                            TrainingRun.resume(folder("run"), Device.cpu()).train())
                    .withMessageContaining("Another process trains in");
        }
    }
}
