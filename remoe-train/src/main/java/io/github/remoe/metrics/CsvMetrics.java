package io.github.remoe.metrics;

import ai.djl.training.Trainer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes metrics as CSV, and reads them back: {@code log.csv} with one line a step and {@code
 * epochs.csv} with one line an epoch. Columns are {@code step}, {@code epoch} and the names of the
 * values; a cell is empty where nothing was measured. Every line is on its way to the disk when its
 * step ends.
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

    private static final String STEPS = "log.csv";
    private static final String EPOCHS = "epochs.csv";

    private final CsvFile steps;
    private final CsvFile epochs;

    /**
     * Creates the listener; nothing is written yet.
     *
     * @param folder the folder of the files
     */
    public CsvMetrics(Path folder) {
        steps = new CsvFile(folder.resolve(STEPS), CsvFile.Line.STEP);
        epochs = new CsvFile(folder.resolve(EPOCHS), CsvFile.Line.EPOCH);
    }

    /**
     * Reads the steps that were measured so far. A training may be writing on; a last line that is not
     * whole is left out.
     *
     * @param folder the folder of the files
     * @return a measurement a step, by step, NaN where a cell is empty; none if there is no file
     * @throws IOException if the file cannot be read or a line of it is no measurement
     */
    public static List<Measurement> readSteps(Path folder) throws IOException {
        return readSteps(folder, Integer.MAX_VALUE);
    }

    /**
     * Reads steps that were measured so far, at even distances: the first, every n-th after it, and
     * the last. n is 1 as long as the steps are few enough, then 2, 4, 8 and so on. The file is not
     * held in memory, and lines that are left out are not checked.
     *
     * @param folder the folder of the files
     * @param most how many measurements are kept at most, 2 or more; at least half as many are if
     *     there are that many steps
     * @return measurements as of {@link #readSteps(Path)}
     * @throws IOException if the file cannot be read or a line that is kept is no measurement
     * @throws IllegalArgumentException if fewer than 2 are to be kept
     */
    public static List<Measurement> readSteps(Path folder, int most) throws IOException {
        return CsvLines.read(folder.resolve(STEPS), most);
    }

    /**
     * Reads the epochs that were measured so far, as {@link #readSteps(Path)} reads steps.
     *
     * @param folder the folder of the files
     * @return a measurement an epoch, by epoch, NaN where a cell is empty; none if there is no file
     * @throws IOException if the file cannot be read or a line of it is no measurement
     */
    public static List<Measurement> readEpochs(Path folder) throws IOException {
        return CsvLines.read(folder.resolve(EPOCHS), Integer.MAX_VALUE);
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
