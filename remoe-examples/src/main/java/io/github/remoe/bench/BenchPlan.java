package io.github.remoe.bench;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What is to be measured.
 *
 * @param models the networks
 * @param rows the rows of the table; none for all that a model has unless asked otherwise
 * @param rounds how often each side is measured, after one round that does not count; rows that last
 *     minutes have fewer
 * @param threads the threads of PyTorch
 * @param device PyTorch's name of it: {@code cpu} or {@code cuda:0}
 * @param weights a safetensors file for the one network, null for random weights
 * @param data the folder of CIFAR-10's binary files, null for drawn images
 * @param seed what random weights and images come from
 */
public record BenchPlan(
        List<BenchModel> models,
        List<Row> rows,
        int rounds,
        int threads,
        String device,
        Path weights,
        Path data,
        long seed) {

    /**
     * Checks the plan.
     *
     * @throws IllegalArgumentException if a number is out of range, or there are weights for several
     *     networks
     */
    public BenchPlan {
        models = List.copyOf(models);
        rows = List.copyOf(rows);
        if (models.isEmpty()) {
            throw new IllegalArgumentException("A benchmark needs a model at least.");
        }
        if (rounds < 1 || threads < 1) {
            throw new IllegalArgumentException(String.format(
                    "Rounds and threads must be at least 1, got %d and %d.", rounds, threads));
        }
        if (weights != null && models.size() > 1) {
            throw new IllegalArgumentException(
                    String.format("Weights are for one model, got %d. Name it.", models.size()));
        }
    }

    /**
     * Finds CIFAR-10's binary files.
     *
     * @param folder the folder that holds them, or the one above
     * @return the folder that holds them
     * @throws NoSuchFileException if they are in neither
     */
    public static Path cifar(Path folder) throws NoSuchFileException {
        for (Path place : List.of(folder, folder.resolve("cifar-10-batches-bin"))) {
            if (Files.exists(place.resolve("data_batch_1.bin"))) {
                return place.toAbsolutePath().normalize();
            }
        }
        throw new NoSuchFileException(
                folder.toString(),
                null,
                "there is no data_batch_1.bin of CIFAR-10's binary version");
    }

    /** Returns what is to be measured, in this order. */
    List<Item> items() {
        List<Item> items = new ArrayList<>();
        for (BenchModel model : models) {
            for (Row row : rows.isEmpty() ? List.of(Row.values()) : rows) {
                boolean wanted =
                        !rows.isEmpty() || row != Row.AUTOATTACK || model.autoAttackByDefault();
                // Reading data has nothing to do with a model.
                if (wanted && (row != Row.DATA || model == models.get(0))) {
                    items.add(new Item(model, row));
                }
            }
        }
        return items;
    }

    /** One row of the table. */
    record Item(BenchModel model, Row row) {

        /** The model's name in results, empty where there is none. */
        String modelName() {
            return row == Row.DATA ? "" : model.name();
        }

        @Override
        public String toString() {
            return (modelName() + " " + row).strip();
        }
    }
}
