package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;
import ai.djl.training.listener.TrainingListener.BatchData;

import io.github.remoe.metrics.Measurement;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import java.util.function.Consumer;

/** Tests run without a terminal. */
class ProgressTest {

    private static String shown(long done, Consumer<Progress> work) {
        PrintStream before = System.err;
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        System.setErr(new PrintStream(err, true));
        try (Progress progress = new Progress("train run", 400, done)) {
            work.accept(progress);
        } finally {
            System.setErr(before);
        }
        return err.toString();
    }

    /** A step of 100 images. TrainingMetrics, which comes first, tells of it first. */
    private static void step(Progress progress, long number, Map<String, Double> values) {
        progress.onStepMeasured(new Measurement(number, 3, values));
        try (NDManager manager = NDManager.newBaseManager();
                Batch batch =
                        new Batch(manager, new NDList(), new NDList(), 100, null, null, 0, 0)) {
            progress.onTrainingBatch(null, new BatchData(batch, null, null));
        }
    }

    @Test
    void aLogHasWholeLinesWithTheFewValuesThatMatter() {
        String shown = shown(0, progress -> {
            Map<String, Double> values = Map.of(
                    Measurement.LOSS, 1.23456,
                    Measurement.CLEAN_ACCURACY, 0.515,
                    Measurement.ROBUST_ACCURACY, 0.25,
                    Measurement.LEARNING_RATE, 0.0125,
                    Measurement.ENTROPY, 1.0);
            step(progress, 1, values);
            step(progress, 2, values);
        });

        assertThat(shown).doesNotContain("\r").endsWith(System.lineSeparator());
        // One at the start, one a minute, and the last, which the library shows twice.
        assertThat(shown.lines())
                .hasSizeLessThanOrEqualTo(3)
                .last()
                .asString()
                .startsWith("train run  50% [====")
                .contains("] epoch 3 loss 1.235 clean 52% robust 25% rate 0.013");
    }

    @Test
    void whatIsNotMeasuredIsLeftOut() {
        assertThat(shown(0, progress -> step(progress, 1, Map.of(Measurement.LOSS, 2.0))))
                .containsPattern(" epoch 3 loss 2\\.000( [0-9.]+ img/s \\S+ left)?\\R");
    }

    @Test
    void imagesOfSkippedStepsAreDoneToo() {
        String shown = shown(0, progress -> {
            step(progress, 1, Map.of());
            step(progress, 3, Map.of());
        });

        assertThat(shown).contains("train run  75% [====");
    }

    @Test
    void aRunThatGoesBackHasLessDone() {
        String shown = shown(0, progress -> {
            step(progress, 3, Map.of());
            step(progress, 2, Map.of());
        });

        assertThat(shown).contains("train run  50% [====").doesNotContain("train run  75%");
    }

    @Test
    void aRunThatGoesOnStartsWhereItWas() {
        assertThat(shown(100, progress -> step(progress, 2, Map.of())))
                .contains("train run  50% [====");
    }
}
