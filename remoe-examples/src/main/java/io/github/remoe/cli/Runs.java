package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunFolder.Weights;
import io.github.remoe.run.ShellCommand;
import io.github.remoe.run.TrainingRun;
import io.github.remoe.vit.Presets;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Trains a run and evaluates it. */
final class Runs {

    private static final long SAVING_SECONDS = 120;

    private Runs() {}

    /**
     * Trains and evaluates.
     *
     * @param spec what prints
     * @param run the run, new or to be gone on with
     * @param folder its folder
     * @param device where to evaluate
     * @param options the evaluation's
     * @param testSamples how many test images, chosen by the run's seed; 0 means all
     * @return the results of the {@linkplain RunFolder#chosenWeights() weights that count}; empty if
     *     Ctrl-C ended the training, which can then be gone on with
     */
    static Optional<Results> train(
            CommandSpec spec,
            TrainingRun run,
            RunFolder folder,
            Device device,
            EvaluationOptions options,
            int testSamples)
            throws IOException, TranslateException {
        RunConfig config = run.getConfig();
        // What is wrong with the evaluation is to be found before the training, not after it.
        Evaluation evaluation = new Evaluation(
                Evaluation.testImages(
                        config.data(),
                        Presets.builder(config.model()).build().getImageSize(),
                        testSamples,
                        config.seed()),
                options,
                ThreatModel.linf(config.epsilon()),
                List.of(config.epsilon()),
                // Not the training attack's steps: how hard a test is must not depend on the
                // training.
                null,
                false,
                config.createModel(run.getClasses().size()),
                config.seed(),
                Evaluation.commandLine(spec));
        CountDownLatch saved = new CountDownLatch(1);
        Thread onInterrupt = new Thread(() -> stop(run, saved));
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        PrintWriter out = spec.commandLine().getOut();
        boolean ending;
        try {
            try (Progress progress = new Progress(
                            "train " + name(folder), run.getImages(), run.getImagesDone());
                    Model model = run.train(progress)) {
                if (run.isStopped()) {
                    progress.close();
                    out.printf(
                            "Stopped and saved. Go on with: %s%n",
                            resumeCommand(spec, folder.getPath()));
                    out.flush();
                    return Optional.empty();
                }
            }
        } finally {
            saved.countDown();
            // After an error too: nothing runs any more that the end of the program could stop.
            ending = !remove(onInterrupt);
        }
        if (ending) {
            // What is trained is saved.
            return Optional.empty();
        }
        Results first = null;
        for (Weights weights : Weights.values()) {
            if (folder.has(weights)) {
                Path results = first == null
                        ? folder.getPath()
                        : folder.getPath().resolve(weights.toString());
                Results evaluated = evaluate(evaluation, folder, weights, device, results);
                Evaluation.print(out, folder.getPath() + ", " + weights + " weights", evaluated);
                first = first == null ? evaluated : first;
            }
        }
        return Optional.ofNullable(first);
    }

    private static Results evaluate(
            Evaluation evaluation, RunFolder folder, Weights weights, Device device, Path results)
            throws IOException {
        try (TargetOptions.Loaded target = TargetOptions.Loaded.of(
                folder.loadModel(weights, device),
                folder.readConfig(),
                folder.readInfo().classes())) {
            return evaluation.run(target, results);
        }
    }

    /** The command that goes on, with the options that are not kept in the run folder. */
    static String resumeCommand(CommandSpec spec, Path run) {
        List<String> words = new ArrayList<>(List.of("train", "--resume", run.toString()));
        spec.commandLine().getParseResult().matchedOptions().stream()
                .filter(option ->
                        option.group() == null && !option.longestName().equals("--config"))
                .forEach(option -> {
                    words.add(option.longestName());
                    if (option.arity().max() > 0) {
                        words.add(String.join(",", option.stringValues()));
                    }
                });
        return ShellCommand.of(words);
    }

    /** Waits until the run has saved what it has: the process ends when its hooks do. */
    private static void stop(TrainingRun run, CountDownLatch saved) {
        System.err.printf("%nStopping after this step, to save the run.%n");
        run.stop();
        try {
            saved.await(SAVING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** False if the program is being ended already. */
    private static boolean remove(Thread onInterrupt) {
        try {
            return Runtime.getRuntime().removeShutdownHook(onInterrupt);
        } catch (IllegalStateException e) {
            return false;
        }
    }

    private static String name(RunFolder folder) {
        return folder.getPath().getFileName().toString();
    }
}
