package io.github.remoe.bench;

import io.github.remoe.file.AtomicFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The folder of a benchmark: {@code bench.json} with every single time, {@code bench.md} with the table,
 * and a chart for each network. It is brought up to date after each row, so a benchmark that was stopped
 * goes on with the rows that are missing.
 */
public final class BenchFolder {

    private final Path path;

    /**
     * Names the folder.
     *
     * @param path where it is, or is to be
     */
    public BenchFolder(Path path) {
        this.path = path;
    }

    /**
     * Measures the rows of a plan that are not in the folder yet.
     *
     * @param plan what is to be measured
     * @param peer what our side is compared with
     * @param force whether rows that are in the folder are measured again
     * @param commandLine the command, for the record
     * @param listener is told how it goes on
     * @return the table in Markdown
     * @throws IOException if a file cannot be written, the folder holds what was measured under other
     *     conditions, a side fails, or both sides do not compute the same
     */
    public String measure(
            BenchPlan plan, Peer peer, boolean force, String commandLine, BenchListener listener)
            throws IOException {
        return measure(plan, WorkerProcess.ours(), peer, force, commandLine, listener);
    }

    String measure(
            BenchPlan plan,
            List<String> ours,
            Peer peer,
            boolean force,
            String commandLine,
            BenchListener listener)
            throws IOException {
        Files.createDirectories(path);
        Path json = path.resolve("bench.json");
        BenchFile file = BenchFile.open(json, plan, commandLine);
        List<BenchPlan.Item> open = plan.items().stream()
                .filter(item -> force || !isDone(item, file, peer))
                .toList();
        listener.onStart(open.stream()
                .mapToInt(item -> (1 + item.row().rounds(plan.rounds())) * sides(item.row(), peer))
                .sum());
        List<String> notes = notes(plan, peer);
        Path work = path.resolve("work").toAbsolutePath();
        delete(work); // of one that was stopped
        Files.createDirectories(work);
        try (Bench bench = new Bench(plan, ours, peer.command(), work, file, listener)) {
            for (BenchPlan.Item item : open) {
                file.put(bench.measure(item));
                file.save(json);
                write(file, notes);
            }
        } finally {
            delete(work);
        }
        return write(file, notes);
    }

    private static boolean isDone(BenchPlan.Item item, BenchFile file, Peer peer) {
        return file.find(item)
                .filter(result -> result.theirs() != null
                        || !item.row().comparesWithPeer()
                        || !peer.isThere())
                .isPresent();
    }

    private static int sides(Row row, Peer peer) {
        return peer.isThere() || !row.comparesWithPeer() ? 2 : 1;
    }

    private static List<String> notes(BenchPlan plan, Peer peer) {
        List<String> notes = new ArrayList<>();
        if (!peer.isThere()) {
            notes.add(
                    peer.missing().isEmpty()
                            ? "Only our side was measured."
                            : "Only our side was measured: " + peer.missing() + ".");
        }
        String without = plan.models().stream()
                .filter(model -> plan.rows().isEmpty() && !model.autoAttackByDefault())
                .map(BenchModel::name)
                .collect(Collectors.joining(", "));
        if (!without.isEmpty()) {
            notes.add(String.format(
                    "AutoAttack on %s takes hours: it is measured if it is asked for by name.",
                    without));
        }
        return notes;
    }

    private String write(BenchFile file, List<String> notes) throws IOException {
        String table = new BenchTable(file, notes).markdown();
        AtomicFile.write(path.resolve("bench.md"), table);
        Map<String, List<BenchResult>> compared = file.results().stream()
                .filter(result -> result.theirs() != null && !result.model().isEmpty())
                .collect(Collectors.groupingBy(BenchResult::model));
        for (Map.Entry<String, List<BenchResult>> model : compared.entrySet()) {
            BenchChart.of(model.getKey(), model.getValue()).write(path);
        }
        return table;
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        List<Path> entries;
        try (Stream<Path> walk = Files.walk(folder)) {
            entries = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path entry : entries) {
            Files.delete(entry);
        }
    }
}
