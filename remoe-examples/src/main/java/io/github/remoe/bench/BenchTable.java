package io.github.remoe.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The table of a benchmark in Markdown, one part for each network. */
final class BenchTable {

    private static final String NONE = "–";
    private static final int DAY = "2026-01-01".length();
    private static final double MIB = 1 << 20;
    private static final double GIB = 1 << 30;

    private final BenchFile file;
    private final List<String> notes;

    /**
     * Creates a table.
     *
     * @param file what was measured
     * @param notes what else is to be said, a sentence each
     */
    BenchTable(BenchFile file, List<String> notes) {
        this.file = file;
        this.notes = notes;
    }

    String markdown() {
        StringBuilder text = new StringBuilder("# Benchmark\n\n").append(about());
        byModel().forEach((model, results) -> {
            text.append("\n## ").append(model.isEmpty() ? "data" : model).append("\n");
            List<BenchResult> side =
                    results.stream().filter(result -> result.plain() == null).toList();
            List<BenchResult> overhead =
                    results.stream().filter(result -> result.plain() != null).toList();
            if (!side.isEmpty()) {
                text.append(rows(side));
            }
            if (!overhead.isEmpty()) {
                text.append(overheadRows(overhead));
            }
        });
        return text.toString();
    }

    private Map<String, List<BenchResult>> byModel() {
        Map<String, List<BenchResult>> byModel = new LinkedHashMap<>();
        for (BenchResult result : file.results()) {
            byModel.computeIfAbsent(result.model(), model -> new ArrayList<>()).add(result);
        }
        byModel.values().forEach(results -> results.sort((a, b) -> a.kind().compareTo(b.kind())));
        return byModel;
    }

    private String about() {
        Machine machine = file.machine();
        BenchFile.Settings settings = file.settings();
        StringBuilder text = new StringBuilder();
        text.append(file.results().stream()
                .map(BenchResult::commandLine)
                .distinct()
                .collect(Collectors.joining("\n", "```\n", "\n```\n\n")));
        text.append(String.format(
                Locale.ROOT,
                "%s, %d cores, %.1f GiB, %s, Java: %s; %s.\n",
                machine.processor(),
                machine.cores(),
                machine.memoryBytes() / GIB,
                machine.system(),
                machine.java(),
                dates()));
        text.append(environments("Ours", BenchResult::ours));
        text.append(environments("Theirs", BenchResult::theirs));
        text.append(String.format(
                "Device %s, threads of PyTorch: %d, %s, %s.\n",
                settings.device(),
                settings.threads(),
                settings.weights() == null
                        ? "random weights (seed " + settings.seed() + ")"
                        : "weights of " + settings.weights(),
                settings.data() == null ? "drawn images" : "images of " + settings.data()));
        text.append(
                "\nTimes are medians over rounds in which both sides take turns. A ratio is their"
                        + " time over ours,\nthe median of each round's and in brackets their range. Of 5 x 40"
                        + " rounds, each of the 5 times is\nthe mean of 40 repetitions. The limit is the"
                        + " rate of float32 matrix products that our process\nreached right afterwards"
                        + limit()
                        + ". Memory is the host's.\n");
        pyTorchVersions().forEach(note -> text.append("\n").append(note).append("\n"));
        notes.forEach(note -> text.append("\n").append(note).append("\n"));
        return text.toString();
    }

    /** Each environment of a side; which rows had it, if there was more than one. */
    private String environments(String name, Function<BenchResult, BenchResult.Side> side) {
        Map<Requests.Environment, List<BenchResult>> byEnvironment = file.results().stream()
                .filter(result -> side.apply(result) != null)
                .collect(Collectors.groupingBy(
                        result -> side.apply(result).environment(),
                        LinkedHashMap::new,
                        Collectors.toList()));
        return byEnvironment.entrySet().stream()
                .map(entry -> name
                        + (byEnvironment.size() == 1 ? "" : " (" + names(entry.getValue()) + ")")
                        + ": "
                        + libraries(entry.getKey())
                        + ".\n")
                .collect(Collectors.joining());
    }

    private static String names(List<BenchResult> results) {
        return results.stream()
                .map(result -> (result.model() + " " + result.row()).strip())
                .collect(Collectors.joining(", "));
    }

    private String libraries(Requests.Environment environment) {
        String versions = new TreeMap<>(environment.versions())
                .entrySet().stream()
                        .map(version -> version.getKey() + " " + version.getValue())
                        .collect(Collectors.joining(", "));
        return environment.device().equals(file.settings().device())
                ? versions
                : versions + ", on " + environment.device();
    }

    /** It should be the same native library on both sides. */
    private List<String> pyTorchVersions() {
        return file.results().stream()
                .filter(result -> result.theirs() != null)
                .map(result -> List.of(
                        version(result.ours(), "PyTorch"), version(result.theirs(), "torch")))
                .filter(versions -> !versions.get(0).equals(versions.get(1)))
                .map(versions -> String.format(
                        "PyTorch %s here and %s there: ratios are of these versions too.",
                        versions.get(0), versions.get(1)))
                .distinct()
                .toList();
    }

    /** Without what it was built for, such as {@code +cu128}. */
    private static String version(BenchResult.Side side, String library) {
        return side.environment()
                .versions()
                .getOrDefault(library, "unknown")
                .replaceFirst("\\+.*", "");
    }

