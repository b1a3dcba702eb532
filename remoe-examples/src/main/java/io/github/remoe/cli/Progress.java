package io.github.remoe.cli;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListenerAdapter;

import io.github.remoe.evaluate.EvaluationListener;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

import java.util.Locale;

/** Shows long work as a bar with images a second and the time left. */
final class Progress extends TrainingListenerAdapter implements EvaluationListener, AutoCloseable {

    private final ProgressBar bar;

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

    /** AutoAttack has come through with one of its members. */
    void onMember(String member, int attacked, int robust) {
        bar.setExtraMessage(String.format(" %s: %d of %d hold", member, robust, attacked));
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
