package io.github.remoe.experiment;

import ai.djl.Device;
import ai.djl.engine.Engine;

import io.github.remoe.attack.Norm;
import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdict;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;

import java.io.IOException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Runs that nobody has trained. */
final class TinyResults {

    private static final int IMAGES = 10;

    private TinyResults() {}

    /** Leaves a run that has begun. */
    static void begin(Cell cell) throws IOException {
        RunInfo info = new RunInfo(List.of("cat", "dog"), "tiny", "0", 8, "cpu()", Map.of());
        new RunFolder(cell.path()).create(cell.config(), info);
    }

    /** Leaves a run that is done: so many of ten images are right, and under each attack. */
    static void finish(Cell cell, int clean, int robust, String... attacks) throws IOException {
        begin(cell);
        EvaluationSettings settings = new EvaluationSettings(
                "0123",
                "tiny",
                "4567",
                Norm.LINF,
                0,
                1,
                List.of(cell.config().epsilon()),
                List.of(attacks).stream()
                        .map(attack -> new NamedAttack(attack, List.of("settings of " + attack)))
                        .toList(),
                false,
                0);
        List<Verdict> verdicts = IntStream.range(0, IMAGES)
                .mapToObj(image -> new Verdict(
                        image,
                        0,
                        image < clean ? 0 : 1,
                        Collections.nCopies(attacks.length, List.of(image < robust ? 0 : 1))))
                .toList();
        Results results = Results.builder(new Verdicts(settings, verdicts))
                .optModel(cell.config().model(), cell.config().remoe(), 5_630_332, 369_346_944L, 2)
                .optClasses(List.of("cat", "dog"))
                .optEnvironment(Engine.getInstance(), Device.cpu())
                .optWarnings(List.of("be careful"))
                .build();
        new RunFolder(cell.path()).writeResults(results);
    }
}
