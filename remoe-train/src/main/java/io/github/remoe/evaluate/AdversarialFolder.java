package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

import io.github.remoe.attack.Rows;
import io.github.remoe.file.AtomicFile;
import io.github.remoe.weights.SafeTensors;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * A folder that an evaluation saves its adversarial images into.
 *
 * <p>Each batch is written as a shard of every set before its verdicts are. So when an evaluation is
 * stopped between the two, the verdicts know nothing of the shards of its last batch, and those go
 * when it is taken up again. At the end the shards are joined.
 */
final class AdversarialFolder {

    private final Path folder;
    private final EvaluationSettings settings;

    /**
     * Opens a folder.
     *
     * @param folder the folder, which is made if there is none
     * @param known the verdicts so far
     * @throws IOException if the adversarial images in it are not those of these verdicts
     */
    AdversarialFolder(Path folder, Verdicts known) throws IOException {
        this.folder = folder;
        settings = known.settings();
        Files.createDirectories(folder);
        for (int attack = 0; attack < settings.attacks().size(); attack++) {
            for (int epsilon = 0; epsilon < settings.epsilons().size(); epsilon++) {
                check(attack, epsilon, known);
            }
        }
    }

    private void check(int attack, int epsilon, Verdicts known) throws IOException {
        Set<Long> saved = new HashSet<>();
        for (Path file : files(attack, epsilon)) {
            Set<Long> indices = indices(file);
            if (!file.equals(joined(attack, epsilon))
                    && indices.stream().noneMatch(known::contains)) {
                Files.delete(file);
            } else {
                saved.addAll(indices);
            }
        }
        Set<Long> expected = known.all().stream()
                .filter(v -> v.predictions().get(attack).get(epsilon) != Verdict.NOT_ATTACKED)
                .map(Verdict::index)
                .collect(Collectors.toSet());
        if (!saved.equals(expected)) {
            throw new IOException(String.format(
                    "%s holds %d adversarial images of %s, but the evaluation has verdicts on %d:"
                            + " they do not belong together. Choose another folder, or delete both"
                            + " to start anew.",
                    folder,
                    saved.size(),
                    AdversarialSet.fileName(name(attack), settings.epsilons().get(epsilon)),
                    expected.size()));
        }
    }

    private Set<Long> indices(Path file) throws IOException {
        List<String> differences = AdversarialSet.settings(file).differences(settings);
        if (!differences.isEmpty()) {
            throw new IOException(String.format(
                    "%s belongs to another evaluation (there and here): %s. Choose another folder,"
                            + " or delete it to start anew.",
                    file, String.join("; ", differences)));
        }
        try (NDManager manager = NDManager.newBaseManager()) {
            Set<Long> indices = new HashSet<>();
            for (long index : SafeTensors.load(file, manager, AdversarialSet.INDICES::equals)
                    .singletonOrThrow()
                    .toLongArray()) {
                indices.add(index);
            }
            return indices;
        }
    }

    /** Writes the images of one batch. */
    void write(int attack, int epsilon, NDList batch) throws IOException {
        // No other shard has this image.
        long firstIndex = batch.get(AdversarialSet.INDICES).getLong(0);
        Path shards = shards(attack, epsilon);
        Files.createDirectories(shards);
        SafeTensors.save(
                shards.resolve(firstIndex + ".safetensors"), batch, metadata(attack, epsilon));
    }

    /** Makes one file of all shards, for each attack and epsilon. */
    void join() throws IOException {
        for (int attack = 0; attack < settings.attacks().size(); attack++) {
            for (int epsilon = 0; epsilon < settings.epsilons().size(); epsilon++) {
                if (Files.exists(shards(attack, epsilon))) {
                    join(attack, epsilon);
                }
            }
        }
    }

    private void join(int attack, int epsilon) throws IOException {
        List<Path> files = files(attack, epsilon);
        if (!files.isEmpty()) {
            try (NDManager manager = NDManager.newBaseManager()) {
                NDList all = joined(files, manager);
                Path file = joined(attack, epsilon);
                saveNpz(npz(file), all);
                SafeTensors.save(file, all, metadata(attack, epsilon));
            }
        }
        for (Path file : files) {
            if (!file.equals(joined(attack, epsilon))) {
                Files.delete(file);
            }
        }
        deleteFolder(shards(attack, epsilon));
    }

    private static NDList joined(List<Path> files, NDManager manager) throws IOException {
        Map<String, NDList> parts = new TreeMap<>();
        for (Path file : files) {
            for (NDArray array : SafeTensors.load(file, manager)) {
                parts.computeIfAbsent(array.getName(), name -> new NDList()).add(array);
            }
        }
        NDList joined = new NDList();
        int[] order = null;
        for (String name : AdversarialSet.ARRAYS) {
            NDArray array = NDArrays.concat(parts.get(name));
            if (order == null) {
                order = order(array.toLongArray());
            }
            NDArray sorted = Rows.select(array, order);
            sorted.setName(name);
            joined.add(sorted);
        }
        return joined;
    }

    /** The rows in the order of their indices; one that a joined file has already comes once. */
    private static int[] order(long[] indices) {
        Map<Long, Integer> rows = new TreeMap<>();
        for (int row = 0; row < indices.length; row++) {
            rows.putIfAbsent(indices[row], row);
        }
        return rows.values().stream().mapToInt(Integer::intValue).toArray();
    }

    private static void saveNpz(Path file, NDList arrays) throws IOException {
        AtomicFile.write(file, beside -> {
            try (OutputStream out = Files.newOutputStream(beside)) {
                arrays.encode(out, NDList.Encoding.NPZ);
            }
        });
    }

    /** The joined file, if there is one, and the shards. */
    private List<Path> files(int attack, int epsilon) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.exists(joined(attack, epsilon))) {
            files.add(joined(attack, epsilon));
        }
        try (DirectoryStream<Path> shards =
                Files.newDirectoryStream(shards(attack, epsilon), "[0-9]*.safetensors")) {
            shards.forEach(files::add);
        } catch (NoSuchFileException e) {
            return files;
        }
        return files;
    }

    private static void deleteFolder(Path shards) throws IOException {
        try (DirectoryStream<Path> left = Files.newDirectoryStream(shards)) {
            for (Path halfWritten : left) {
                Files.delete(halfWritten);
            }
        }
        Files.delete(shards);
    }

    private Map<String, String> metadata(int attack, int epsilon) {
        return Map.of(
                AdversarialSet.ATTACK, name(attack),
                AdversarialSet.EPSILON, settings.epsilons().get(epsilon).toString(),
                AdversarialSet.SETTINGS, settings.toJson());
    }

    private String name(int attack) {
        return settings.attacks().get(attack).name();
    }

    private Path joined(int attack, int epsilon) {
        return folder.resolve(
                AdversarialSet.fileName(name(attack), settings.epsilons().get(epsilon)));
    }

    private Path shards(int attack, int epsilon) {
        Path joined = joined(attack, epsilon);
        return joined.resolveSibling(joined.getFileName() + ".shards");
    }

    private static Path npz(Path joined) {
        String name = joined.getFileName().toString();
        return joined.resolveSibling(name.replaceFirst("safetensors$", "npz"));
    }
}
