package io.github.remoe.metrics;

import ai.djl.training.Trainer;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Writes metrics as TensorBoard event files, to be looked at with {@code tensorboard --logdir
 * FOLDER}. Tags are the names of the values; means over an epoch have {@code _epoch} behind them.
 * Every event is on its way to the disk when its step ends.
 *
 * <p>A run that goes on from a checkpoint, or goes back to one, writes a new file in the same folder.
 * It starts with a session log event, at which TensorBoard drops what older files hold of that step
 * and later ones. An epoch that is measured again without another step has its values once more.
 *
 * <p>A file that cannot be written does not end the training: it is warned of once, and events are
 * left out until it can be written again.
 */
public final class TensorBoardMetrics implements MetricsListener {

    private final EventFile events;
    private final Set<String> stepNames = new HashSet<>();

    /**
     * Creates the listener; nothing is written yet.
     *
     * @param folder the folder of the event files, which need not exist
     */
    public TensorBoardMetrics(Path folder) {
        events = new EventFile(folder);
    }

    /** {@inheritDoc} */
    @Override
    public void onMeasuringFrom(long step, int epoch) {
        events.startAt(step);
    }

    /** {@inheritDoc} */
    @Override
    public void onStepMeasured(Measurement measurement) {
        stepNames.addAll(measurement.values().keySet());
        events.append(measurement);
    }

    /** {@inheritDoc} */
    @Override
    public void onEpochMeasured(Measurement measurement) {
        Map<String, Double> tagged = new LinkedHashMap<>();
        measurement
                .values()
                .forEach((name, value) ->
                        tagged.put(stepNames.contains(name) ? name + "_epoch" : name, value));
        events.append(new Measurement(measurement.step(), measurement.epoch(), tagged));
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingEnd(Trainer trainer) {
        events.close();
    }
}
