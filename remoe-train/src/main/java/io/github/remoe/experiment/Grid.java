package io.github.remoe.experiment;

import io.github.remoe.ReMoE;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.Settings;
import io.github.remoe.vit.Presets;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * The runs of an experiment at a scale: every row of its table with every seed.
 *
 * <p>Settings come from the scale's recipe, then from the scale, then from the overrides, then from
 * the row. The run folders are {@code CELL/seed-N} in one folder for all experiments, so that cells
 * which several experiments have are trained once. A cell on another network than the scale's has the
 * network's name before its own.
 *
 * @param experiment the experiment
 * @param scale the scale
 * @param rows its rows with their runs, first the start if there is one
 */
public record Grid(Experiment experiment, Scale scale, List<Line> rows) {

    /** The settings in which cells differ, so that none can be set for all of them. */
    public static final Set<String> SET_BY_CELLS = Set.of("remoe", "scheme", "seed");

    // Their part is empty in networks without ReMoE blocks, whose runs must not depend on them.
    private static final Set<String> REGION_LOSSES =
            Set.of("regionAdaptive", "lambdaAlign", "beta");

    /**
     * A row of the table with its runs.
     *
     * @param row the row
     * @param cells its runs, one for each seed; none if only the paper has the row
     */
    public record Line(Row row, List<Cell> cells) {

        /**
         * Returns what the row's runs are called.
         *
         * @return the name, empty if only the paper has the row
         */
        public String name() {
            return cells.isEmpty() ? "" : cells.get(0).name();
        }

        /** Whether this is the naturally trained network that others start from. */
        boolean isStart() {
            return !cells.isEmpty() && cells.get(0).isStart();
        }
    }

    /**
     * Plans an experiment.
     *
     * @param experiment the experiment
     * @param scale the scale
     * @param seeds the seeds
     * @param overrides settings that all cells but the start have; {@code data} and {@code model} are
     *     the start's too, and an {@code initialRun} or {@code pretrained} weights take the start's
     *     place
     * @param startOverrides settings of the start
     * @param out the folder of the run folders
     * @return the runs
     * @throws IllegalArgumentException if a setting is wrong or the experiment sets it itself, or the
     *     scale has no networks for the experiment
     */
    public static Grid of(
            Experiment experiment,
            Scale scale,
            List<Long> seeds,
            Map<String, ?> overrides,
            Map<String, ?> startOverrides,
            Path out) {
        check(experiment, scale, seeds, overrides);
        List<Line> lines = new ArrayList<>();
        boolean starts = scale.start() != null
                && !overrides.containsKey("initialRun")
                && !overrides.containsKey("pretrained");
        if (!starts && !startOverrides.isEmpty()) {
            throw new IllegalArgumentException(
                    "Settings of the start are given, but there is none: the scale trains from"
                            + " random weights, or initialRun or pretrained names what to start from.");
        }
        Map<String, Line> starters = new LinkedHashMap<>();
        for (Row row : experiment.rows()) {
            if (row.cell() == null) {
                lines.add(new Line(row, List.of()));
                continue;
            }
            String model = model(row, experiment, scale, overrides);
            String prefix = model.equals(commonModel(scale, overrides)) ? "" : shortName(model);
            Map<String, Object> given = new LinkedHashMap<>();
            if (starts) {
                Line start = starters.computeIfAbsent(
                        model, m -> start(m, prefix, scale, overrides, startOverrides, out));
                given.put("initialRun", start.cells().get(0).path().toString());
            }
            given.put("model", model);
            List<Cell> cells = seeds.stream()
                    .map(seed -> cell(
                            prefix + row.cell(),
                            config(row, scale, overrides, given).with(Map.of("seed", seed)),
                            out))
                    .toList();
            lines.add(new Line(row, cells));
        }
        lines.addAll(0, starters.values());
        return new Grid(experiment, scale, List.copyOf(lines));
    }

    private static void check(
            Experiment experiment, Scale scale, List<Long> seeds, Map<String, ?> overrides) {
        if (seeds.isEmpty() || seeds.stream().distinct().count() < seeds.size()) {
            throw new IllegalArgumentException(
                    "An experiment needs one seed or more, each once; got " + seeds + ".");
        }
        boolean ownModels = experiment.rows().stream().anyMatch(row -> row.backbone() != null);
        if (ownModels && !scale.backbones()) {
            throw new IllegalArgumentException(String.format(
                    "The experiment %s compares %s, which are too large for the scale %s. Choose"
                            + " another scale.",
                    experiment.name().toLowerCase(Locale.ROOT),
                    Arrays.stream(Backbone.values())
                            .map(Backbone::label)
                            .collect(Collectors.joining(", ")),
                    scale.name()));
        }
        Set<String> own = new TreeSet<>(SET_BY_CELLS);
        if (ownModels) {
            own.add("model");
        }
        own.retainAll(overrides.keySet());
        if (!own.isEmpty()) {
            throw new IllegalArgumentException(String.format(
                    "The cells of an experiment differ in %s: it cannot be set for all of them.",
                    String.join(", ", own)));
        }
    }

