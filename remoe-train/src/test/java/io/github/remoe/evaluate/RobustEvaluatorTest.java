package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.dataset.Batch;
import ai.djl.translate.Batchifier;

import io.github.remoe.Tensors;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** On images of one pixel whose class is 0 where red is above 0.5, and 1 where it is below. */
class RobustEvaluatorTest {

    // How far red may move: 0.4, 0.05, wrong, 0.4, 0.05, wrong, 0.2.
    private static final double[] RED = {0.9, 0.55, 0.45, 0.1, 0.45, 0.7, 0.7};
    private static final long[] LABELS = {0, 0, 0, 1, 1, 1, 0};

    private NDManager manager;
    private TargetModel model;
    private List<NDManager> managers;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        Linear linear = Linear.builder().setUnits(2).build();
        // Logits 10 red - 5 and 0.
        Tensors.start(linear.getDirectParameters().get("weight"), 10, 0, 0, 0, 0, 0);
        Tensors.start(linear.getDirectParameters().get("bias"), -5, 0);
        SequentialBlock block =
                new SequentialBlock().add(Blocks.batchFlattenBlock()).add(linear);
        block.initialize(manager, DataType.FLOAT32, new Shape(1, 3, 1, 1));
        model = new TargetModel(block, manager);
        managers = new ArrayList<>();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private List<Batch> batches(int size) {
        List<Batch> batches = new ArrayList<>();
        for (int from = 0; from < RED.length; from += size) {
            int to = Math.min(RED.length, from + size);
            double[] pixels = IntStream.range(from, to)
                    .boxed()
                    .flatMapToDouble(i -> DoubleStream.of(RED[i], 0.5, 0.5))
                    .toArray();
            long[] labels = IntStream.range(from, to).mapToLong(i -> LABELS[i]).toArray();
            List<Long> indices =
                    IntStream.range(from, to).mapToObj(i -> (long) i).toList();
            batches.add(batch(pixels, labels, indices));
        }
        return batches;
    }

    private Batch batch(double[] pixels, long[] labels, List<Long> indices) {
        NDManager own = manager.newSubManager();
        managers.add(own);
        return new Batch(
                own,
                new NDList(Tensors.array(own, new Shape(labels.length, 3, 1, 1), pixels)),
                new NDList(own.create(labels)),
                labels.length,
                Batchifier.STACK,
                Batchifier.STACK,
                0,
                0,
                indices);
    }

    private List<RobustAccuracy> evaluate(Map<String, Attack> attacks, int batchSize) {
        return new RobustEvaluator(model, attacks, 1).evaluate(batches(batchSize), size -> {});
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7})
    void countsAreExactWhateverTheBatch(int batchSize) {
        Map<String, Attack> attacks = new LinkedHashMap<>();
        attacks.put(
                "strong", Pgd.builder(ThreatModel.linf(0.3f)).optStepSize(0.2f).build());
        attacks.put("weak", new Fgsm(ThreatModel.linf(0.1f)));
        attacks.put("none", new Fgsm(ThreatModel.linf(0)));

        assertThat(evaluate(attacks, batchSize))
                .containsExactly(
                        new RobustAccuracy("clean", 5, 7, 5 / 7.0),
                        new RobustAccuracy("strong", 2, 7, 2 / 7.0),
                        new RobustAccuracy("weak", 3, 7, 3 / 7.0),
                        new RobustAccuracy("none", 5, 7, 5 / 7.0));
    }

    @Test
    void withoutAttacksThereIsTheCleanAccuracy() {
        assertThat(evaluate(Map.of(), 4)).containsExactly(new RobustAccuracy("clean", 5, 7));
    }

    @Test
    void onlyRightImagesAreAttackedEachWithItsOwnSeed() {
        Map<Float, Long> together = new TreeMap<>();
        Map<Float, Long> alone = new TreeMap<>();

        evaluate(Map.of("spy", new Spy(together)), 7);
        evaluate(Map.of("spy", new Spy(alone)), 1);

        // Red and label of the five: 0.9, 0.55, 0.1 and 0.7 once each; 0.45 as class 1 alone.
        assertThat(together.keySet()).containsExactly(0.1f, 0.45f, 0.55f, 0.7f, 0.9f);
        assertThat(together.values()).doesNotHaveDuplicates();
        assertThat(alone).isEqualTo(together);
    }

    @Test
    void anotherSeedGivesOtherSeedsToTheAttacks() {
        Map<Float, Long> one = new TreeMap<>();
        Map<Float, Long> two = new TreeMap<>();

        new RobustEvaluator(model, Map.of("spy", new Spy(one)), 1).evaluate(batches(7), size -> {});
        new RobustEvaluator(model, Map.of("spy", new Spy(two)), 2).evaluate(batches(7), size -> {});

        assertThat(two.get(0.9f)).isNotEqualTo(one.get(0.9f));
    }

    @Test
    void batchesAreClosedAndTold() {
        List<Integer> sizes = new ArrayList<>();

        new RobustEvaluator(model, Map.of("fgsm", new Fgsm(ThreatModel.linf(0.1f))), 1)
                .evaluate(batches(3), sizes::add);

        assertThat(sizes).containsExactly(3, 3, 1);
        assertThat(managers).hasSize(3).noneMatch(NDManager::isOpen);
        assertThat(manager.isOpen()).isTrue();
    }

    @Test
    void aBatchWithNoRightImageIsNotAttacked() {
        Batch wrong = batch(new double[] {0.1, 0, 0}, new long[] {0}, List.of(0L));
        Map<Float, Long> seen = new TreeMap<>();

        List<RobustAccuracy> result = new RobustEvaluator(model, Map.of("spy", new Spy(seen)), 1)
                .evaluate(List.of(wrong), size -> {});

        assertThat(seen).isEmpty();
        assertThat(result)
                .containsExactly(
                        new RobustAccuracy("clean", 0, 1, 0), new RobustAccuracy("spy", 0, 1, 0));
    }

    @Test
    void aLabelWithoutAClassIsNamed() {
        Batch wrong = batch(new double[] {0.1, 0, 0}, new long[] {2}, List.of(0L));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RobustEvaluator(model, Map.of(), 1)
                        .evaluate(List.of(wrong), size -> {}))
                .withMessageContaining("Label 2");
        assertThat(managers).noneMatch(NDManager::isOpen);
    }

    @Test
    void noImagesAreNoResult() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        new RobustEvaluator(model, Map.of(), 1).evaluate(List.of(), size -> {}))
                .withMessageContaining("no images");
    }

    /** Remembers the seed of every image by its red value. */
    private record Spy(Map<Float, Long> seeds) implements Attack {

        @Override
        public NDArray perturb(TargetModel target, NDArray images, NDArray labels, long[] given) {
            float[] pixels = images.toFloatArray();
            for (int i = 0; i < given.length; i++) {
                seeds.put(pixels[3 * i], given[i]);
            }
            return images.duplicate();
        }
    }
}
