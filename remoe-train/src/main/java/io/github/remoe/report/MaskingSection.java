package io.github.remoe.report;

import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.evaluate.Results;
import io.github.remoe.figure.Figure;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.List;
import java.util.Locale;

/** Whether the robustness may come from gradients that lead attacks nowhere. */
final class MaskingSection {

    private MaskingSection() {}

    /** The section of a run. */
    static Section of(ReportedRun run) {
        Section section = new Section(run.id() + "-masking", 3, "Gradient masking");
        MaskingReport masking = run.masking();
        if (masking == null) {
            return section.missing(run.why(
                    ReportedRun.MASKING,
                    "Not checked. Do so with: masking --run "
                            + ReproduceSection.quote(run.path())
                            + "."));
        }
        section.text(masking.verdict());
        if (run.results() != null) {
            warnOfOthers(section, run);
        }
        Table table = new Table(
                run.id() + "-checks", "The checks", false, List.of("check", "outcome", "finding"));
        for (MaskingReport.Check check : masking.checks()) {
            table.rows()
                    .add(List.of(
                            Cell.of(check.name()),
                            Cell.of(check.outcome().name().toLowerCase(Locale.ROOT)),
                            Cell.of(check.finding())));
        }
        masking.notChecked()
                .forEach(reason -> table.rows()
                        .add(List.of(Cell.of(reason), Cell.of("not made"), Cell.NOTHING)));
        section.table(table);
        return section.figures(MaskingCharts.of(masking).stream()
                .map(figure -> new Figure(
                        run.id() + "-" + figure.name(),
                        figure.title(),
                        figure.description(),
                        figure.svg()))
                .toList());
    }

    /** Says if the check is not about what the accuracies above are about. */
    private static void warnOfOthers(Section section, ReportedRun run) {
        MaskingReport masking = run.masking();
        Results results = run.results();
        String again = "masking --run " + ReproduceSection.quote(run.path());
        if (masking.model() != null && !masking.model().equals(results.model().checksum())) {
            section.missing("This check is about another model than the accuracies above: other"
                    + " weights, or gradients taken in another way (see versions and checksums)."
                    + " Check the model that was evaluated with: " + again + ".");
        }
        if (masking.datasetChecksum() != null
                && !masking.datasetChecksum().equals(results.dataset().checksum())) {
            section.missing("This check was made on other data than the accuracies above. Check on"
                    + " the data of the evaluation with: " + again + " --data PATH.");
        }
    }
}
