package io.github.remoe.run;

import ai.djl.Model;
import ai.djl.training.Trainer;

import io.github.remoe.metrics.Measurement;
import io.github.remoe.metrics.MetricsListener;
import io.github.remoe.run.Checkpoint.Best;
import io.github.remoe.run.Checkpoint.Progress;
import io.github.remoe.run.RunFolder.Weights;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.StatefulOptimizer;
import io.github.remoe.train.WeightAverage;
import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.io.UncheckedIOException;

/** Writes a run's checkpoints, its best and last weights and their average. */
final class SaveRunListener implements MetricsListener {

    private final RunConfig config;
    private final RunFolder folder;
    private final Checkpoint checkpoint;
    private final VisionTransformer vit;
    private final StatefulOptimizer optimizer;
    private final WeightAverage average;
    private final float rateFactor;
    private AdversarialTraining loop;
    private Best best;
    private Best measured;
    private long lastCheckpoint;

    SaveRunListener(
            RunConfig config,
            RunFolder folder,
            Checkpoint checkpoint,
            VisionTransformer vit,
            StatefulOptimizer optimizer,
            WeightAverage average,
            Progress from) {
        this.config = config;
        this.folder = folder;
        this.checkpoint = checkpoint;
        this.vit = vit;
        this.optimizer = optimizer;
        this.average = average;
        rateFactor = from.rateFactor();
        best = from.best();
        lastCheckpoint = from.step();
    }

    /** Sets the loop whose position is saved; it is made after its trainer, and that after this. */
    void setLoop(AdversarialTraining loop) {
        this.loop = loop;
    }

    /** Returns the accuracies of the best weights so far, or null. */
    Best getBest() {
        return best;
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        if (config.checkpointSteps() > 0
                && loop.getStep() - lastCheckpoint >= config.checkpointSteps()
                && loop.isBetweenUpdates()) {
            checkpoint();
        }
    }

    /** Validation may take longer than whoever ends the program waits. */
    void onEpochTrained() {
        if (config.validation() > 0) {
            checkpoint();
        }
    }

    @Override
    public void onEpochMeasured(Measurement measurement) {
        double robust = measurement.get(Measurement.VALIDATION_ROBUST);
        double clean = measurement.get(Measurement.VALIDATION_CLEAN);
        measured = config.scheme() == RunConfig.SchemeType.NAT
                ? new Best(clean, robust)
                : new Best(robust, clean);
    }

    @Override
    public void onEpoch(Trainer trainer) {
        Model model = trainer.getModel();
        if (measured != null && measured.isBetterThan(best)) {
            best = measured;
            boolean averaged = average != null && average.getUpdates() > 0;
            try (WeightAverage.Swap swap = averaged ? average.swap() : null) {
                save(Weights.BEST, model);
            }
        }
        measured = null;
        if (loop.getEpoch() % config.checkpointEpochs() == 0
                || loop.getEpoch() == config.epochs()) {
            save(model);
        }
    }

    /** Saves all weights, and a checkpoint if the loop is where it can go on from. */
    void save(Model model) {
        if (average != null && average.getUpdates() > 0) {
            try (WeightAverage.Swap swap = average.swap()) {
                save(Weights.AVERAGE, model);
            }
        }
        save(Weights.LAST, model);
        if (!loop.isValidating()) {
            checkpoint();
        }
    }

    private void save(Weights weights, Model model) {
        int epochs = loop.getEpoch() + (loop.getBatchesOfEpoch() > 0 ? 1 : 0);
        try {
            folder.saveModel(weights, model, epochs);
        } catch (IOException e) {
            throw notWritten("model", e);
        }
    }

    /** Writes a checkpoint, but not amid updates that fail: it has to be good to come back to. */
    private void checkpoint() {
        if (loop.getSkippedInARow() == 0) {
            lastCheckpoint = loop.getStep();
            checkpoint(new Progress(
                    loop.getStep(),
                    loop.getEpoch(),
                    loop.getBatchesOfEpoch(),
                    loop.getSkipped(),
                    rateFactor,
                    0,
                    best));
        }
    }

    void checkpoint(Progress progress) {
        try {
            checkpoint.save(vit, optimizer, average, progress);
        } catch (IOException e) {
            throw notWritten("checkpoint", e);
        }
    }

    private UncheckedIOException notWritten(String what, IOException e) {
        return new UncheckedIOException(
                String.format(
                        "The %s cannot be written to %s: %s. The checkpoint before is kept: make"
                                + " room or give the right to write, then resume the run.",
                        what, folder.getPath(), e.getMessage()),
                e);
    }
}
