package io.github.remoe.report;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.Results;
import io.github.remoe.figure.Figure;
import io.github.remoe.figure.LineChart;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.DoubleStream;

/** How accuracy falls with the radius of the attacks and with their steps. */
final class RobustnessSection {

    // pgd-20 is PGD with 20 steps, as the command line names attacks.
    private static final Pattern STEPS = Pattern.compile("(.+)-(\\d{1,6})");

    private final ReportedRun run;
    private final Results results;

    private RobustnessSection(ReportedRun run) {
        this.run = run;
        results = run.results();
    }

    /** The section of a run. */
    static Section of(ReportedRun run) {
        Section section = new Section(run.id() + "-robustness", 3, "Robustness");
        if (run.results() == null) {
            return section.missing(run.why(
                    ReportedRun.RESULTS,
                    "There is no evaluation in the folder. Evaluate the run: evaluate --run "
                            + ReproduceSection.quote(run.path())
                            + "."));
        }
        if (run.attacks().isEmpty()) {
            return section.missing("The evaluation made no attack.");
        }
        RobustnessSection robustness = new RobustnessSection(run);
        List<Figure> figures = new ArrayList<>(List.of(robustness.overEpsilon()));
        Optional<Figure> overSteps = robustness.overSteps();
        overSteps.ifPresent(figures::add);
        section.figures(figures);
        if (!run.results().robustAfterMember().isEmpty()) {
            section.table(robustness.members());
        }
        if (run.results().threatModel().epsilons().size() == 1) {
            section.missing("One ε alone was measured, so the curve has two points. For more, give"
                    + " evaluate --epsilon several, such as 2/255,4/255,8/255,16/255.");
        }
        if (overSteps.isEmpty() && run.results().worstCaseOnly()) {
            section.text(
                    "With --worst-case no attack is measured on its own, so there is no accuracy"
                            + " against steps.");
        } else if (overSteps.isEmpty()) {
            section.missing("No attack was made with several numbers of steps. For accuracy against"
                    + " steps evaluate with, say, --attack pgd-5,pgd-10,pgd-20,pgd-50.");
        }
        return section;
    }

    /** AutoAttack is a row of attacks, each of which sees what those before have left. */
    private Table members() {
        Table table = new Table(
                run.id() + "-members",
                "Robust accuracy after each attack of an AutoAttack",
                false,
                List.of("attack", "after", "ε", "robust accuracy"));
        for (Results.MemberAccuracy after : results.robustAfterMember()) {
            table.rows()
                    .add(List.of(
                            Cell.of(after.attack()),
                            Cell.of(after.member()),
                            Cell.of(results.threatModel().at(after.epsilon()).epsilonText()),
                            Cell.of(after.accuracy())));
        }
        return table;
    }

    private Figure overEpsilon() {
        LineChart.Builder chart = overEpsilon(
                run.id() + "-epsilon", "Accuracy against the radius of the attack", List.of(run));
        for (int attack = 0; attack < run.attacks().size(); attack++) {
            List<Accuracy> accuracies = new ArrayList<>(List.of(results.clean()));
            for (int e = 0; e < results.threatModel().epsilons().size(); e++) {
                accuracies.add(run.robust(attack, e).accuracy());
            }
            add(chart, run.attacks().get(attack), radii(run), accuracies);
        }
        if (run.attacks().size() > 1) {
            addWorstCase(chart, "worst case", run);
        }
        return chart.build();
    }

    /** A chart of accuracies over the radius, for runs that were attacked in one norm. */
    static LineChart.Builder overEpsilon(String name, String title, List<ReportedRun> runs) {
        String norm = runs.get(0).results().threatModel().norm();
        return LineChart.builder(name, title)
                .setX(
                        norm.equals(Norm.LINF.toString())
                                ? "ε (linf), of 255"
                                : "ε (" + norm + "), pixel values")
                .setY("accuracy, %")
                .optYRange(0, 1);
    }

    /** Adds what the worst of a run's attacks leaves, from no attack on. */
    static void addWorstCase(LineChart.Builder chart, String label, ReportedRun run) {
        List<Accuracy> worst = new ArrayList<>(List.of(run.results().clean()));
        run.results().worstCase().forEach(at -> worst.add(at.accuracy()));
        add(chart, label, radii(run), worst);
    }

    /** No attack, then the evaluation's radii in the unit of the axis. */
    private static double[] radii(ReportedRun run) {
        Results.Threat threat = run.results().threatModel();
        double scale = threat.norm().equals(Norm.LINF.toString()) ? 255 : 1;
        return DoubleStream.concat(
                        DoubleStream.of(0),
                        threat.epsilons().stream().mapToDouble(epsilon -> scale * epsilon))
                .toArray();
    }

    /** Empty if no attack was made with several numbers of steps. */
    private Optional<Figure> overSteps() {
        int epsilon = run.mainEpsilon();
        Map<String, SortedMap<Integer, Accuracy>> families = new LinkedHashMap<>();
        for (int attack = 0; attack < run.attacks().size(); attack++) {
            Matcher matcher = STEPS.matcher(run.attacks().get(attack));
            if (matcher.matches()) {
                families.computeIfAbsent(matcher.group(1), family -> new TreeMap<>())
                        .put(
                                Integer.valueOf(matcher.group(2)),
                                run.robust(attack, epsilon).accuracy());
            }
        }
        families.values().removeIf(family -> family.size() < 2);
        if (families.isEmpty() || results.worstCaseOnly()) {
            return Optional.empty();
        }
        LineChart.Builder chart = LineChart.builder(
                        run.id() + "-steps",
                        "Accuracy against attack steps, ε = " + run.epsilon(epsilon))
                .setX("steps")
                .setY("accuracy, %")
                .optYRange(0, 1)
                .optIntegerX();
        families.forEach((family, accuracies) -> add(
                chart,
                family,
                accuracies.keySet().stream().mapToDouble(steps -> steps).toArray(),
                List.copyOf(accuracies.values())));
        return Optional.of(chart.build());
    }

    private static void add(
            LineChart.Builder chart, String label, double[] x, List<Accuracy> accuracies) {
        chart.addSeries(
                label,
                x,
                accuracies.stream().mapToDouble(a -> 100 * a.value()).toArray(),
                accuracies.stream().mapToDouble(a -> 100 * a.lower()).toArray(),
                accuracies.stream().mapToDouble(a -> 100 * a.upper()).toArray());
    }
}
