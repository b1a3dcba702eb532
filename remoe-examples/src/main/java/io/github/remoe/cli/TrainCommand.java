package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.translate.TranslateException;

import io.github.remoe.evaluate.Results;
import io.github.remoe.report.LiveReport;
import io.github.remoe.report.RunReport;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.TrainingRun;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Trains a network and evaluates it. */
@Command(
        name = "train",
        description =
                "Trains a network, adversarially by default, and leaves it in a run folder with its"
                        + " settings, log and results. Settings come from the defaults, a recipe or"
                        + " another run, then a YAML file, then the options below.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {

    // What shells report of a program that Ctrl-C ended.
    static final int EXIT_INTERRUPTED = 130;

    @Spec
    private CommandSpec spec;

    @ArgGroup(multiplicity = "1")
    private Place place;

    @ArgGroup
    private Start start;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "A YAML file of settings, by the options' names in camel case, such as"
                    + " 'attackSteps: 7'.")
    private Path configFile;

    @Mixin
    private DeviceOption deviceOption;

    @Option(
            names = "--test-samples",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Evaluate on N test images, chosen at random by --seed; 0 means all."
                    + " Default: ${DEFAULT-VALUE}.")
    private int testSamples;

    @Mixin
    private EvaluationOptions evaluationOptions;

    @Option(
            names = "--live",
            paramLabel = "PORT",
            arity = "0..1",
            fallbackValue = "0",
            description = "Show the page of the run while it grows, to browsers on this machine"
                    + " alone; without a port, on a free one.")
    private Integer livePort;

    /** Where the run is. */
    private static final class Place {

        @Option(
                names = "--out",
                paramLabel = "DIR",
                required = true,
                description = "The folder of a new run.")
        private Path out;

        @Option(
                names = "--resume",
                paramLabel = "DIR",
                required = true,
                description =
                        "Go on with a run that was interrupted, exactly as if it had not been.")
        private Path resume;
    }

    /** Where settings start from. */
    private static final class Start {

        @Option(
                names = "--recipe",
                paramLabel = "NAME",
                required = true,
                description = "Start from a recipe; 'recipes' lists them.")
        private String recipe;

        @Option(
                names = "--from",
                paramLabel = "RUN",
                required = true,
                description = "Start from the settings of another run: repeats it, with another"
                        + " --seed, for example.")
        private Path from;
    }

    @Override
    public Integer call() throws IOException, TranslateException {
        RunFolder folder = new RunFolder(place.out == null ? place.resume : place.out);
        // Before anything is made: the port may be taken.
        try (LiveReport live =
                livePort == null ? null : LiveReport.start(livePort, () -> page(folder))) {
            Device[] devices = deviceOption.devices();
            TrainingRun run = place.resume == null
                    ? new TrainingRun(config(), folder, devices)
                    : resume(folder, devices);
            if (live != null) {
                PrintWriter out = spec.commandLine().getOut();
                out.println("Live: " + live.getAddress());
                out.flush();
            }
            Optional<Results> results =
                    Runs.train(spec, run, folder, devices[0], evaluationOptions, testSamples);
            return results.isPresent() ? 0 : EXIT_INTERRUPTED;
        }
    }

    private static String page(RunFolder folder) throws IOException {
        if (!folder.exists()) {
            throw new IOException("The training begins.");
        }
        return RunReport.builder()
                .addRun(folder.getPath())
                .optLive(true)
                .build()
                .toHtml();
    }

    private TrainingRun resume(RunFolder folder, Device... devices) throws IOException {
        if (start != null || configFile != null || !SettingOptions.given(spec).isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--resume goes on with the run's own settings: leave out the others, or start a"
                            + " new run with --from.");
        }
        return TrainingRun.resume(folder, devices);
    }

    private RunConfig config() throws IOException {
        RunConfig config = RunConfig.defaults();
        if (start != null) {
            config = start.recipe == null
                    ? new RunFolder(start.from).readConfig()
                    : RunConfig.recipe(start.recipe);
        }
        if (configFile != null) {
            config = config.with(configFile);
        }
        return config.with(SettingOptions.given(spec));
    }
}
