package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.dataset.SequenceSampler;
import ai.djl.translate.TranslateException;

import io.github.remoe.ModelSummary;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.RobustEvaluator;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.report.Results;
import io.github.remoe.train.RunConfig;
import io.github.remoe.train.RunFolder;
import io.github.remoe.train.TrainingRun;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.ParameterChecksum;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What several commands do with a run: train it, evaluate it, print its results. */
final class Runs {

    private static final long SAVING_SECONDS = 120;

    private Runs() {}

    /** Trains and evaluates; empty if Ctrl-C ended the training, which leaves the model saved. */
    static Optional<Results> train(
            CommandSpec spec,
            RunConfig config,
            RunFolder folder,
            Device device,
            EvaluationOptions options)
            throws IOException, TranslateException {
        TrainingRun run = new TrainingRun(config, folder, device);
        // What is wrong with the evaluation is to be found before the training, not after it.
        Evaluation evaluation = Evaluation.prepare(config, config.data(), options);
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
        try (model) {
            return Optional.of(evaluate(spec, folder, model, config, evaluation));
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

    /** Evaluates, writes the results into the run folder and prints them. */
    static Results evaluate(
            CommandSpec spec,
            RunFolder folder,
            Model model,
            RunConfig config,
            Evaluation evaluation)
            throws IOException, TranslateException {
        VisionTransformer vit = (VisionTransformer) model.getBlock();
        EvaluationOptions options = evaluation.options();
        PixelDataset test = evaluation.test();
        long start = System.nanoTime();
        Verdicts verdicts;
        try (TargetModel target = new TargetModel(vit, model.getNDManager());
                Progress progress = new Progress("evaluate " + name(folder), test.size())) {
            RobustEvaluator.Builder evaluator = RobustEvaluator.builder(
                            target, ThreatModel.linf(options.epsilon))
                    .optModelId(ParameterChecksum.of(vit))
                    .optSeed(options.seed)
                    .optListener(progress);
            evaluation.attacks().forEach((name, attack) -> evaluator.addAttack(name, t -> attack));
            verdicts = evaluator
                    .build()
                    .evaluate(evaluation.data(), test, model.getNDManager(), options.batchSize);
        }
        verdicts.save(folder.getPath().resolve("verdicts.csv"));
        ModelSummary summary = ModelSummary.of(vit);
        Results results = Results.builder(verdicts)
                .optModel(
                        config.model(),
                        config.remoe() != null,
                        summary.parameters(),
                        summary.macs(),
                        Integer.parseInt(model.getProperty("Epoch", "0")))
                .optClasses(test.getClasses())
                .optEnvironment(
                        model.getNDManager().getEngine(), model.getNDManager().getDevice())
                .optVerdicts("verdicts.csv")
                .optSeconds((System.nanoTime() - start) / 1e9)
                .build();
        folder.writeResults(results);
        print(spec, folder, results);
        return results;
    }

    /**
     * What an evaluation needs but the model.
     *
     * @param data what the user called the data
     * @param test the test images
     * @param attacks the attacks by name
     * @param options the options
     */
    record Evaluation(
            String data,
            PixelDataset test,
            Map<String, Attack> attacks,
            EvaluationOptions options) {

        static Evaluation prepare(RunConfig config, String data, EvaluationOptions options)
                throws IOException {
            if (options.batchSize < 1) {
                throw new IllegalArgumentException(
                        "--test-batch-size must be at least 1, got " + options.batchSize + ".");
            }
            int imageSize = Presets.builder(config.model()).build().getImageSize();
            PixelDataset.BaseBuilder<?> builder =
                    Datasets.builder(data, Dataset.Usage.TEST, imageSize);
            builder.setSampling(new BatchSampler(new SequenceSampler(), options.batchSize));
            PixelDataset all = builder.build();
            if (!all.getClasses().equals(config.classes())) {
                throw new IllegalArgumentException(String.format(
                        "The model knows the classes %s, the data has %s. Evaluate on data with"
                                + " the same classes.",
                        config.classes(), all.getClasses()));
            }
            return new Evaluation(
                    data,
                    Datasets.sample(all, options.samples, options.seed),
                    AttackName.create(
                            options.attacks, ThreatModel.linf(options.epsilon), options.stepSize),
                    options);
        }
    }

    private static void print(CommandSpec spec, RunFolder folder, Results results) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%n%s%n", folder.getPath());
        print(out, "clean", results.clean());
        for (Results.RobustAccuracy robust : results.robust()) {
            String attack = String.format("%s, %.3g/255", robust.attack(), 255 * robust.epsilon());
            print(out, attack, robust.accuracy());
        }
        out.flush();
    }

    private static void print(PrintWriter out, String name, Accuracy accuracy) {
        out.printf(
                "  %-20s %6.2f %%  (%d of %d, 95 %% interval %.2f to %.2f %%)%n",
                name,
                100 * accuracy.value(),
                accuracy.correct(),
                accuracy.total(),
                100 * accuracy.lower(),
                100 * accuracy.upper());
    }

    private static String name(RunFolder folder) {
        return folder.getPath().getFileName().toString();
    }
}
