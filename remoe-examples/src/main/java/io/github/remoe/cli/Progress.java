package io.github.remoe.cli;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;

import io.github.remoe.evaluate.EvaluationListener;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Shows long work as a bar with images a second and the time left. */
final class Progress extends TrainingListenerAdapter implements EvaluationListener, AutoCloseable {

    private final ProgressBar bar;
    private final Set<String> warnings = new LinkedHashSet<>();

    Progress(String task, long images) {
        bar = new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(images)
                .setUnit(" img", 1)
                .setStyle(ProgressBarStyle.ASCII)
                .showSpeed()
                .setUpdateIntervalMillis(1000)
                .build();
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

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        float loss = trainer.getLoss()
                .evaluate(
                        batchData.getLabels().values().iterator().next(),
                        batchData.getPredictions().values().iterator().next())
                .getFloat();
        bar.setExtraMessage(String.format(Locale.ROOT, "loss %.3f", loss));
        onImagesJudged(batchData.getBatch().getSize());
    }

    @Override
    public void close() {
        bar.close();
    }
}
