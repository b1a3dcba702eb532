package io.github.remoe.report;

import io.github.remoe.attack.DenseGate;
import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.PairedDifference;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.experiment.PaperRow;
import io.github.remoe.figure.Figure;
import io.github.remoe.figure.IntervalChart;
import io.github.remoe.figure.LineChart;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The accuracies of runs beside each other, and beside the paper. */
final class Comparison {

    private static final String CLEAN = "clean";
    private static final String WORST_CASE = "worst case";
    private static final String CIFAR_10 = "cifar10";

    /**
     * What an accuracy is measured under; only what is wholly the same is compared.
     *
     * @param attack the attack's name
     * @param norm null for images as they are
     * @param epsilon the radius
     * @param traits the attack's settings one by one, and whatever else the figure depends on
     */
    private record Condition(String attack, String norm, float epsilon, List<String> traits) {

        private static final Condition NONE = new Condition(CLEAN, null, 0, List.of());

        boolean isWorstCase() {
            return attack.equals(WORST_CASE);
        }
    }

    private final List<ReportedRun> evaluated;
    private final List<Condition> conditions;

    /** Compares runs that are evaluated. */
    Comparison(List<ReportedRun> evaluated) {
        this.evaluated = evaluated;
        Set<Condition> found = new LinkedHashSet<>();
        evaluated.forEach(run -> found.addAll(conditions(run)));
        List<String> attacks = found.stream().map(Condition::attack).distinct().toList();
        conditions = Stream.concat(
                        Stream.of(Condition.NONE),
                        found.stream()
                                .sorted(Comparator.comparing(Condition::isWorstCase)
                                        .thenComparing(
                                                condition -> attacks.indexOf(condition.attack()))
                                        .thenComparing(Condition::norm)
                                        .thenComparing(Condition::epsilon)))
                .toList();
    }

    /** What a run was evaluated under, attack by attack, and the worst case last. */
    private static List<Condition> conditions(ReportedRun run) {
        List<Condition> conditions = new ArrayList<>();
        List<Float> epsilons = run.results().threatModel().epsilons();
        for (int attack = 0; attack < run.attacks().size(); attack++) {
            for (int epsilon = 0; epsilon < epsilons.size(); epsilon++) {
                conditions.add(condition(run, attack, epsilon));
            }
        }
        if (run.attacks().size() > 1) {
            for (int epsilon = 0; epsilon < epsilons.size(); epsilon++) {
                conditions.add(worstCase(run, epsilon));
            }
        }
        return conditions;
    }

    private static Condition condition(ReportedRun run, int attack, int epsilon) {
        Results results = run.results();
        List<String> traits = new ArrayList<>(settings(results, attack, epsilon));
        if (results.model().checksum().endsWith(DenseGate.CHECKSUM_MARK)) {
            traits.add(DenseGate.CHECKSUM_MARK.substring(2));
        }
        if (results.worstCaseOnly() && attack > 0) {
            traits.add("after " + String.join(", ", run.attacks().subList(0, attack)));
        }
        return new Condition(
                run.attacks().get(attack),
                results.threatModel().norm(),
                results.threatModel().epsilons().get(epsilon),
                traits);
    }

    private static Condition worstCase(ReportedRun run, int epsilon) {
        List<String> traits = new ArrayList<>();
        traits.add("over " + String.join(", ", run.attacks()));
        for (int attack = 0; attack < run.attacks().size(); attack++) {
            traits.addAll(settings(run.results(), attack, epsilon));
        }
        if (run.results().model().checksum().endsWith(DenseGate.CHECKSUM_MARK)) {
            traits.add(DenseGate.CHECKSUM_MARK.substring(2));
        }
        return new Condition(
                WORST_CASE,
                run.results().threatModel().norm(),
                run.results().threatModel().epsilons().get(epsilon),
                traits);
    }

    /** The settings of an attack, of which its {@code toString} tells. */
    private static List<String> settings(Results results, int attack, int epsilon) {
        return List.of(results.attacks().get(attack).settings().get(epsilon).split("[\\[\\], ]+"));
    }

    /** In what a condition differs from others of the same name; null if there are none. */
    private String detail(Condition condition) {
        List<Condition> namesakes = conditions.stream()
                .filter(other -> other.attack().equals(condition.attack())
                        && Objects.equals(other.norm(), condition.norm())
                        && other.epsilon() == condition.epsilon())
                .toList();
        String detail = condition.traits().stream()
                .filter(trait ->
                        namesakes.stream().anyMatch(other -> !other.traits().contains(trait)))
                .collect(Collectors.joining(", "));
        return detail.isEmpty() ? null : detail;
    }

