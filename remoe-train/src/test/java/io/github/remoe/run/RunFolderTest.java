package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

class RunFolderTest {

    @TempDir
    private Path temp;

    private RunFolder folder() {
        return new RunFolder(temp.resolve("run"));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(temp.resolve("run"))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private void writeConfig(String text) throws IOException {
        Files.createDirectories(temp.resolve("run"));
        Files.writeString(temp.resolve("run").resolve("config.yaml"), text);
    }

    private static Model model() {
        Model model = Model.newInstance("test", Device.cpu());
        VisionTransformer vit = Configs.tiny().createModel(10);
        vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
        model.setBlock(vit);
        return model;
    }

    private static double[] logits(Model model) {
        VisionTransformer vit = (VisionTransformer) model.getBlock();
        try (NDManager manager = NDManager.newBaseManager()) {
            return Tensors.doubles(Tensors.forward(
                            vit,
                            Golden.tensor(
                                    manager,
                                    DataType.FLOAT32,
                                    "image",
                                    vit.inputShape(2).getShape()))
                    .head());
        }
    }

    @Test
    void theSettingsComeBack() throws IOException {
        RunFolder folder = folder();

        folder.create(Configs.tiny(), Configs.INFO);

        assertThat(folder.readConfig()).isEqualTo(Configs.tiny());
        assertThat(files()).containsExactly("config.yaml", "run.json");
    }

    @Test
    void aRunIsNotOverwritten() throws IOException {
        folder().create(Configs.tiny(), Configs.INFO);
        String before = Files.readString(temp.resolve("run").resolve("config.yaml"));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder().create(Configs.tiny(), Configs.INFO))
                .withMessageContaining("holds a run already");
        assertThat(Files.readString(temp.resolve("run").resolve("config.yaml"))).isEqualTo(before);
    }