    /** The median rate, if any row has one. */
    private String limit() {
        List<Double> rates = file.results().stream()
                .map(BenchResult::flopsPerSecond)
                .filter(rate -> rate > 0)
                .toList();
        return rates.isEmpty()
                ? ""
                : String.format(
                        Locale.ROOT, ", %.0f GFLOP/s", MedianRange.of(rates).median() / 1e9);
    }

    /** The day, or the first and the last. */
    private String dates() {
        return file.results().stream()
                .map(result -> result.date().substring(0, DAY))
                .sorted()
                .distinct()
                .reduce((first, last) -> first.substring(0, DAY) + " to " + last)
                .orElse(NONE);
    }

    private static String rows(List<BenchResult> results) {
        StringBuilder text =
                new StringBuilder("\n| row | ours | theirs | theirs / ours | of the limit"
                        + " | peak memory, ours and theirs | rounds | mark |\n"
                        + "|---|---|---|---|---|---|---|---|\n");
        for (BenchResult result : results) {
            text.append(line(
                    label(result),
                    seconds(result.ours().median()),
                    result.theirs() == null ? NONE : seconds(result.theirs().median()),
                    result.theirs() == null ? NONE : range(result.ratio()),
                    Double.isNaN(result.shareOfLimit())
                            ? NONE
                            : String.format(Locale.ROOT, "%.0f %%", 100 * result.shareOfLimit()),
                    memory(result.ours()) + ", " + memory(result.theirs()),
                    rounds(result),
                    mark(result)));
        }
        return text.toString();
    }

    private static String overheadRows(List<BenchResult> results) {
        StringBuilder text = new StringBuilder("\n| our own row | plain | with ReMoE | overhead"
                + " | rounds | mark |\n|---|---|---|---|---|---|\n");
        for (BenchResult result : results) {
            MedianRange overhead = result.overhead();
            text.append(line(
                    label(result),
                    seconds(result.plain().median()),
                    seconds(result.ours().median()),
                    String.format(
                            Locale.ROOT,
                            "%.1f %% (%.1f to %.1f)",
                            above(overhead.median(), 1),
                            above(overhead.min(), 1),
                            above(overhead.max(), 1)),
                    rounds(result),
                    overheadMark(result)));
        }
        return text.toString();
    }

    /** By how many percent. */
    private static double above(double value, double base) {
        return 100 * (value / base - 1);
    }

    private static String rounds(BenchResult result) {
        int rounds = result.ours().seconds().size();
        return result.repeat() == 1 ? "" + rounds : rounds + " x " + result.repeat();
    }

    private static String line(String... cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }

    private static String label(BenchResult result) {
        StringBuilder label = new StringBuilder(result.row());
        switch (result.kind()) {
            case STARTUP -> {}
            case DATA ->
                label.append(images(result.ours().result().get("images")))
                        .append(" in batches of ")
                        .append(result.batch());
            case EVALUATION, AUTOATTACK -> {
                label.append(images((double) result.images()))
                        .append(" in batches of ")
                        .append(result.batch())
                        .append(String.format(
                                Locale.ROOT, ", epsilon %.2f/255", 255 * result.epsilon()))
                        .append(found(result, "clean", "cleanAccuracy"))
                        .append(found(result, "robust", "robustAccuracy"));
            }
            default -> label.append(images((double) result.batch()));
        }
        return label.toString();
    }

    private static String images(Double count) {
        return String.format(Locale.ROOT, ", %.0f image%s", count, count == 1 ? "" : "s");
    }

    private static String found(BenchResult result, String what, String name) {
        String here = percent(result.ours().result().get(name));
        String there =
                result.theirs() == null ? "" : percent(result.theirs().result().get(name));
        return here.isEmpty() && there.isEmpty()
                ? ""
                : String.format(
                        "; %s %s",
                        what,
                        here.isEmpty() || there.isEmpty() ? here + there : here + " and " + there);
    }

    private static String percent(Double share) {
        return share == null ? "" : String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }

    private static String range(MedianRange range) {
        return String.format(
                Locale.ROOT, "%.2f (%.2f to %.2f)", range.median(), range.min(), range.max());
    }

    private static String seconds(double seconds) {
        if (seconds >= 100) {
            return String.format(Locale.ROOT, "%.0f s", seconds);
        }
        if (seconds >= 1) {
            return String.format(Locale.ROOT, "%.2f s", seconds);
        }
        return String.format(Locale.ROOT, seconds >= 0.01 ? "%.0f ms" : "%.2f ms", 1000 * seconds);
    }

    private static String memory(BenchResult.Side side) {
        return side == null || side.peakBytes() == null
                ? NONE
                : String.format(Locale.ROOT, "%.0f MiB", side.peakBytes() / MIB);
    }

    private static String overheadMark(BenchResult result) {
        double points = 100 * (result.overhead().median() - BenchResult.MOST_OVERHEAD);
        return String.format(
                Locale.ROOT,
                result.isFastEnough()
                        ? "at most %.0f %%: met"
                        : "at most %.0f %%: missed by %.1f points",
                above(BenchResult.MOST_OVERHEAD, 1),
                points);
    }

    private static String mark(BenchResult result) {
        if (result.theirs() == null) {
            return NONE;
        }
        double least = result.kind().leastRatio();
        String time = result.isFastEnough()
                ? "met"
                : String.format(
                        Locale.ROOT, "missed by %.1f %%", -above(result.ratio().median(), least));
        String memory = result.isSmallEnough()
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; memory missed by %.1f %%",
                        above(result.memoryRatio(), BenchResult.MOST_MEMORY));
        return String.format(Locale.ROOT, "at least %s: %s%s", least, time, memory);
    }
}