    void addTo(Section section) {
        List<Figure> figures = new ArrayList<>(List.of(chart()));
        figures.addAll(worstCases());
        section.figures(figures);
        section.table(accuracies());
        if (evaluated.stream().anyMatch(run -> run.results().worstCaseOnly())) {
            section.text(
                    "An evaluation with --worst-case attacks an image until one attack has broken"
                            + " it: each of its figures is the accuracy under that attack and those before.");
        }
        addDifferences(section);
        addPaper(section);
    }

    private static Optional<Accuracy> accuracy(ReportedRun run, Condition condition) {
        Results results = run.results();
        if (condition.norm() == null) {
            return Optional.of(results.clean());
        }
        if (!conditions(run).contains(condition)) {
            return Optional.empty();
        }
        int epsilon = results.threatModel().epsilons().indexOf(condition.epsilon());
        return Optional.of(
                condition.isWorstCase()
                        ? results.worstCase().get(epsilon).accuracy()
                        : run.robust(run.attacks().indexOf(condition.attack()), epsilon)
                                .accuracy());
    }

    private List<String> norms() {
        return conditions.stream()
                .map(Condition::norm)
                .filter(Objects::nonNull)
                .distinct()
                .toList();
    }

    /** The radius, with its norm if there are several. */
    private String epsilon(Condition condition) {
        if (condition.norm() == null) {
            return "–";
        }
        String radius = evaluated.stream()
                .map(run -> run.results().threatModel())
                .filter(threat -> threat.norm().equals(condition.norm()))
                .map(threat -> threat.at(condition.epsilon()).epsilonText())
                .findFirst()
                .orElseThrow();
        return norms().size() == 1 ? radius : radius + " " + condition.norm();
    }

    private List<String> heads(List<ReportedRun> runs) {
        List<String> heads = new ArrayList<>(List.of("attack"));
        heads.add(norms().size() == 1 ? "ε (" + norms().get(0) + ")" : "ε");
        runs.forEach(run -> heads.add(run.name()));
        return heads;
    }

    private List<Cell> firstCells(Condition condition) {
        return new ArrayList<>(List.of(
                new Cell(condition.attack(), detail(condition), null, Map.of()),
                new Cell(epsilon(condition), null, String.valueOf(condition.epsilon()), Map.of())));
    }

    private Table accuracies() {
        Table table =
                new Table("accuracies", "Accuracy with 95 % intervals", true, heads(evaluated));
        for (Condition condition : conditions) {
            List<Cell> cells = firstCells(condition);
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
            String detail = detail(condition);
            group += detail == null ? "" : ", " + detail;
            chart.addGroup(group);
            for (ReportedRun run : evaluated) {
                Optional<Accuracy> accuracy = accuracy(run, condition);
                if (accuracy.isPresent()) {
                    chart.add(
                            run.name(),
                            group,
                            100 * accuracy.get().value(),
                            100 * accuracy.get().lower(),
                            100 * accuracy.get().upper());
                }
            }
            if (!Double.isNaN(paper(condition))) {
                chart.addPaper(group, paper(condition));
            }
        }
        return chart.build();
    }

