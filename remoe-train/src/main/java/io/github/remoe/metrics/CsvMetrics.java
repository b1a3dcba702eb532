package io.github.remoe.metrics;

import ai.djl.training.Trainer;

import java.nio.file.Path;

/**
 * Writes metrics as CSV: {@code log.csv} with one line a step and {@code epochs.csv} with one line an
 * epoch. Columns are {@code step}, {@code epoch} and the names of the values; a cell is empty where
 * nothing was measured. Every line is on its way to the disk when its step ends.
 *
 * <p>A file that exists is gone on with: lines of the first step, or epoch, that is measured now and of
 * later ones are dropped, and a last line that was cut off. So a run that goes on from a checkpoint, or
 * goes back to one, has each step and each epoch once. The file's columns stay, and new ones come
 * behind them.
 *
 * <p>A file that cannot be written does not end the training: it is warned of once, and lines are left
 * out until it can be written again.
 */
public final class CsvMetrics implements MetricsListener {

    private final CsvFile steps;
    private final CsvFile epochs;

    /**
     * Creates the listener; nothing is written yet.
     *
     * @param folder the folder of the files
     */
    public CsvMetrics(Path folder) {
        steps = new CsvFile(folder.resolve("log.csv"), CsvFile.Line.STEP);
        epochs = new CsvFile(folder.resolve("epochs.csv"), CsvFile.Line.EPOCH);
    }

    /** {@inheritDoc} */
    @Override
    public void onMeasuringFrom(long step, int epoch) {
        steps.startAt(step);
        epochs.startAt(epoch);
    }

    /** {@inheritDoc} */
    @Override
    public void onStepMeasured(Measurement measurement) {
        steps.append(measurement);
    }

    /** {@inheritDoc} */
    @Override
    public void onEpochMeasured(Measurement measurement) {
        epochs.append(measurement);
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingEnd(Trainer trainer) {
        steps.close();
        epochs.close();
    }
}
