package io.github.remoe.report;

import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.figure.ConfusionMatrix;
import io.github.remoe.figure.DotPlot;
import io.github.remoe.figure.Figure;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/** Which classes are right, clean and attacked, and what they are taken for. */
final class ClassesSection {

    private static final int CONFUSIONS = 20;

    private final ReportedRun run;
    private final Results results;
    private final int epsilon;

    private ClassesSection(ReportedRun run) {
        this.run = run;
        results = run.results();
        epsilon = run.mainEpsilon();
    }

    /** The section of a run. */
    static Section of(ReportedRun run) {
        Section section = new Section(run.id() + "-classes", 3, "Classes");
        if (run.results() == null) {
            return section.missing(run.why(
                    ReportedRun.RESULTS,
                    "Without an evaluation nothing is known of single classes."));
        }
        return new ClassesSection(run).fill(section);
    }

    private Section fill(Section section) {
        if (!results.attacks().isEmpty()) {
            section.text("Attacked means the worst case over all attacks of the evaluation, ε = "
                    + run.epsilon(epsilon) + ".");
        }
        section.figures(List.of(accuracies()));
        Table table = table();
        if (table.rows().size() > DotPlot.MOST_ROWS) {
            section.text(String.format(
                    "The %d classes with the lowest accuracy are drawn; the table has all %d.",
                    DotPlot.MOST_ROWS, table.rows().size()));
            section.folded(table);
        } else {
            section.table(table);
        }
        if (run.verdicts() == null) {
            return section.missing(run.why(
                    ReportedRun.VERDICTS,
                    "There are no verdicts on single images (verdicts.csv), so it is not known what"
                            + " images are taken for. Evaluate again."));
        }
        List<Figure> matrices = new ArrayList<>();
        matrices.add(matrix("confusion-clean", "Predictions, clean", Verdict::cleanPrediction));
        if (!results.attacks().isEmpty()) {
            matrices.add(matrix(
                    "confusion-attacked",
                    "Predictions, attacked",
                    verdict -> verdict.worstPrediction(epsilon)));
        }
        section.figures(matrices);
        Table confusions = confusions();
        if (!confusions.rows().isEmpty()) {
            section.folded(confusions);
        }
        return section;
    }

    private static Accuracy worst(Results.ClassAccuracy ofClass, int epsilon) {
        return ofClass.worstCase().get(epsilon).accuracy();
    }

    private Figure accuracies() {
        List<Results.ClassAccuracy> shown = results.perClass().stream()
                .sorted(Comparator.comparingDouble((Results.ClassAccuracy ofClass) ->
                                worst(ofClass, epsilon).value())
                        .thenComparingDouble(ofClass -> ofClass.clean().value()))
                .limit(DotPlot.MOST_ROWS)
                .toList();
        boolean attacked = !results.attacks().isEmpty();
        DotPlot.Builder chart = DotPlot.builder(
                        run.id() + "-classes-accuracy", "Accuracy of each class, lowest first")
                .setX("accuracy, %")
                .optRange(0, 100)
                .addSeries("clean");
        if (attacked) {
            chart.addSeries("attacked");
        }
        for (Results.ClassAccuracy ofClass : shown) {
            double clean = 100 * ofClass.clean().value();
            String name = run.className(ofClass.label());
            if (attacked) {
                chart.addRow(name, clean, 100 * worst(ofClass, epsilon).value());
            } else {
                chart.addRow(name, clean);
            }
        }
        return chart.build();
    }

    private Table table() {
        List<String> columns = new ArrayList<>(List.of("class", "images", "clean"));
        run.attacks().forEach(columns::add);
        if (run.attacks().size() > 1) {
            columns.add("worst case");
        }
        Table table = new Table(run.id() + "-class-table", "Accuracy of each class", true, columns);
        int epsilons = results.threatModel().epsilons().size();
        for (Results.ClassAccuracy ofClass : results.perClass()) {
            List<Cell> cells = new ArrayList<>();
            cells.add(Cell.of(run.className(ofClass.label())));
            cells.add(Cell.of(ofClass.clean().total()));
            cells.add(Cell.of(ofClass.clean()));
            for (int attack = 0; attack < run.attacks().size(); attack++) {
                cells.add(Cell.of(
                        ofClass.robust().get(attack * epsilons + epsilon).accuracy()));
            }
            if (run.attacks().size() > 1) {
                cells.add(Cell.of(worst(ofClass, epsilon)));
            }
            table.rows().add(cells);
        }
        return table;
    }

    private Figure matrix(String name, String title, ToIntFunction<Verdict> prediction) {
        int classes = Math.max(
                run.classes().size(),
                1
                        + run.verdicts().all().stream()
                                .mapToInt(verdict ->
                                        Math.max(verdict.label(), prediction.applyAsInt(verdict)))
                                .max()
                                .orElse(0));
        long[][] counts = new long[classes][classes];
        run.verdicts()
                .all()
                .forEach(verdict -> counts[verdict.label()][prediction.applyAsInt(verdict)]++);
        List<String> names = new ArrayList<>();
        for (int label = 0; label < classes; label++) {
            names.add(run.className(label));
        }
        return ConfusionMatrix.of(run.id() + "-" + name, title, names, counts);
    }

    private record Confusion(int label, int prediction) {}

    private Table confusions() {
        Map<Confusion, Long> counts = new HashMap<>();
        for (Verdict verdict : run.verdicts().all()) {
            int prediction = verdict.worstPrediction(epsilon);
            if (prediction != verdict.label()) {
                counts.merge(new Confusion(verdict.label(), prediction), 1L, Long::sum);
            }
        }
        Table table = new Table(
                run.id() + "-confusions",
                results.attacks().isEmpty()
                        ? "Most frequent errors"
                        : "Most frequent errors, attacked",
                true,
                List.of("class", "taken for", "images"));
        counts.entrySet().stream()
                .sorted(Map.Entry.<Confusion, Long>comparingByValue()
                        .reversed()
                        .thenComparing(entry -> entry.getKey().label())
                        .thenComparing(entry -> entry.getKey().prediction()))
                .limit(CONFUSIONS)
                .forEach(entry -> table.rows()
                        .add(List.of(
                                Cell.of(run.className(entry.getKey().label())),
                                Cell.of(run.className(entry.getKey().prediction())),
                                Cell.of(entry.getValue()))));
        return table;
    }
}