    /** For each norm what is left of several runs as the radius grows. */
    private List<Figure> worstCases() {
        List<Figure> figures = new ArrayList<>();
        for (String norm : norms()) {
            List<ReportedRun> attacked = evaluated.stream()
                    .filter(run -> run.results().threatModel().norm().equals(norm)
                            && !run.attacks().isEmpty())
                    .toList();
            boolean curves = attacked.stream()
                    .anyMatch(run -> run.results().threatModel().epsilons().size() > 1);
            if (attacked.size() > 1 && curves) {
                LineChart.Builder chart = RobustnessSection.overEpsilon(
                        "worst-case-" + norm,
                        "Accuracy under the worst of each run's attacks",
                        attacked);
                attacked.forEach(run -> RobustnessSection.addWorstCase(chart, run.name(), run));
                figures.add(chart.build());
            }
        }
        return figures;
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
        String excluded = evaluated.stream()
                .skip(1)
                .filter(run -> !others.contains(run))
                .map(ReportedRun::name)
                .collect(Collectors.joining(", "));
        if (!excluded.isEmpty()) {
            section.missing(String.format(
                    "Not compared with %s image by image, as it was evaluated on other images or"
                            + " verdicts.csv is missing: %s. Evaluate all with the same --data,"
                            + " --samples and --seed.",
                    first.name(), excluded));
        }
        if (others.isEmpty()) {
            return;
        }
        Table table = new Table(
                "differences",
                "Difference to " + first.name() + " on the same images, points",
                true,
                heads(others));
        for (Condition condition : conditions) {
            List<Cell> cells = firstCells(condition);
            for (ReportedRun run : others) {
                cells.add(difference(first, run, condition));
            }
            if (cells.stream().skip(2).anyMatch(cell -> cell.value() != null)) {
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
                points(difference.value()),
                points(difference.lower()) + " to " + points(difference.upper()),
                String.valueOf(difference.value()),
                Map.of());
    }

    private static String points(double difference) {
        return String.format(Locale.ROOT, "%+.1f", 100 * difference).replace('-', '−');
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
                        : condition.isWorstCase()
                                ? !verdict.isBrokenByAny(epsilon)
                                : !run.verdicts().isBroken(verdict, attack, epsilon))
                .toList();
    }

    /** The paper's figures for the methods of these runs. */
    private void addPaper(Section section) {
        Table table = new Table(
                "paper",
                "Beside the paper's figures",
                false,
                List.of("run", "the paper's row", "attack", "here", "paper"));
        List<String> without = new ArrayList<>();
        for (ReportedRun run : evaluated) {
            Optional<PaperRow> row = paperRow(run);
            if (row.isEmpty()) {
                without.add(run.name());
                continue;
            }
            for (Condition condition : conditions) {
                double paper = row.get().figures().accuracy(condition.attack());
                Optional<Accuracy> here = accuracy(run, condition);
                if (here.isPresent() && !Double.isNaN(paper) && isThePapers(run, condition)) {
                    table.rows()
                            .add(List.of(
                                    Cell.of(run.name()),
                                    Cell.of(row.get().label()),
                                    Cell.of(condition.attack()),
                                    Cell.of(here.get()),
                                    Cell.share(paper / 100)));
                }
            }
        }
        if (table.rows().isEmpty()) {
            section.missing("There is nothing of the paper to compare with: it gives figures for"
                    + " CIFAR-10, clean and under pgd-20, cw-20 and autoattack, for SAT, TRADES and"
                    + " ReMoE.");
            return;
        }
        section.table(table);
        if (!without.isEmpty()) {
            section.text("The paper has no figures for the method of " + String.join(", ", without)
                    + ", or it was evaluated on other data.");
        }
        section.text(
                "The paper (ReMoE, CVPR 2026) trains DeiT-S, DeiT-T and ViT-S from ImageNet weights on all of"
                        + " CIFAR-10 for 50 epochs. Figures of other networks, or of shorter training, are"
                        + " not meant to reach it.");
    }

    /** What the paper has of a run's method. */
    private static Optional<PaperRow> paperRow(ReportedRun run) {
        return run.config() == null || !run.results().dataset().name().equals(CIFAR_10)
                ? Optional.empty()
                : PaperRow.nearest(run.config());
    }

    /** The paper's figure under a condition, if it is one for all runs; NaN otherwise. */
    private double paper(Condition condition) {
        List<PaperRow> rows = evaluated.stream()
                .map(Comparison::paperRow)
                .flatMap(Optional::stream)
                .distinct()
                .toList();
        boolean measured = evaluated.stream()
                .anyMatch(
                        run -> accuracy(run, condition).isPresent() && isThePapers(run, condition));
        return rows.size() == 1 && measured
                ? rows.get(0).figures().accuracy(condition.attack())
                : Double.NaN;
    }

    /** The paper attacks with linf, 8/255, each attack on its own. */
    private static boolean isThePapers(ReportedRun run, Condition condition) {
        Results results = run.results();
        return condition.norm() == null
                || condition.norm().equals(Norm.LINF.toString())
                        && results.threatModel()
                                .at(condition.epsilon())
                                .epsilonText()
                                .equals("8/255")
                        && !results.worstCaseOnly()
                        && !results.model().checksum().endsWith(DenseGate.CHECKSUM_MARK);
    }
}
