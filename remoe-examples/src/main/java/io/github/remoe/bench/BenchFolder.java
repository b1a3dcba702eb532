package io.github.remoe.bench;

import io.github.remoe.file.AtomicFile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The folder of a benchmark: {@code bench.json} with every single time, {@code bench.md} with the table,
 * and a chart for each network. It is brought up to date after each row, so a benchmark that was stopped
 * goes on with the rows that are missing. A row that has fewer rounds than asked for, or was measured
 * with other libraries, counts as missing.
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
        BenchFile file = BenchFile.open(json, plan);
        Path work = path.resolve("work").toAbsolutePath();
        delete(work); // of one that was stopped
        Files.createDirectories(work);
        try (Bench bench = new Bench(plan, ours, peer.command(), work, commandLine, listener)) {
            List<BenchPlan.Item> open = new ArrayList<>();
            for (BenchPlan.Item item : plan.items()) {
                Optional<BenchResult> known = file.find(item);
                if (force || known.isEmpty() || !bench.isDone(item, known.get())) {
                    open.add(item);
                }
            }
            listener.onStart(open.stream()
                    .mapToInt(item -> runs(item.row(), plan) * sides(item.row(), peer))
                    .sum());
            for (BenchPlan.Item item : open) {
                file.put(bench.measure(item));
                file.save(json);
                write(file, notes(file, plan, peer));
            }
        } finally {
            delete(work);
        }
        return write(file, notes(file, plan, peer));
    }

    private static int runs(Row row, BenchPlan plan) {
        return (row.isWarmedUp() ? 1 : 0) + row.rounds(plan.rounds());
    }

    private static int sides(Row row, Peer peer) {
        return peer.isThere() || !row.comparesWithPeer() ? 2 : 1;
    }

    private static List<String> notes(BenchFile file, BenchPlan plan, Peer peer) {
        List<String> notes = new ArrayList<>();
        if (file.results().stream()
                .anyMatch(result -> result.kind().comparesWithPeer() && result.theirs() == null)) {
            notes.add("Only our side was measured in rows without a time of theirs"
                    + (peer.missing().isEmpty() ? "." : ": " + peer.missing() + "."));
        }
        String without = plan.models().stream()
                .filter(model -> plan.rows().isEmpty() && !model.autoAttackByDefault())
                .filter(model ->
                        file.find(new BenchPlan.Item(model, Row.AUTOATTACK)).isEmpty())
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
