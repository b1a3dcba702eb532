package io.github.remoe.run;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import io.github.remoe.train.StatefulOptimizer;
import io.github.remoe.train.WeightAverage;
import io.github.remoe.weights.SafeTensors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * The state of a run between two updates, in one safetensors file: {@code model.NAME} for every
 * parameter, the arrays of {@link StatefulOptimizer#getState} and {@link WeightAverage#getState}, and
 * the {@link Progress} as metadata. Random numbers have no state: they come from the seed, the step
 * and the images' indices.
 */
final class Checkpoint {

    private static final String MODEL = "model.";
    private static final String OPTIMIZER = "optimizer.";
    private static final String AVERAGE = "average.";
    private static final String PROGRESS = "progress";
    private static final Gson GSON = new Gson();

    private final Path file;

    Checkpoint(Path file) {
        this.file = file;
    }

    /**
     * How far a run is.
     *
     * @param step the steps made
     * @param epoch the epochs that are over
     * @param batchesOfEpoch the batches trained of the next one
     * @param skipped the updates skipped because the loss or the gradient was not finite
     * @param rateFactor what the learning rate is multiplied by: halved each time the run went back
     * @param retreats how often the run has come back to this checkpoint
     * @param best the validation accuracies of the best weights, null before the first
     */
    record Progress(
            long step,
            int epoch,
            int batchesOfEpoch,
            long skipped,
            float rateFactor,
            int retreats,
            Best best) {

        static final Progress START = new Progress(0, 0, 0, 0, 1, 0, null);

        /** The same place, come back to from later with a best that may be later too. */
        Progress backWith(float factor, Best laterBest) {
            return new Progress(
                    step, epoch, batchesOfEpoch, skipped, factor, retreats + 1, laterBest);
        }
    }

    /**
     * The accuracies that weights were chosen for.
     *
     * @param accuracy what decides: robust accuracy, clean accuracy in natural training
     * @param other the other one, which decides where the first is equal
     */
    record Best(double accuracy, double other) {

        boolean isBetterThan(Best present) {
            return !Double.isNaN(accuracy)
                    && (present == null
                            || accuracy > present.accuracy
                            || accuracy == present.accuracy && other > present.other);
        }
    }

    /** Writes the state, in the place of the one before. */
    void save(Block block, StatefulOptimizer optimizer, WeightAverage average, Progress progress)
            throws IOException {
        NDManager parent = block.getParameters().valueAt(0).getArray().getManager();
        try (NDManager manager = parent.newSubManager();
                NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList arrays = optimizer.getState(block, manager);
            for (Pair<String, Parameter> parameter : block.getParameters()) {
                NDArray copy = parameter.getValue().getArray().stopGradient().duplicate();
                copy.attach(manager);
                copy.setName(MODEL + parameter.getKey());
                arrays.add(copy);
            }
            if (average != null) {
                arrays.addAll(average.getState(manager));
            }
            SafeTensors.save(file, arrays, Map.of(PROGRESS, GSON.toJson(progress)));
        }
    }

    boolean exists() {
        return Files.exists(file);
    }

    /** Reads how far the run is. */
    Progress readProgress() throws IOException {
        String json = SafeTensors.loadMetadata(file).get(PROGRESS);
        try {
            Progress progress = GSON.fromJson(json, Progress.class);
            if (progress != null) {
                return progress;
            }
        } catch (JsonParseException e) {
            throw unreadable(e.getMessage(), e);
        }
        throw unreadable("it does not say how far the run is", null);
    }

    /** Brings network, optimizer and average to the saved state. */
    void load(Block block, StatefulOptimizer optimizer, WeightAverage average) throws IOException {
        NDManager parent = block.getParameters().valueAt(0).getArray().getManager();
        try (NDManager manager = parent.newSubManager();
                NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList arrays = SafeTensors.load(file, manager);
            for (Pair<String, Parameter> parameter : block.getParameters()) {
                NDArray values = parameter.getValue().getArray();
                NDArray saved = arrays.get(MODEL + parameter.getKey());
                if (saved == null || !saved.getShape().equals(values.getShape())) {
                    throw unreadable("it lacks the parameter " + parameter.getKey(), null);
                }
                values.stopGradient().set(new NDIndex("..."), saved);
            }
            optimizer.load(block, withPrefix(arrays, OPTIMIZER));
            if (average != null) {
                average.load(withPrefix(arrays, AVERAGE));
            }
        } catch (IllegalArgumentException e) {
            throw unreadable(e.getMessage(), e);
        }
    }

    private static NDList withPrefix(NDList arrays, String prefix) {
        NDList chosen = new NDList();
        arrays.stream().filter(array -> array.getName().startsWith(prefix)).forEach(chosen::add);
        return chosen;
    }

    private IOException unreadable(String reason, Exception cause) {
        return new IOException(
                String.format(
                        "The checkpoint %s cannot be used: %s. Start the run anew, in another"
                                + " folder.",
                        file, reason),
                cause);
    }
}
