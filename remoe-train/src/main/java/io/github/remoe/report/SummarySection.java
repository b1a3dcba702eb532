package io.github.remoe.report;

import io.github.remoe.evaluate.Results;
import io.github.remoe.report.Page.Section;

import java.util.List;
import java.util.Locale;

/** All runs beside each other, and beside the paper. */
final class SummarySection {

    private SummarySection() {}

    /** The section of all runs. */
    static Section of(List<ReportedRun> runs) {
        Section section = new Section("summary", 2, "Summary");
        runs.forEach(run -> section.text(sentence(run)));
        section.table(RunFacts.of(runs));
        List<ReportedRun> evaluated =
                runs.stream().filter(run -> run.results() != null).toList();
        if (evaluated.isEmpty()) {
            return section.missing("No run is evaluated so far, so there are no accuracies. 'train'"
                    + " evaluates at its end, and 'evaluate --run DIR' does at any time.");
        }
        new Comparison(evaluated).addTo(section);
        evaluated.forEach(run -> run.results()
                .warnings()
                .forEach(warning -> section.missing(run.name() + ": " + warning)));
        return section;
    }

    private static String sentence(ReportedRun run) {
        if (run.results() == null) {
            return run.name() + ": " + run.why(ReportedRun.RESULTS, "not evaluated so far.");
        }
        Results results = run.results();
        int epsilon = run.mainEpsilon();
        String clean = String.format(
                Locale.ROOT,
                "%s: of %,d test images %s are correctly classified",
                run.name(),
                results.clean().total(),
                Page.percent(results.clean().value()));
        if (run.attacks().isEmpty()) {
            return clean + ".";
        }
        return String.format(
                Locale.ROOT,
                "%s, and %s still when attacked with %s, %s, ε = %s.",
                clean,
                Page.percent(results.worstCase().get(epsilon).accuracy().value()),
                String.join(", ", run.attacks()),
                results.threatModel().norm(),
                run.epsilon(epsilon));
    }
}
