package io.github.remoe.report;

import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.PairedDifference;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.experiment.PaperRow;
import io.github.remoe.figure.Figure;
import io.github.remoe.figure.IntervalChart;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The accuracies of runs beside each other, and beside the paper. */
final class Comparison {

    private static final String CLEAN = "clean";
    private static final String WORST_CASE = "worst case";
    private static final String CIFAR_10 = "cifar10";

    /** What an accuracy is measured under; {@code norm} is null for images as they are. */
    private record Condition(String attack, String norm, float epsilon) {

        private static final Condition NONE = new Condition(CLEAN, null, 0);
    }

    private final List<ReportedRun> evaluated;
    private final Set<Condition> conditions = new LinkedHashSet<>();

    /** Compares runs that are evaluated. */
    Comparison(List<ReportedRun> evaluated) {
        this.evaluated = evaluated;
        conditions.add(Condition.NONE);
        for (ReportedRun run : evaluated) {
            String norm = run.results().threatModel().norm();
            run.results()
                    .robust()
                    .forEach(robust ->
                            conditions.add(new Condition(robust.attack(), norm, robust.epsilon())));
        }
        for (ReportedRun run : evaluated) {
            if (run.attacks().size() > 1) {
                String norm = run.results().threatModel().norm();
                run.results()
                        .worstCase()
                        .forEach(worst ->
                                conditions.add(new Condition(WORST_CASE, norm, worst.epsilon())));
            }
        }
    }

    void addTo(Section section) {
        section.figures(List.of(chart()));
        section.table(accuracies());
        if (evaluated.stream().anyMatch(run -> run.results().worstCaseOnly())) {
            section.text(
                    "An evaluation with --worst-case attacks an image until one attack has broken"
                            + " it: each of its figures is the accuracy under that attack and those before.");
        }
        addDifferences(section);
        addPaper(section);
    }

    private Optional<Accuracy> accuracy(ReportedRun run, Condition condition) {
        Results results = run.results();
        if (condition.norm() == null) {
            return Optional.of(results.clean());
        }
        if (!condition.norm().equals(results.threatModel().norm())) {
            return Optional.empty();
        }
        if (condition.attack().equals(WORST_CASE)) {
            return results.worstCase().stream()
                    .filter(worst -> worst.epsilon() == condition.epsilon())
                    .map(Results.WorstCase::accuracy)
                    .findFirst();
        }
        return results.robust().stream()
                .filter(robust -> robust.attack().equals(condition.attack())
                        && robust.epsilon() == condition.epsilon())
                .map(Results.RobustAccuracy::accuracy)
                .findFirst();
    }

    private String epsilon(Condition condition) {
        return evaluated.stream()
                .map(run -> run.results().threatModel())
                .filter(threat -> threat.norm().equals(condition.norm()))
                .map(threat -> threat.at(condition.epsilon()).epsilonText() + " " + threat.norm())
                .findFirst()
                .orElse("–");
    }

    private Table accuracies() {
        Table table = new Table(
                "accuracies",
                "Accuracy with 95 % intervals",
                true,
                new ArrayList<>(List.of("attack", "ε")));
        evaluated.forEach(run -> table.columns().add(run.name()));
        for (Condition condition : conditions) {
            List<Cell> cells = new ArrayList<>();
            cells.add(Cell.of(condition.attack()));
            cells.add(new Cell(
                    epsilon(condition), null, String.valueOf(condition.epsilon()), Map.of()));
            for (ReportedRun run : evaluated) {
                Map<String, String> data = new LinkedHashMap<>();
                data.put("run", run.name());
                data.put("attack", condition.attack());
                if (condition.norm() != null) {
                    data.put("epsilon", String.valueOf(condition.epsilon()));
                }
                cells.add(accuracy(run, condition)
                        .map(accuracy -> Cell.of(accuracy, data))
                        .orElse(Cell.NOTHING));
            }
            table.rows().add(cells);
        }
        return table;
    }

    /** Clean accuracy and that under each attack, at the epsilon that figures are about. */
    private Figure chart() {
        List<String> epsilons = conditions.stream()
                .filter(this::isMain)
                .map(this::epsilon)
                .distinct()
                .toList();
        IntervalChart.Builder chart = IntervalChart.builder(
                "accuracy-of-runs",
                epsilons.size() == 1
                        ? "Accuracy with 95 % intervals, ε = " + epsilons.get(0)
                        : "Accuracy with 95 % intervals");
        evaluated.forEach(run -> chart.addRun(run.name()));
        for (Condition condition : conditions) {
            if (condition.norm() != null && !isMain(condition)) {
                continue;
            }
            String group = condition.norm() == null || epsilons.size() == 1
                    ? condition.attack()
                    : condition.attack() + " " + epsilon(condition);
            chart.addGroup(group);
            for (ReportedRun run : evaluated) {
                accuracy(run, condition)
                        .ifPresent(accuracy -> chart.add(
                                run.name(),
                                group,
                                100 * accuracy.value(),
                                100 * accuracy.lower(),
                                100 * accuracy.upper()));
            }
        }
        return chart.build();
    }

    private boolean isMain(Condition condition) {
        return evaluated.stream().anyMatch(run -> isMain(run, condition));
    }

