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

    private static void step(Progress progress, int images, Map<String, Double> values) {
        try (NDManager manager = NDManager.newBaseManager();
                Batch batch =
                        new Batch(manager, new NDList(), new NDList(), images, null, null, 0, 0)) {
            progress.onTrainingBatch(null, new BatchData(batch, null, null));
        }
        progress.onStepMeasured(new Measurement(7, 3, values));
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
            step(progress, 100, values);
            step(progress, 100, values);
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
        assertThat(shown(0, progress -> step(progress, 100, Map.of(Measurement.LOSS, 2.0))))
                .containsPattern(" epoch 3 loss 2\\.000( [0-9.]+ img/s \\S+ left)?\\R");
    }

    @Test
    void aSkippedStepsImagesAreDoneToo() {
        String shown = shown(0, progress -> {
            step(progress, 100, Map.of(Measurement.LOSS, 2.0));
            step(
                    progress,
                    100,
                    Map.of(Measurement.LOSS, Double.NaN, Measurement.CLEAN_ACCURACY, Double.NaN));
        });

        assertThat(shown).contains("train run  50% [====").doesNotContain("NaN");
    }

    @Test
    void aRunThatGoesOnStartsWhereItWas() {
        assertThat(shown(100, progress -> step(progress, 100, Map.of())))
                .contains("train run  50% [====");
    }
}
