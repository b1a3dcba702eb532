package io.github.remoe.report;

import io.github.remoe.evaluate.Results;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

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
        section.commands(commands(run));
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
        return versions;
    }

    private static List<String> commands(ReportedRun run) {
        List<String> commands = new ArrayList<>();
        String folder = quote(run.path());
        if (run.config() != null) {
            commands.add("train --from " + folder + " --out NEW");
        }
        if (run.results() != null && run.config() != null) {
            commands.add(evaluate(run.results(), folder));
        }
        if (run.masking() != null && run.config() != null) {
            commands.add(String.format(
                    "masking --run %s --norm %s --epsilon %s --samples %d",
                    folder,
                    run.masking().threatModel().norm(),
                    run.masking().threatModel().epsilonText(),
                    run.masking().clean().total()));
        }
        return commands;
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
        String text = path.toString();
        return text.matches("[\\w./:@%+,=\\\\-]+") ? text : "'" + text.replace("'", "'\\''") + "'";
    }
}