    private static boolean isMain(ReportedRun run, Condition condition) {
        Results.Threat threat = run.results().threatModel();
        return threat.norm().equals(condition.norm())
                && threat.epsilons().get(run.mainEpsilon()) == condition.epsilon();
    }

    /** How much better each run is than the first one on the same images. */
    private void addDifferences(Section section) {
        if (evaluated.size() < 2) {
            return;
        }
        ReportedRun first = evaluated.get(0);
        List<ReportedRun> others =
                evaluated.stream().skip(1).filter(run -> sameImages(first, run)).toList();
        if (others.isEmpty()) {
            section.missing(
                    "The runs were not evaluated on the same images, or verdicts.csv is missing,"
                            + " so they cannot be compared image by image. Evaluate all with the same --data,"
                            + " --samples and --seed.");
            return;
        }
        Table table = new Table(
                "differences",
                "Points above " + first.name() + " on the same images, with 95 % intervals",
                true,
                new ArrayList<>(List.of("attack", "ε")));
        others.forEach(run -> table.columns().add(run.name()));
        for (Condition condition : conditions) {
            List<Cell> cells = new ArrayList<>();
            cells.add(Cell.of(condition.attack()));
            cells.add(new Cell(
                    epsilon(condition), null, String.valueOf(condition.epsilon()), Map.of()));
            for (ReportedRun run : others) {
                cells.add(difference(first, run, condition));
            }
            if (cells.stream().anyMatch(cell -> cell.detail() != null)) {
                table.rows().add(cells);
            }
        }
        section.table(table);
    }

    private static boolean sameImages(ReportedRun first, ReportedRun second) {
        return first.verdicts() != null
                && second.verdicts() != null
                && first.results()
                        .dataset()
                        .checksum()
                        .equals(second.results().dataset().checksum())
                && indices(first).equals(indices(second));
    }

    private static List<Long> indices(ReportedRun run) {
        return run.verdicts().all().stream().map(Verdict::index).toList();
    }

    private Cell difference(ReportedRun first, ReportedRun run, Condition condition) {
        List<Boolean> firstRight = right(first, condition);
        List<Boolean> right = right(run, condition);
        if (firstRight.isEmpty() || right.isEmpty()) {
            return Cell.NOTHING;
        }
        long gained = 0;
        long lost = 0;
        for (int i = 0; i < right.size(); i++) {
            gained += right.get(i) && !firstRight.get(i) ? 1 : 0;
            lost += !right.get(i) && firstRight.get(i) ? 1 : 0;
        }
        PairedDifference difference = new PairedDifference(gained, lost, right.size());
        return new Cell(
                String.format(Locale.ROOT, "%+.1f", 100 * difference.value()),
                String.format(
                        Locale.ROOT,
                        "%+.1f to %+.1f",
                        100 * difference.lower(),
                        100 * difference.upper()),
                String.valueOf(difference.value()),
                Map.of());
    }

    /** Whether each image is right; empty if the run was not evaluated so. */
    private List<Boolean> right(ReportedRun run, Condition condition) {
        if (accuracy(run, condition).isEmpty()) {
            return List.of();
        }
        int attack = run.attacks().indexOf(condition.attack());
        int epsilon = run.results().threatModel().epsilons().indexOf(condition.epsilon());
        return run.verdicts().all().stream()
                .map(verdict -> condition.norm() == null
                        ? verdict.isCleanCorrect()
                        : condition.attack().equals(WORST_CASE)
                                ? !verdict.isBrokenByAny(epsilon)
                                : !run.verdicts().isBroken(verdict, attack, epsilon))
                .toList();
    }

    /** The paper's figures for the methods of these runs. */
    private void addPaper(Section section) {
        Table table = new Table(
                "paper",
                "Beside the paper's figures (ReMoE, CVPR 2026), in per cent",
                false,
                List.of("run", "the paper's row", "attack", "here", "paper"));
        for (ReportedRun run : evaluated) {
            if (run.config() == null || !run.results().dataset().name().equals(CIFAR_10)) {
                continue;
            }
            PaperRow.nearest(run.config()).ifPresent(row -> {
                for (Condition condition : conditions) {
                    double paper = row.figures().accuracy(condition.attack());
                    Optional<Accuracy> here = accuracy(run, condition);
                    boolean comparable = condition.norm() == null || isMain(run, condition);
                    if (comparable && here.isPresent() && !Double.isNaN(paper)) {
                        table.rows()
                                .add(List.of(
                                        Cell.of(run.name()),
                                        Cell.of(row.label()),
                                        Cell.of(condition.attack()),
                                        Cell.of(here.get()),
                                        Cell.share(paper / 100)));
                    }
                }
            });
        }
        if (table.rows().isEmpty()) {
            section.missing("There is nothing of the paper to compare with: it gives figures for"
                    + " CIFAR-10, clean and under pgd-20, cw-20 and autoattack, for SAT, TRADES and"
                    + " ReMoE.");
            return;
        }
        section.table(table);
        section.text("The paper trains DeiT-S, DeiT-T and ViT-S from ImageNet weights on all of"
                + " CIFAR-10 for 50 epochs. Figures of other networks, or of shorter training, are"
                + " not meant to reach it.");
    }
}
