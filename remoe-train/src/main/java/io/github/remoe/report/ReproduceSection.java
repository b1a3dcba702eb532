package io.github.remoe.report;

import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.evaluate.Results;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;
import io.github.remoe.run.ShellCommand;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Settings, versions, and the commands that make all this again. */
final class ReproduceSection {

    private ReproduceSection() {}

    /** The section of a run. */
    static Section of(ReportedRun run) {
        Section section = new Section(run.id() + "-settings", 3, "Settings");
        addCommands(section, run);
        if (run.config() != null) {
            section.folded(Table.of(
                    run.id() + "-config",
                    "All settings of the training (config.yaml)",
                    "setting",
                    "value",
                    run.config().toMap()));
        }
        section.folded(Table.of(
                run.id() + "-versions", "Versions and checksums", "of", "is", versions(run)));
        return section;
    }

    private static Map<String, String> versions(ReportedRun run) {
        Map<String, String> versions = new LinkedHashMap<>();
        if (run.info() != null) {
            run.info()
                    .versions()
                    .forEach((name, version) -> versions.put(name + ", training", version));
            versions.put("device, training", run.info().device());
            versions.put("data, training", run.info().dataChecksum());
        }
        Results results = run.results();
        if (results != null) {
            versions.put("model", results.model().checksum());
            versions.put("data, evaluation", results.dataset().checksum());
            if (results.environment() != null) {
                versions.put("DJL, evaluation", results.environment().djl());
                versions.put(
                        "engine, evaluation",
                        results.environment().engine()
                                + " "
                                + results.environment().engineVersion());
                versions.put("device, evaluation", results.environment().device());
            }
            results.attacks()
                    .forEach(attack -> versions.put(
                            "attack " + attack.name(), String.join("\n", attack.settings())));
        }
        if (run.masking() != null && run.masking().model() != null) {
            versions.put("model, gradient masking", run.masking().model());
            versions.put("data, gradient masking", run.masking().datasetChecksum());
        }
        return versions;
    }

    /** The commands on record; the others as far as their options follow from what they made. */
    private static void addCommands(Section section, ReportedRun run) {
        List<String> recorded = new ArrayList<>();
        List<String> rebuilt = new ArrayList<>();
        String folder = quote(run.path());
        if (run.results() != null) {
            add(run.results().command(), evaluate(run.results(), folder), recorded, rebuilt);
        }
        if (run.masking() != null) {
            add(run.masking().command(), masking(run.masking(), folder), recorded, rebuilt);
        }
        if (!recorded.isEmpty()) {
            section.text("Made by:").commands(recorded);
        }
        // Without a training there is no --run.
        if (run.config() != null) {
            if (!rebuilt.isEmpty()) {
                section.text(
                                "The commands that made these results are not on record. Those here are put"
                                        + " together from the results and may lack options, such as --data,"
                                        + " --weights, --step-size, --dense-gate and --save-adversarial:")
                        .commands(rebuilt);
            }
            section.text("A new run with the same settings, to be measured by naming its folder"
                            + " instead of "
                            + run.path()
                            + ":")
                    .commands(List.of("train --from " + folder + " --out NEW"));
        }
    }

    private static void add(
            String command, String instead, List<String> recorded, List<String> rebuilt) {
        if (command != null) {
            recorded.add(command);
        } else {
            rebuilt.add(instead);
        }
    }

    private static String masking(MaskingReport masking, String folder) {
        return String.format(
                "masking --run %s --norm %s --epsilon %s --samples %d",
                folder,
                masking.threatModel().norm(),
                masking.threatModel().epsilonText(),
                masking.clean().total());
    }

    private static String evaluate(Results results, String folder) {
        Results.Threat threat = results.threatModel();
        return String.format(
                "evaluate --run %s --attack %s --norm %s --epsilon %s --samples %d --seed %d%s",
                folder,
                results.attacks().stream()
                        .map(attack -> attack.name())
                        .collect(Collectors.joining(",")),
                threat.norm(),
                threat.epsilons().stream()
                        .map(epsilon -> threat.at(epsilon).epsilonText())
                        .collect(Collectors.joining(",")),
                results.dataset().images(),
                results.seed(),
                results.worstCaseOnly() ? " --worst-case" : "");
    }

    /** A path as a shell takes it. */
    static String quote(Path path) {
        return ShellCommand.of(List.of(path.toString()));
    }
}
