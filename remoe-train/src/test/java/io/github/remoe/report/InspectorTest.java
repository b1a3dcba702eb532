package io.github.remoe.report;

import static io.github.remoe.Tensors.doubles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.figure.AttackSheet;
import io.github.remoe.figure.Prediction;
import io.github.remoe.figure.Prediction.Verdict;
import io.github.remoe.figure.RegionPanel;
import io.github.remoe.inference.RegionRouting;
import io.github.remoe.report.InspectedImage.Answer;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.List;

class InspectorTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray images(String name, int count) {
        return Golden.initializer(name, 0, 1)
                .initialize(manager, new Shape(count, 3, 8, 8), DataType.FLOAT32);
    }

    private static double[] weights(RegionRouting layer) {
        return layer.weights().weights().stream()
                .mapToDouble(Float::doubleValue)
                .toArray();
    }

    @Test
    void numbersAreThoseOfTheNetwork() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray clean = images("clean", 70);
        NDArray attacked = images("attacked", 70);
        long[] labels = new long[70];
        Arrays.setAll(labels, i -> i % 5);

        List<InspectedImage> inspected;
        NDList before;
        NDList after;
        try (Inspector inspector = new Inspector(vit, manager);
                TargetModel target = new TargetModel(vit, manager)) {
            inspected = inspector.inspect(clean, attacked, labels);
            before = target.predict(clean);
            after = target.predict(attacked);
        }

        assertThat(inspected).hasSize(70);
        for (int i : new int[] {0, 3, 63, 64, 69}) {
            InspectedImage image = inspected.get(i);
            assertThat(image.label()).isEqualTo(i % 5);
            check(image.clean(), image.label(), before, i);
            check(image.attacked(), image.label(), after, i);
            assertThat(image.angles())
                    .containsExactly(image.clean()
                            .layers()
                            .get(0)
                            .weights()
                            .angle(image.attacked().layers().get(0).weights()));
            assertThat(image.angles().get(0)).isPositive();
        }
    }

    private static void check(Answer answer, int label, NDList outputs, int row) {
        double[] logits = doubles(outputs.head().get(row));
        double sum = Arrays.stream(logits).map(Math::exp).sum();
        int best = 0;
        double other = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < logits.length; i++) {
            best = logits[i] > logits[best] ? i : best;
            other = i == label ? other : Math.max(other, logits[i]);
        }
        assertThat(answer.prediction()).isEqualTo(best);
        assertThat((double) answer.confidence())
                .isEqualTo(Math.exp(logits[best]) / sum, within(1e-6));
        assertThat((double) answer.labelConfidence())
                .isEqualTo(Math.exp(logits[label]) / sum, within(1e-6));
        assertThat((double) answer.margin()).isEqualTo(logits[label] - other, within(1e-6));
        assertThat(answer.margin() > 0).isEqualTo(best == label);
        // To the last bit: what is drawn is what the network used.
        assertThat(answer.layers()).hasSize(1);
        assertThat(weights(answer.layers().get(0)))
                .isEqualTo(doubles(outputs.get(1).get(row)));
    }

    @Test
    void withoutLabelsTheNetworksOwnAnswerCountsAsRight() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);

        List<InspectedImage> inspected;
        try (Inspector inspector = new Inspector(vit, manager)) {
            inspected = inspector.inspect(images("clean", 1), null, new long[] {-1});
        }

        InspectedImage image = inspected.get(0);
        assertThat(image.label()).isEqualTo(image.clean().prediction());
        assertThat(image.rightBefore()).isTrue();
        assertThat(image.fooled()).isFalse();
        assertThat(image.attacked()).isNull();
        assertThat(image.angles()).isEmpty();
        assertThat(image.clean().margin()).isPositive();
        assertThat(image.clean().confidence()).isEqualTo(image.clean().labelConfidence());
    }

    @Test
    void figuresShowWhatWasInspected() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        List<String> names = List.of("zero", "one", "two", "three", "four");
        NDArray clean = images("clean", 2);
        NDArray attacked = images("attacked", 2);
        List<InspectedImage> inspected;
        try (Inspector inspector = new Inspector(vit, manager)) {
            inspected = inspector.inspect(clean, attacked, new long[] {1, Inspector.UNLABELLED});
        }

        RegionPanel labelled = inspected
                .get(0)
                .regionPanel("n", "t", names, clean.get(0), "pgd-20", attacked.get(0));
        AttackSheet.Row row = inspected.get(1).sheetRow("t", names, clean.get(1), attacked.get(1));

        Answer answer = inspected.get(0).attacked();
        assertThat(labelled.trueClass()).isEqualTo("one");
        assertThat(labelled.attacked().heading()).isEqualTo("pgd-20");
        assertThat(labelled.attacked().layers()).isEqualTo(answer.layers());
        assertThat(labelled.attacked().prediction())
                .isEqualTo(new Prediction(
                        names.get(answer.prediction()),
                        answer.confidence(),
                        Verdict.of(answer.prediction() == 1)));
        assertThat(row.trueClass()).isNull();
        assertThat(row.before().verdict()).isEqualTo(Verdict.OPEN);
        assertThat(row.after().verdict())
                .isEqualTo(Verdict.ofChange(inspected.get(1).fooled()));
    }

    @Test
    void networksWithoutReMoEGiveNoLayers() {
        VisionTransformer vit = TinyNetworks.plainVit();
        TinyNetworks.startByName(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));

        List<InspectedImage> inspected;
        try (Inspector inspector = new Inspector(vit, manager)) {
            inspected =
                    inspector.inspect(images("clean", 2), images("attacked", 2), new long[] {0, 4});
        }

        assertThat(inspected).hasSize(2).allSatisfy(image -> {
            assertThat(image.clean().layers()).isEmpty();
            assertThat(image.attacked().layers()).isEmpty();
            assertThat(image.angles()).isEmpty();
        });
    }

    @Test
    void whatDoesNotFitIsTold() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray two = images("clean", 2);

        try (Inspector inspector = new Inspector(vit, manager)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> inspector.inspect(two, null, new long[1]))
                    .withMessageContaining("attacked images (none) and 1 labels");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> inspector.inspect(two, images("a", 3), new long[2]))
                    .withMessageContaining("(3, 3, 8, 8)");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> inspector.inspect(two, null, new long[] {0, 5}))
                    .withMessageContaining("no class 5: classes count from 0 to 4");
        }
    }

    @Test
    void nothingStaysInNativeMemory() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray clean = images("clean", 3);
        try (Inspector inspector = new Inspector(vit, manager)) {
            inspector.inspect(clean, clean, new long[3]);
            int before = manager.getManagedArrays().size();

            inspector.inspect(clean, clean, new long[3]);

            assertThat(manager.getManagedArrays()).hasSize(before);
        }
    }
}
