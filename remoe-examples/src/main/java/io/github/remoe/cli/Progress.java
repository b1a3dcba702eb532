package io.github.remoe.cli;

import ai.djl.training.Trainer;

import io.github.remoe.evaluate.EvaluationListener;
import io.github.remoe.metrics.Measurement;
import io.github.remoe.metrics.MetricsListener;

import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Shows long work as a bar on stderr, with images a second and the time left. Without a terminal, as
 * in a batch job's log, it is a line a minute.
 */
final class Progress implements MetricsListener, EvaluationListener, AutoCloseable {

    private static final int TERMINAL_MILLIS = 1000;
    private static final int LOG_MILLIS = 60_000;
    private static final int LOG_COLUMNS = 120;

    private final ProgressBar bar;
    private final Set<String> warnings = new LinkedHashSet<>();
    private long step;

    Progress(String task, long images) {
        this(task, images, 0);
    }

    /** For work of which some images were done before. */
    Progress(String task, long images, long done) {
        this(task, images, done, "img");
    }

    /** For work that is counted in another unit than images. */
    Progress(String task, long all, long done, String unit) {
        ProgressBarBuilder builder = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(all)
                .startsFrom(done, Duration.ZERO)
                .setRenderer(new BarRenderer(unit))
                .setUpdateIntervalMillis(TERMINAL_MILLIS);
        if (System.console() == null) {
            builder.setConsumer(new DelegatingProgressBarConsumer(System.err::println, LOG_COLUMNS))
                    .setUpdateIntervalMillis(LOG_MILLIS);
        }
        bar = builder.build();
    }

    @Override
    public void onAttack(String attack, float epsilon, int images) {
        bar.setExtraMessage(" " + attack);
    }

    @Override
    public void onMember(String member, int images, int robust) {
        bar.setExtraMessage(String.format(" %s: %d of %d hold", member, robust, images));
    }

    @Override
    public void onWarning(String attack, float epsilon, String warning) {
        warnings.add(String.format(Locale.ROOT, "%s, epsilon %.3g: %s", attack, epsilon, warning));
    }

    /** What AutoAttack's checks have said, to be shown when the bar is gone. */
    List<String> warnings() {
        return List.copyOf(warnings);
    }

    @Override
    public void onImagesJudged(int images) {
        bar.stepBy(images);
    }

    /** Says what is being done now. */
    void show(String message) {
        bar.setExtraMessage(" " + message);
    }

    /** Counts what is not told of by a listener. */
    void step() {
        bar.step();
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        // Not by one batch: steps that were skipped are not told of, and a run may go back.
        bar.stepTo(step * batchData.getBatch().getSize());
    }

    @Override
    public void onStepMeasured(Measurement measurement) {
        step = measurement.step();
        bar.setExtraMessage(message(measurement));
    }

    /** The few values that matter; those that were not measured are left out. */
    private static String message(Measurement step) {
        StringBuilder message = new StringBuilder(" epoch " + step.epoch());
        append(message, " loss %.3f", step.get(Measurement.LOSS));
        append(message, " clean %.0f%%", 100 * step.get(Measurement.CLEAN_ACCURACY));
        append(message, " robust %.0f%%", 100 * step.get(Measurement.ROBUST_ACCURACY));
        append(message, " rate %.2g", step.get(Measurement.LEARNING_RATE));
        return message.toString();
    }

    private static void append(StringBuilder message, String format, double value) {
        if (!Double.isNaN(value)) {
            message.append(String.format(Locale.ROOT, format, value));
        }
    }

    @Override
    public void close() {
        bar.close();
    }
}
