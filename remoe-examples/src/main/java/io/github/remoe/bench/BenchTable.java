package io.github.remoe.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
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
        text.append(String.format("```\n%s\n```\n\n", file.commandLine()));
        text.append(String.format(
                Locale.ROOT,
                "%s, %d cores, %.1f GiB, %s, Java: %s; %s.\n",
                machine.processor(),
                machine.cores(),
                machine.memoryBytes() / GIB,
                machine.system(),
                machine.java(),
                dates()));
        new TreeMap<>(file.versions())
                .forEach((side, versions) -> text.append(String.format(
                        "%s: %s.\n",
                        side.equals("ours") ? "Ours" : "Theirs",
                        versions.entrySet().stream()
                                .map(version -> version.getKey() + " " + version.getValue())
                                .collect(Collectors.joining(", ")))));
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
                        + " time over ours,\nthe median of each round's and in brackets their range. The limit"
                        + " is the rate of float32 matrix\nproducts that our process reached right"
                        + " afterwards.\n");
        notes.forEach(note -> text.append("\n").append(note).append("\n"));
        return text.toString();
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
        StringBuilder text = new StringBuilder(
                "\n| row | ours | theirs | theirs / ours | of the limit"
                        + " | peak memory, ours and theirs | mark |\n|---|---|---|---|---|---|---|\n");
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
                    mark(result)));
        }
        return text.toString();
    }

    private static String overheadRows(List<BenchResult> results) {
        StringBuilder text = new StringBuilder("\n| our own row | plain | with ReMoE | with ReMoE /"
                + " plain | mark |\n|---|---|---|---|---|\n");
        for (BenchResult result : results) {
            text.append(line(
                    label(result),
                    seconds(result.plain().median()),
                    seconds(result.ours().median()),
                    range(result.overhead()),
                    String.format(
                            Locale.ROOT,
                            "at most %s: %s",
                            BenchResult.MOST_OVERHEAD,
                            result.isFastEnough() ? "met" : "missed")));
        }
        return text.toString();
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

    private static String mark(BenchResult result) {
        if (result.theirs() == null) {
            return NONE;
        }
        double least = result.kind().leastRatio();
        String time = result.isFastEnough()
                ? "met"
                : String.format(
                        Locale.ROOT,
                        "missed by %.0f %%",
                        100 * (1 - result.ratio().median() / least));
        String memory = result.isSmallEnough()
                ? ""
                : String.format(
                        Locale.ROOT, "; memory missed: %.2f times theirs", result.memoryRatio());
        return String.format(Locale.ROOT, "at least %s: %s%s", least, time, memory);
    }
}
