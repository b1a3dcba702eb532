package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Points of one pixel each; the logits of a point are 1 for its class and 0 for the others. */
class FoundAdversarialsTest {

    private NDManager manager;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        labels = manager.create(new long[] {0, 0, 0});
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray points(float... pixels) {
        return manager.create(pixels, new Shape(pixels.length, 1, 1, 1));
    }

    private NDArray logits(long... classes) {
        return manager.create(classes).oneHot(3);
    }

    @Test
    void theLatestMisclassifiedPointIsKept() {
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, null)) {
            found.offer(points(1, 1, 1), logits(0, 1, 2));
            found.offer(points(2, 2, 2), logits(0, 0, 1));

            assertThat(found.found().toBooleanArray()).containsExactly(false, true, true);
            assertThat(found.missing()).containsExactly(0);
            assertThat(found.orElse(points(9, 9, 9)).toFloatArray()).containsExactly(9, 1, 2);
        }
    }

    @Test
    void aTargetCountsMoreThanAnotherWrongClass() {
        NDArray targets = manager.create(new long[] {2, 2, 2});
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, targets)) {
            found.offer(points(1, 1, 1), logits(1, 2, 0));
            found.offer(points(2, 2, 2), logits(0, 1, 0));

            assertThat(found.found().toBooleanArray()).containsExactly(false, true, false);
            assertThat(found.missing()).containsExactly(0, 2);
            assertThat(found.orElse(points(9, 9, 9)).toFloatArray()).containsExactly(1, 1, 9);
        }
    }

    @Test
    void pointsMayBeJudgedElsewhere() {
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, null)) {
            found.keep(points(1, 1, 1), manager.create(new boolean[] {true, false, true}));
            found.keep(points(2, 2, 2), manager.create(new boolean[] {false, false, true}));

            assertThat(found.found().toBooleanArray()).containsExactly(true, false, true);
            assertThat(found.orElse(points(9, 9, 9)).toFloatArray()).containsExactly(1, 9, 2);
        }
    }

    @Test
    void theLastPointIsKeptWhereThereIsNoOther() {
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, null)) {
            found.offer(points(1, 1, 1), logits(0, 1, 1));
            found.offerLast(
                    points(2, 2, 2), logits(0, 0, 1), manager.create(new float[] {5, 6, 7}));

            assertThat(found.found().toBooleanArray()).containsExactly(false, true, true);
            assertThat(found.points().toFloatArray()).containsExactly(2, 1, 2);
        }
    }

    @Test
    void betweenRunsSuccessDecidesAndThenTheLoss() {
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, null);
                FoundAdversarials first = new FoundAdversarials(points(0, 0, 0), labels, null);
                FoundAdversarials second = new FoundAdversarials(
                        points(0, 0), manager.create(new long[] {0, 0}), null)) {
            first.offerLast(
                    points(1, 1, 1), logits(0, 1, 0), manager.create(new float[] {5, 5, 5}));
            found.take(new int[] {0, 1, 2}, first);
            assertThat(found.points().toFloatArray()).containsExactly(1, 1, 1);
            assertThat(found.missing()).containsExactly(0, 2);

            // A lower loss, but won; a higher one.
            second.offerLast(points(2, 2), logits(1, 0), manager.create(new float[] {4, 6}));
            found.take(new int[] {0, 2}, second);

            assertThat(found.points().toFloatArray()).containsExactly(2, 1, 2);
            assertThat(found.missing()).containsExactly(2);
        }
    }

    @Test
    void aLowerLossDoesNotReplaceAPoint() {
        try (FoundAdversarials found = new FoundAdversarials(points(0, 0, 0), labels, null);
                FoundAdversarials run = new FoundAdversarials(points(0, 0, 0), labels, null)) {
            found.offerLast(
                    points(1, 1, 1), logits(0, 0, 1), manager.create(new float[] {5, 5, 5}));
            run.offerLast(points(2, 2, 2), logits(0, 0, 0), manager.create(new float[] {4, 6, 6}));
            found.take(new int[] {0, 1, 2}, run);

            assertThat(found.points().toFloatArray()).containsExactly(1, 2, 1);
        }
    }
}