    /** The network of cells that need not say which they are on; null if all say it. */
    private static String commonModel(Scale scale, Map<String, ?> overrides) {
        Object given = overrides.get("model");
        return given != null ? given.toString() : scale.model();
    }

    private static String model(
            Row row, Experiment experiment, Scale scale, Map<String, ?> overrides) {
        if (row.backbone() != null) {
            return row.backbone().model();
        }
        String common = commonModel(scale, overrides);
        return common != null ? common : experiment.backbone().model();
    }

    private static String shortName(String model) {
        return Arrays.stream(Backbone.values())
                        .filter(backbone -> backbone.model().equals(model))
                        .map(backbone -> backbone.label().toLowerCase(Locale.ROOT))
                        .findFirst()
                        .orElse(model)
                + "-";
    }

    private static Line start(
            String model,
            String prefix,
            Scale scale,
            Map<String, ?> overrides,
            Map<String, ?> startOverrides,
            Path out) {
        Map<String, Object> settings = new LinkedHashMap<>(scale.start());
        settings.put("model", model);
        if (overrides.containsKey("data")) {
            settings.put("data", overrides.get("data"));
        }
        settings.putAll(startOverrides);
        RunConfig config = RunConfig.recipe(scale.recipe() + "-nat").with(settings);
        Row row = Row.plain("natural training, the start of all", prefix + Cell.START, "NAT");
        return new Line(row, List.of(cell(prefix + Cell.START, config, out)));
    }

    private static RunConfig config(
            Row row, Scale scale, Map<String, ?> overrides, Map<String, ?> given) {
        String scheme = row.changes().get("scheme").toString().toLowerCase(Locale.ROOT);
        Map<String, Object> settings = new LinkedHashMap<>(scale.settings());
        settings.putAll(overrides);
        if (!row.changes().containsKey("remoe")) {
            settings.keySet().removeIf(Grid::isOfReMoE);
        }
        settings.putAll(given);
        settings.putAll(row.changes());
        if (row.changes().get("layers") instanceof List<?> ofTwelve) {
            int depth = Presets.builder(settings.get("model").toString())
                    .build()
                    .getBlocks()
                    .size();
            settings.put(
                    "layers",
                    ReMoE.layersAt(ofTwelve.stream().map(Integer.class::cast).toList(), depth));
        }
        return RunConfig.recipe(scale.recipe() + "-" + scheme).with(settings);
    }

    private static boolean isOfReMoE(String name) {
        return REGION_LOSSES.contains(name)
                || Settings.all().stream()
                        .anyMatch(setting -> setting.name().equals(name)
                                && setting.group() == RunConfig.Group.REMOE);
    }

    private static Cell cell(String name, RunConfig config, Path out) {
        return new Cell(name, config, out.resolve(name).resolve("seed-" + config.seed()));
    }

    /**
     * Returns the runs in the order in which they are to be made: the start, then all rows with the
     * first seed, and so on, so that there is soon something in each row.
     *
     * @return the runs
     */
    public List<Cell> cells() {
        List<Cell> cells = new ArrayList<>();
        int seeds = rows.stream().mapToInt(line -> line.cells().size()).max().orElse(0);
        for (int i = 0; i < seeds; i++) {
            for (Line line : rows) {
                if (i < line.cells().size()) {
                    cells.add(line.cells().get(i));
                }
            }
        }
        return cells;
    }

    /**
     * Returns the settings but the seed that all runs but the start share and that differ from the
     * defaults.
     *
     * @return the values by name
     */
    public Map<String, Object> commonSettings() {
        List<Map<String, Object>> configs = cells().stream()
                .filter(cell -> !cell.isStart())
                .map(cell -> cell.config().toMap())
                .toList();
        Map<String, Object> defaults = RunConfig.defaults().toMap();
        Map<String, Object> common = new LinkedHashMap<>(configs.get(0));
        common.remove("seed");
        common.entrySet()
                .removeIf(entry -> entry.getValue().equals(defaults.get(entry.getKey()))
                        || configs.stream()
                                .anyMatch(other ->
                                        !other.get(entry.getKey()).equals(entry.getValue())));
        return common;
    }
}
