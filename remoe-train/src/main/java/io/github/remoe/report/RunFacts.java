package io.github.remoe.report;

import io.github.remoe.evaluate.Results;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Model, data, threat model and seeds of runs. */
final class RunFacts {

    private RunFacts() {}

    /** What the runs are, a column each. */
    static Table of(List<ReportedRun> runs) {
        List<String> heads = new ArrayList<>(List.of(""));
        runs.forEach(run -> heads.add(run.name()));
        Table table = new Table("runs", "The runs", false, heads);
        Map<String, List<String>> rows = new LinkedHashMap<>();
        runs.forEach(run -> facts(run)
                .forEach((name, value) ->
                        rows.computeIfAbsent(name, key -> new ArrayList<>()).add(value)));
        rows.forEach((name, values) -> {
            List<Cell> cells = new ArrayList<>(List.of(Cell.of(name)));
            values.forEach(value -> cells.add(value == null ? Cell.NOTHING : Cell.of(value)));
            table.rows().add(cells);
        });
        return table;
    }

    private static Map<String, String> facts(ReportedRun run) {
        Results results = run.results();
        boolean trained = run.config() != null;
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put(
                "model",
                trained
                        ? run.config().model()
                        : results == null ? null : results.model().name());
        facts.put("ReMoE", trained ? remoe(run) : null);
        facts.put(
                "parameters",
                results == null
                        ? null
                        : String.format(Locale.ROOT, "%,d", results.model().parameters()));
        facts.put(
                "multiply-adds of an image",
                results == null || results.model().macs() == null
                        ? null
                        : String.format(Locale.ROOT, "%,d", results.model().macs()));
        facts.put(
                "trained by",
                trained
                        ? String.format(
                                "%s, %d epochs",
                                run.config().scheme(), run.config().epochs())
                        : null);
        facts.put(
                "trained on",
                run.info() == null
                        ? null
                        : String.format(
                                Locale.ROOT,
                                "%s, %,d images, %d classes",
                                run.info().dataset(),
                                run.info().images(),
                                run.info().classes().size()));
        facts.put(
                "evaluated on",
                results == null
                        ? null
                        : String.format(
                                Locale.ROOT,
                                "%s, %,d images",
                                results.dataset().name(),
                                results.dataset().images()));
        facts.put("threat model", results == null ? null : threat(run));
        facts.put("attacks", results == null ? null : String.join(", ", run.attacks()));
        facts.put(
                "evaluated weights, of epoch",
                results == null || results.model().epoch() == null
                        ? null
                        : results.model().epoch().toString());
        facts.put("seed of the training", trained ? "" + run.config().seed() : null);
        facts.put("seed of the evaluation", results == null ? null : "" + results.seed());
        return facts;
    }

    private static String remoe(ReportedRun run) {
        if (!run.config().remoe()) {
            return "no";
        }
        return String.format(
                "%s regions, gate %s%s%s",
                run.config().regions(),
                run.config().gate(),
                run.config().regionAdaptive() ? ", L_rob" : "",
                run.config().lambdaAlign() > 0 ? ", L_align" : "");
    }

    private static String threat(ReportedRun run) {
        Results.Threat threat = run.results().threatModel();
        return threat.norm()
                + ", ε = "
                + threat.epsilons().stream()
                        .map(epsilon -> threat.at(epsilon).epsilonText())
                        .collect(Collectors.joining(", "));
    }
}
