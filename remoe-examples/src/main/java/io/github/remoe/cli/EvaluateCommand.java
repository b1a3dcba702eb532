package io.github.remoe.cli;

import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.Results;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Measures the robust accuracy of a model. */
@Command(
        name = "evaluate",
        description = {
            "Measures the clean and robust accuracy of a model under several attacks and epsilons.",
            "A test image counts as robust if it is classified rightly both as it is and attacked."
                    + " Each attack is measured on its own, and the worst case over all of them."
                    + " Interrupt it as you like: the same command goes on where it stopped."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class EvaluateCommand implements Callable<Integer> {

    private static final Pattern SHARD = Pattern.compile("(\\d{1,6})/(\\d{1,6})");

    @Spec
    private CommandSpec spec;

    @Mixin
    private TargetOptions targetOptions;

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

    @Option(
            names = "--shard",
            paramLabel = "I/N",
            description = "Evaluate the I-th of N parts of these images, counted from 1; 'merge'"
                    + " puts the parts together.")
    private String shard;

    @Mixin
    private EvaluationOptions evaluationOptions;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of all random choices. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private ThreatOptions threatOptions;

    @Option(
            names = "--worst-case",
            description = "Do not attack an image again that an attack before has broken: faster,"
                    + " but each figure is then the accuracy under this attack and those before.")
    private boolean worstCase;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where results.json and verdicts.csv go. Default: the run folder.")
    private Path out;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        if (shard != null && out == null) {
            throw new ParameterException(
                    spec.commandLine(), "Each --shard needs an --out of its own.");
        }
        Path folder = out != null ? out : targetOptions.run();
        if (folder == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "There is no run folder, so say with --out where to write.");
        }
        try (TargetOptions.Loaded model = targetOptions.load(deviceOption.device())) {
            PixelDataset images = images(model);
            Evaluation evaluation = new Evaluation(
                    images,
                    evaluationOptions,
                    threatOptions.threatModel(),
                    threatOptions.epsilons(),
                    threatOptions.stepSize,
                    worstCase,
                    model.network(),
                    seed,
                    Evaluation.commandLine(spec));
            Results results = evaluation.run(model.with(images.getClasses()), folder);
            Evaluation.print(spec.commandLine().getOut(), folder.toString(), results);
        }
        return 0;
    }

    private PixelDataset images(TargetOptions.Loaded model) throws IOException {
        String name = data != null ? data : model.data();
        if (name == null) {
            throw new ParameterException(
                    spec.commandLine(), "There is no run folder, so name the data with --data.");
        }
        PixelDataset chosen = Evaluation.testImages(name, model.imageSize(), samples, seed);
        if (shard == null) {
            return chosen;
        }
        Matcher matcher = SHARD.matcher(shard);
        if (!matcher.matches()) {
            throw new ParameterException(
                    spec.commandLine(), "--shard takes I/N, such as 1/4; got '" + shard + "'.");
        }
        return Datasets.shard(
                chosen, Integer.parseInt(matcher.group(1)) - 1, Integer.parseInt(matcher.group(2)));
    }
}
