package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.weights.SafeTensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;

class AdversarialSetTest {

    private static final List<Float> EPSILONS = List.of(0.005f, 0.02f);

    @TempDir
    private Path temp;

    private NDManager manager;
    private TargetModel model;
    private ByteDataset dataset;
    private Path folder;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        dataset = ByteDataset.random(model, manager, 20, 5);
        folder = temp.resolve("adversarial");
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private RobustEvaluator.Builder evaluator() {
        return RobustEvaluator.builder(model, ThreatModel.linf(0.02f))
                .addAttack("fgsm", Fgsm::new)
                .addAttack("pgd", t -> Pgd.builder(t).optSteps(2).build())
                .optEpsilons(EPSILONS)
                .optModelId("tiny")
                .optAdversarialFolder(folder);
    }

    private Verdicts evaluate(RobustEvaluator.Builder builder, int batchSize) throws IOException {
        return builder.build().evaluate("random", dataset, manager, batchSize);
    }

    private Path file(String attack, float epsilon) {
        return folder.resolve(AdversarialSet.fileName(attack, epsilon));
    }

    private Map<String, byte[]> safetensors() throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> all = Files.list(folder)) {
            for (Path file :
                    all.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    @Test
    void everyImageIsSavedAsItWasJudged() throws IOException {
        Verdicts verdicts = evaluate(evaluator(), 7);

        for (int attack = 0; attack < 2; attack++) {
            for (int epsilon = 0; epsilon < 2; epsilon++) {
                String name = List.of("fgsm", "pgd").get(attack);
                try (AdversarialSet set =
                        AdversarialSet.load(file(name, EPSILONS.get(epsilon)), manager)) {
                    int a = attack;
                    int e = epsilon;
                    assertThat(set.attack()).isEqualTo(name);
                    assertThat(set.threatModel()).isEqualTo(ThreatModel.linf(EPSILONS.get(e)));
                    assertThat(set.settings()).isEqualTo(verdicts.settings());
                    assertThat(set.indices()).hasSize(20).isSorted();
                    assertThat(set.predictions())
                            .containsExactly(verdicts.all().stream()
                                    .mapToLong(v -> v.predictions().get(a).get(e))
                                    .toArray());
                    assertThat(set.labels())
                            .containsExactly(verdicts.all().stream()
                                    .mapToLong(Verdict::label)
                                    .toArray());
                    AdversarialSet.Verification again = set.verify(model, dataset, 6);
                    assertThat(again.accuracy()).isEqualTo(verdicts.robust(a, e));
                    assertThat(again.changed()).isEmpty();
                }
            }
        }
    }

    @Test
    void anImageThatWasBrokenOnceIsTheSameAtLargerEpsilons() throws IOException {
        Verdicts verdicts = evaluate(evaluator(), 7);
        try (AdversarialSet small = AdversarialSet.load(file("fgsm", 0.005f), manager);
                AdversarialSet large = AdversarialSet.load(file("fgsm", 0.02f), manager)) {
            for (Verdict verdict : verdicts.all()) {
                long row = verdict.index();
                boolean same =
                        small.images().get(row).contentEquals(large.images().get(row));
                assertThat(same).isEqualTo(!verdict.isCleanCorrect() || verdict.isBroken(0, 0));
            }
        }
    }

    @Test
    void numPyGetsTheSameArrays() throws IOException {
        evaluate(evaluator(), 7);

        NDList expected = SafeTensors.load(file("pgd", 0.02f), manager);
        try (InputStream in = Files.newInputStream(folder.resolve("pgd-0.02.npz"))) {
            NDList arrays = NDList.decode(manager, in);
            assertThat(arrays.stream().map(NDArray::getName))
                    .containsExactlyInAnyOrder("indices", "labels", "predictions", "images");
            for (NDArray array : arrays) {
                assertThat(array).isEqualTo(expected.get(array.getName()));
            }
        }
    }

    @Test
    void inTheWorstCaseASetHoldsWhatItsAttackSaw() throws IOException {
        Verdicts verdicts = evaluate(evaluator().optWorstCase(true), 7);

        try (AdversarialSet set = AdversarialSet.load(file("pgd", 0.005f), manager)) {
            assertThat(set.indices())
                    .containsExactly(verdicts.all().stream()
                            .filter(v -> v.predictions().get(1).get(0) != Verdict.NOT_ATTACKED)
                            .mapToLong(Verdict::index)
                            .toArray())
                    .hasSizeLessThan(20);
            assertThat(set.verify(model, dataset, 20).changed()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"3, 8", "8, 3", "20, 1"})
    void anEvaluationThatStoppedSavesTheSame(int first, int second) throws IOException {
        evaluate(evaluator(), 20);
        Map<String, byte[]> whole = safetensors();
        folder = temp.resolve("stopped");
        Path state = temp.resolve("state");

        // Stops amid a batch, when some of its shards are written but its verdicts are not.
        int[] attacks = {6};
        assertThatThrownBy(() -> evaluate(
                        evaluator().optState(state).optListener(new EvaluationListener() {
                            @Override
                            public void onAttack(String attack, float epsilon, int images) {
                                if (--attacks[0] == 0 || first == 20 && attacks[0] == 3) {
                                    throw new IllegalStateException("stop");
                                }
                            }
                        }),
                        first))
                .hasMessage("stop");
        assertThat(folder).isDirectoryRecursivelyContaining("glob:**.shards/*");
        evaluate(evaluator().optState(state), second);

        Map<String, byte[]> resumed = safetensors();
        assertThat(resumed.keySet()).isEqualTo(whole.keySet());
        resumed.forEach((name, bytes) -> assertThat(bytes).as(name).isEqualTo(whole.get(name)));
        assertThat(folder).isDirectoryNotContaining("glob:**.shards");

        evaluate(evaluator().optState(state), 4);
        safetensors().forEach((name, bytes) -> assertThat(bytes).isEqualTo(whole.get(name)));
    }

    @Test
    void imagesOfAnotherEvaluationAreRefused() throws IOException {
        evaluate(evaluator(), 20);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluate(evaluator().optSeed(1), 20))
                .withMessageContaining(
                        "belongs to another evaluation (there and here): seed: 0 and 1");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluate(evaluator(), 20))
                .withMessageContaining("holds 20 adversarial images")
                .withMessageContaining("verdicts on 0");
    }

    @Test
    void verdictsWithoutTheirImagesAreRefused() throws IOException {
        Path state = temp.resolve("state");
        evaluate(evaluator().optState(state).optAdversarialFolder(null), 20);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> evaluate(evaluator().optState(state), 20))
                .withMessageContaining("holds 0 adversarial images")
                .withMessageContaining("verdicts on 20");
    }

    private AdversarialSet tampered(Consumer<NDList> change) throws IOException {
        evaluate(evaluator(), 20);
        Path file = file("fgsm", 0.02f);
        NDList arrays = SafeTensors.load(file, manager);
        change.accept(arrays);
        SafeTensors.save(file, arrays, SafeTensors.loadMetadata(file));
        return AdversarialSet.load(file, manager);
    }

    @Test
    void anImageOutsideTheBallIsFound() throws IOException {
        try (AdversarialSet set = tampered(arrays -> {
            NDArray image = arrays.get("images").get(13);
            image.addi(0.05f).clip(0, 1);
        })) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> set.verify(model, dataset, 6))
                    .withMessageContaining("fgsm-0.02.safetensors is garbled")
                    .withMessageContaining("image 13");
        }
    }

    @Test
    void anotherLabelIsFound() throws IOException {
        try (AdversarialSet set =
                tampered(arrays -> arrays.get("labels").get("4:5").addi(1))) {
            assertThatIllegalStateException()
                    .isThrownBy(() -> set.verify(model, dataset, 6))
                    .withMessageContaining("image 4 has the label");
        }
    }

    @Test
    void anotherVerdictIsFound() throws IOException {
        try (AdversarialSet set =
                tampered(arrays -> arrays.get("predictions").get("4:5").addi(1))) {
            assertThat(set.verify(model, dataset, 6).changed()).containsExactly(4L);
        }
    }

    @Test
    void theCleanImagesMustBeThose() throws IOException {
        evaluate(evaluator(), 20);
        try (AdversarialSet set = AdversarialSet.load(file("fgsm", 0.02f), manager)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(
                            () -> set.verify(model, ByteDataset.random(model, manager, 21, 5), 6))
                    .withMessageContaining("checksum");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> set.verify(model, dataset.subDataset(0, 10), 6))
                    .withMessageContaining("image 10, which is not in this part");
        }
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.01, 0.5, 0.999})
    void aSetThatIsCutOffIsRefused(double part) throws IOException {
        evaluate(evaluator(), 20);
        Path file = file("fgsm", 0.02f);
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, (int) (part * bytes.length)));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> AdversarialSet.load(file, manager))
                .withMessageContaining(file + " is cut off");
    }

    @Test
    void otherFilesAreRefused() throws IOException {
        Path file = temp.resolve("weights.safetensors");
        NDArray array = manager.ones(new Shape(2));
        array.setName("weight");
        SafeTensors.save(file, new NDList(array), Map.of());

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> AdversarialSet.load(file, manager))
                .withMessageContaining("is no set of adversarial images");
    }
}