    @Test
    void missingFilesAreNamed() throws IOException {
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> folder().readConfig())
                .withMessageContaining("no folder " + temp.resolve("run"));
        Files.createDirectory(temp.resolve("run"));
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> folder().readConfig())
                .withMessageContaining("no config.yaml in " + temp.resolve("run"));
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> folder().loadModel(Device.cpu()));

        folder().create(Configs.tiny(), Configs.INFO);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder().loadModel(Device.cpu()))
                .withMessageContaining(temp.resolve("run").toString());
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> folder().readResults())
                .withMessageContaining("results.json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "{", "[]", "null", "epochs: many", "\u0000\u0001", "epochs: 1\nepochs: 2"
            })
    void aBrokenConfigIsNamed(String text) throws IOException {
        writeConfig(text);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder().readConfig())
                .withMessageContaining("config.yaml");
    }

    @Test
    void aSettingOutOfRangeIsToldWithItsReason() throws IOException {
        writeConfig(Configs.tiny().toYaml().replace("epochs: 2", "epochs: 0"));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder().readConfig())
                .withMessageContaining("config.yaml")
                .withMessageContaining("epochs is '0', allowed is a whole number of at least 1");
    }

    @Test
    void aSettingThatIsNewerThanTheRunHasItsDefault() throws IOException {
        folder().create(Configs.tiny(), Configs.INFO);
        writeConfig(Configs.tiny().toYaml().replaceAll("dropPath: .*\\R", ""));

        assertThat(folder().readConfig()).isEqualTo(Configs.tiny());
    }

    @Test
    void bestWeightsAreLoadedUnlessOthersAreAskedFor() throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        try (Model model = model()) {
            double[] best = logits(model);
            folder.saveModel(RunFolder.Weights.BEST, model, 1);
            model.getBlock()
                    .getParameters()
                    .forEach(p -> p.getValue().getArray().muli(0.5f));
            folder.saveModel(RunFolder.Weights.LAST, model, 2);

            try (Model byDefault = folder.loadModel(Device.cpu());
                    Model last = folder.loadModel(RunFolder.Weights.LAST, Device.cpu())) {
                assertThat(logits(byDefault)).isEqualTo(best);
                assertThat(logits(last)).isEqualTo(logits(model)).isNotEqualTo(best);
            }
        }
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> folder.loadModel(RunFolder.Weights.AVERAGE, Device.cpu()))
                .withMessageContaining("no average-NNNN.params");
    }

    @Test
    void aSavedModelGivesTheSameLogits() throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        try (Model model = model()) {
            double[] expected = logits(model);
            folder.saveModel(RunFolder.Weights.LAST, model, 3);

            try (Model loaded = folder.loadModel(Device.cpu())) {
                assertThat(logits(loaded)).isEqualTo(expected);
                assertThat(loaded.getProperty("Epoch")).isEqualTo("3");
            }
        }
        assertThat(files())
                .containsExactly(
                        "config.yaml",
                        "last-0003.params",
                        "network.json",
                        "run.json",
                        "serving.properties",
                        "synset.txt");
    }

    @Test
    void theNewestParametersReplaceTheOlder() throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        try (Model model = model()) {
            folder.saveModel(RunFolder.Weights.LAST, model, 1);
            model.getBlock()
                    .getParameters()
                    .forEach(p -> p.getValue().getArray().muli(0.5f));
            double[] expected = logits(model);
            folder.saveModel(RunFolder.Weights.LAST, model, 2);
            folder.saveModel(RunFolder.Weights.LAST, model, 2);

            assertThat(files())
                    .containsExactly(
                            "config.yaml",
                            "last-0002.params",
                            "network.json",
                            "run.json",
                            "serving.properties",
                            "synset.txt");
            try (Model loaded = folder.loadModel(Device.cpu())) {
                assertThat(logits(loaded)).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.0001, 0.5, 0.999})
    void truncatedParametersAreNamed(double part) throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        try (Model model = model()) {
            folder.saveModel(RunFolder.Weights.LAST, model, 1);
        }
        Path file = temp.resolve("run").resolve("last-0001.params");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, (int) (part * bytes.length)));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder.loadModel(Device.cpu()))
                .withMessageContaining("The model in " + temp.resolve("run"));
    }

    @Test
    void parametersOfAnotherNetworkAreRefused() throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        try (Model model = model()) {
            folder.saveModel(RunFolder.Weights.LAST, model, 1);
        }
        Path info = temp.resolve("run").resolve("run.json");
        Files.writeString(info, Files.readString(info).replace("\"class 8\",", ""));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder.loadModel(Device.cpu()))
                .withMessageContaining("10 classes");
    }

    @Test
    void resultsComeBackAndReplaceTheOlder() throws IOException {
        RunFolder folder = folder();
        folder.create(Configs.tiny(), Configs.INFO);
        Results first = results(1);
        Results second = results(2);

        folder.writeResults(first);
        assertThat(folder.readResults()).isEqualTo(first);
        folder.writeResults(second);

        assertThat(folder.readResults()).isEqualTo(second);
        assertThat(files()).containsExactly("config.yaml", "results.json", "run.json");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"model\": \"vit\", \"accuracies\": []} | no schemaVersion",
                "{\"schemaVersion\": 99} | schemaVersion is 99, expected 1",
                "{\"schemaVersion\": \"new\"} | no JSON",
                "{\"schemaVersion\": 1} | has no robustbench",
                "{\"schemaVersion\": 1 | cut off or no JSON",
                "[] | no schemaVersion",
                "null | no schemaVersion"
            })
    void resultsOfAnotherFormAreRefused(String json, String reason) throws IOException {
        folder().create(Configs.tiny(), Configs.INFO);
        Files.writeString(temp.resolve("run").resolve("results.json"), json);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> folder().readResults())
                .withMessageContaining("results.json cannot be read")
                .withMessageContaining(reason);
    }

    private static Results results(int epoch) {
        EvaluationSettings settings = new EvaluationSettings(
                "m",
                "synthetic",
                "d",
                Norm.LINF,
                0,
                1,
                List.of(8 / 255f),
                List.of(new EvaluationSettings.NamedAttack("pgd-20", List.of("Pgd[]"))),
                false,
                7);
        Verdicts verdicts =
                new Verdicts(settings, List.of(new Verdict(0, 1, 1, List.of(List.of(2)))));
        return Results.builder(verdicts)
                .optModel("vit_micro_patch4_32", true, 123_456, 7_890_123L, epoch)
                .optSeconds(12.5)
                .build();
    }
}
