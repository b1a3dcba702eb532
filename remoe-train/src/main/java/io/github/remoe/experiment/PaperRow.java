package io.github.remoe.experiment;

import io.github.remoe.ReMoE;
import io.github.remoe.run.RunConfig;
import io.github.remoe.vit.Presets;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The paper's figures for one method on one network, CIFAR-10.
 *
 * @param label the method and the network in the paper's words, and which settings of the method a run
 *     that is compared with them has otherwise: {@code ReMoE (full), DeiT-T; here topK 4}
 * @param model the network's preset
 * @param figures the figures
 */
public record PaperRow(String label, String model, PaperFigures figures) {

    // What makes a method, as far as the paper has figures for another choice.
    private static final List<String> METHOD =
            List.of("scheme", "remoe", "gate", "without", "regionAdaptive");

    // What it is made with, for which the paper has no figures but its own choice's.
    private static final List<String> OF_BLOCKS = List.of(
            "layers", "regions", "topK", "bottleneckRatio", "centerRatio", "lambda1", "lambda2");

    /**
     * Finds what a run is to be compared with.
     *
     * @param config the run's settings
     * @return the paper's row of the same method, on the same network if it has that, else on another;
     *     the one with most figures if there are several; empty if the paper has no figures for it
     */
    public static Optional<PaperRow> nearest(RunConfig config) {
        return Arrays.stream(Experiment.values())
                .flatMap(experiment -> experiment.rows().stream()
                        .filter(row -> row.cell() != null && isMethodOf(row, config))
                        .map(row -> of(experiment, row, config)))
                .filter(row -> row.count() > 0)
                .max(Comparator.comparing((PaperRow row) -> row.model.equals(config.model()))
                        .thenComparing(PaperRow::count));
    }

    private static PaperRow of(Experiment experiment, Row row, RunConfig config) {
        Backbone backbone = row.backbone() == null ? experiment.backbone() : row.backbone();
        String label = row.label().contains(backbone.label())
                ? row.label()
                : row.label() + ", " + backbone.label();
        List<String> differences = differences(settings(row), config);
        return new PaperRow(
                differences.isEmpty() ? label : label + "; here " + String.join(", ", differences),
                backbone.model(),
                row.paper());
    }

    private static RunConfig settings(Row row) {
        return RunConfig.defaults().with(row.changes());
    }

    private static boolean isMethodOf(Row row, RunConfig config) {
        RunConfig paper = settings(row);
        Map<String, Object> there = paper.toMap();
        Map<String, Object> here = config.toMap();
        return METHOD.stream()
                        .filter(name ->
                                config.remoe() || name.equals("scheme") || name.equals("remoe"))
                        .allMatch(name -> there.get(name).equals(here.get(name)))
                && (!config.remoe() || paper.lambdaAlign() > 0 == config.lambdaAlign() > 0);
    }

    /** The settings of the method that a run has otherwise, each with its value. */
    private static List<String> differences(RunConfig paper, RunConfig config) {
        List<String> names = new ArrayList<>();
        if (config.remoe()) {
            names.addAll(OF_BLOCKS);
            names.add("lambdaAlign");
            if (config.regionAdaptive()) {
                names.add("beta");
            }
            if (hasDefaultLayers(config)) {
                names.remove("layers");
            }
            if (hasDefaultTopK(config)) {
                names.remove("topK");
            }
        }
        if (config.scheme() == RunConfig.SchemeType.TRADES) {
            names.add("tradesBeta");
        }
        Map<String, Object> there = paper.toMap();
        Map<String, Object> here = config.toMap();
        return names.stream()
                .filter(name -> !there.get(name).equals(here.get(name)))
                .map(name -> name + " " + here.get(name))
                .toList();
    }

    /** Whether they are left out, or named as they would be. */
    private static boolean hasDefaultLayers(RunConfig config) {
        int depth = Presets.builder(config.model()).build().getBlocks().size();
        return config.layers().isEmpty()
                || Set.copyOf(config.layers()).equals(Set.copyOf(ReMoE.defaultLayers(depth)));
    }

    private static boolean hasDefaultTopK(RunConfig config) {
        return config.with(Map.of("topK", 0)).createReMoE().topK()
                == config.createReMoE().topK();
    }

    private long count() {
        return Stream.of(figures.clean(), figures.pgd20(), figures.cw20(), figures.autoAttack())
                .filter(value -> !value.isNaN())
                .count();
    }
}
