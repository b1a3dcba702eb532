package io.github.remoe.bench;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;

import io.github.remoe.file.AtomicFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * All that was measured, the content of {@code bench.json}.
 *
 * @param machine the machine
 * @param settings what all rows have in common
 * @param results the rows
 */
record BenchFile(Machine machine, Settings settings, List<BenchResult> results) {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /**
     * What must not change from row to row.
     *
     * @param threads the threads of PyTorch
     * @param device the device
     * @param weights the file of weights, null for random ones
     * @param data the folder of data, null for drawn images
     * @param seed what random weights and images come from
     */
    record Settings(int threads, String device, String weights, String data, long seed) {

        static Settings of(BenchPlan plan) {
            return new Settings(
                    plan.threads(),
                    plan.device(),
                    Objects.toString(plan.weights(), null),
                    Objects.toString(plan.data(), null),
                    plan.seed());
        }
    }

    /** Opens the file for a plan, or starts it. */
    static BenchFile open(Path file, BenchPlan plan) throws IOException {
        Settings settings = Settings.of(plan);
        Machine machine = Machine.present();
        if (!Files.exists(file)) {
            return new BenchFile(machine, settings, new ArrayList<>());
        }
        BenchFile known = read(file);
        if (!settings.equals(known.settings) || !machine.equals(known.machine)) {
            throw new IOException(String.format(
                    "%s has rows measured with %s on %s; now it would be %s on %s. Choose another"
                            + " folder.",
                    file, known.settings, known.machine, settings, machine));
        }
        return new BenchFile(machine, settings, new ArrayList<>(known.results));
    }

    private static BenchFile read(Path file) throws IOException {
        JsonParseException cause = null;
        try {
            BenchFile known = GSON.fromJson(Files.readString(file), BenchFile.class);
            if (known != null && known.settings != null && known.isWhole()) {
                return known;
            }
        } catch (JsonParseException e) {
            cause = e;
        }
        throw new IOException(
                file + " is no result of this benchmark: delete it, or choose another folder.",
                cause);
    }

    private boolean isWhole() {
        return results != null
                && results.stream()
                        .allMatch(result ->
                                result.ours() != null && result.ours().environment() != null);
    }

    Optional<BenchResult> find(BenchPlan.Item item) {
        return results.stream()
                .filter(result ->
                        result.model().equals(item.modelName()) && result.kind() == item.row())
                .findFirst();
    }

    /** Adds a row in the place of an older one. */
    void put(BenchResult result) {
        results.removeIf(
                other -> other.model().equals(result.model()) && other.row().equals(result.row()));
        results.add(result);
    }

    void save(Path file) throws IOException {
        AtomicFile.write(file, GSON.toJson(this) + "\n");
    }
}
