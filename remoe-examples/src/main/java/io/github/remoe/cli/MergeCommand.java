package io.github.remoe.cli;

import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;

/** Puts the parts of an evaluation together. */
@Command(
        name = "merge",
        description =
                "Puts together what several machines found with 'evaluate --shard', exactly as"
                        + " if one had done it all; warnings keep the name of their part. Parts of"
                        + " different models, data or settings are refused.",
        mixinStandardHelpOptions = true)
final class MergeCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "1..*",
            paramLabel = "DIR",
            description = "The folders of the parts, each with results.json and verdicts.csv.")
    private List<Path> parts;

    @Option(
            names = "--out",
            required = true,
            paramLabel = "DIR",
            description = "Where the whole goes.")
    private Path out;

    @Override
    public Integer call() throws IOException {
        Verdicts all = null;
        double seconds = 0;
        Set<String> warnings = new LinkedHashSet<>();
        for (Path part : parts) {
            Verdicts verdicts = Verdicts.load(part.resolve(Evaluation.VERDICTS));
            all = all == null ? verdicts : all.merge(verdicts);
            Results results = new RunFolder(part).readResults();
            seconds += results.timing().seconds();
            results.warnings()
                    .forEach(warning -> warnings.add(part.getFileName() + ": " + warning));
        }
        Results first = new RunFolder(parts.get(0)).readResults();
        Results results = Evaluation.tellAutoAttack(first.ofWhole(all), all)
                .optWarnings(List.copyOf(warnings))
                .optCommand(Evaluation.commandLine(spec))
                .optSeconds(seconds)
                .build();
        Files.createDirectories(out);
        all.save(out.resolve(Evaluation.VERDICTS));
        new RunFolder(out).writeResults(results);
        Evaluation.print(spec.commandLine().getOut(), out.toString(), results);
        return 0;
    }
}
