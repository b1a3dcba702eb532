package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.report.Results;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.TrainingRun;
import io.github.remoe.vit.Presets;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Trains a run and evaluates it. */
final class Runs {

    private static final long SAVING_SECONDS = 120;

    private Runs() {}

    /** Trains and evaluates; empty if Ctrl-C ended the training, which leaves the model saved. */
    static Optional<Results> train(
            CommandSpec spec,
            RunConfig config,
            RunFolder folder,
            Device device,
            EvaluationOptions options,
            int testSamples)
            throws IOException, TranslateException {
        TrainingRun run = new TrainingRun(config, folder, device);
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
                config.stepSize(),
                false,
                false,
                config.createModel(run.getClasses().size()),
                config.seed());
        CountDownLatch saved = new CountDownLatch(1);
        Thread onInterrupt = new Thread(() -> stop(run, saved));
        Runtime.getRuntime().addShutdownHook(onInterrupt);
        Model model;
        try {
            try (Progress progress = new Progress("train " + name(folder), run.getImages())) {
                model = run.train(progress);
            }
            if (run.isStopped()) {
                model.close();
                PrintWriter out = spec.commandLine().getOut();
                out.printf("Stopped; the model so far is in %s.%n", folder.getPath());
                out.flush();
                return Optional.empty();
            }
        } finally {
            saved.countDown();
        }
        Runtime.getRuntime().removeShutdownHook(onInterrupt);
        try (TargetOptions.Loaded target =
                TargetOptions.Loaded.of(model, config, run.getClasses())) {
            Results results = evaluation.run(target, folder.getPath());
            Evaluation.print(spec.commandLine().getOut(), folder.getPath().toString(), results);
            return Optional.of(results);
        }
    }

    /** Waits until the run has saved what it has: the process ends when its hooks do. */
    private static void stop(TrainingRun run, CountDownLatch saved) {
        run.stop();
        try {
            saved.await(SAVING_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String name(RunFolder folder) {
        return folder.getPath().getFileName().toString();
    }
}
