package io.github.remoe.cli;

import ai.djl.Model;
import ai.djl.translate.TranslateException;

import io.github.remoe.train.RunConfig;
import io.github.remoe.train.RunFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** Evaluates a trained network. */
@Command(
        name = "evaluate",
        description = "Measures the clean and robust accuracy of a run's model.",
        mixinStandardHelpOptions = true)
final class EvaluateCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--run", paramLabel = "DIR", required = true, description = "The run folder.")
    private Path run;

    @Option(
            names = "--data",
            paramLabel = "PATH|synthetic",
            description = "The dataset whose test images are used. Default: the run's.")
    private String data;

    @Option(
            names = "--samples",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Evaluate on N test images, chosen at random by --seed; 0 means all."
                    + " Default: ${DEFAULT-VALUE}.")
    private int samples;

    @Mixin
    private EvaluationOptions evaluationOptions;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException, TranslateException {
        evaluationOptions.samples = samples;
        RunFolder folder = new RunFolder(run);
        RunConfig config = folder.readConfig();
        Runs.Evaluation evaluation = Runs.Evaluation.prepare(
                config, data == null ? config.data() : data, evaluationOptions);
        try (Model model = folder.loadModel(deviceOption.device())) {
            Runs.evaluate(spec, folder, model, config, evaluation);
        }
        return 0;
    }
}
