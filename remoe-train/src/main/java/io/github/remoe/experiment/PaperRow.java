package io.github.remoe.experiment;

import io.github.remoe.run.RunConfig;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The paper's figures for one method on one network, CIFAR-10.
 *
 * @param label the method and the network in the paper's words
 * @param model the network's preset
 * @param figures the figures
 */
public record PaperRow(String label, String model, PaperFigures figures) {

    // What makes a method, as far as the paper has figures for another choice.
    private static final List<String> METHOD =
            List.of("scheme", "remoe", "gate", "without", "regionAdaptive");

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
                        .map(row -> of(experiment, row)))
                .filter(row -> row.count() > 0)
                .max(Comparator.comparing((PaperRow row) -> row.model.equals(config.model()))
                        .thenComparing(PaperRow::count));
    }

    private static PaperRow of(Experiment experiment, Row row) {
        Backbone backbone = row.backbone() == null ? experiment.backbone() : row.backbone();
        String label = row.label().contains(backbone.label())
                ? row.label()
                : row.label() + ", " + backbone.label();
        return new PaperRow(label, backbone.model(), row.paper());
    }

    private static boolean isMethodOf(Row row, RunConfig config) {
        Map<String, Object> there = RunConfig.defaults().with(row.changes()).toMap();
        Map<String, Object> here = config.toMap();
        boolean same = METHOD.stream()
                .filter(name -> config.remoe() || name.equals("scheme") || name.equals("remoe"))
                .allMatch(name -> there.get(name).equals(here.get(name)));
        boolean aligned = ((Number) there.get("lambdaAlign")).doubleValue() > 0;
        return same
                && (!config.remoe() || aligned == config.lambdaAlign() > 0)
                && (!row.changes().containsKey("layers")
                        || there.get("layers").equals(here.get("layers")));
    }

    private long count() {
        return Stream.of(figures.clean(), figures.pgd20(), figures.cw20(), figures.autoAttack())
                .filter(value -> !value.isNaN())
                .count();
    }
}
