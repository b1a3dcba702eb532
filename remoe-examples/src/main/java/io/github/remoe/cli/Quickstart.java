package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;

import io.github.remoe.ReMoE;
import io.github.remoe.data.Datasets;
import io.github.remoe.evaluate.RobustAccuracy;
import io.github.remoe.report.Results;
import io.github.remoe.train.RunConfig;
import io.github.remoe.train.RunConfig.OptimizerType;
import io.github.remoe.train.RunConfig.SchemeType;
import io.github.remoe.train.RunFolder;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

/**
 * Trains the micro vision transformer adversarially on the built-in images, with ReMoE and both
 * region losses, then the same without, and compares them.
 */
class Quickstart implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = "runs/quickstart",
            description =
                    "Where the quickstart leaves its two runs; if it exists, a number is added."
                            + " Default: ${DEFAULT-VALUE}.")
    private Path out;

    @Override
    public Integer call() throws IOException, TranslateException {
        Path folder = free(out);
        Optional<Results> remoe = train(folder.resolve("remoe"), ReMoE.builder().build());
        if (remoe.isEmpty()) {
            return TrainCommand.EXIT_INTERRUPTED;
        }
        Optional<Results> plain = train(folder.resolve("plain"), null);
        if (plain.isEmpty()) {
            return TrainCommand.EXIT_INTERRUPTED;
        }
        print(remoe.get(), plain.get());
        return 0;
    }

    private Optional<Results> train(Path folder, ReMoE remoe)
            throws IOException, TranslateException {
        List<String> classes = Datasets.builder(Datasets.SYNTHETIC, Dataset.Usage.TRAIN, 32)
                .setSampling(1, false)
                .build()
                .getClasses();
        RunConfig config = new RunConfig(
                "vit_micro_patch4_32",
                classes,
                remoe,
                Datasets.SYNTHETIC,
                0,
                false,
                SchemeType.SAT,
                remoe != null,
                0.5f,
                1,
                8 / 255f,
                4 / 255f,
                3,
                1,
                0,
                32,
                OptimizerType.ADAMW,
                1e-3f,
                0.9f,
                1e-4f,
                1,
                List.of(),
                0);
        EvaluationOptions options = new EvaluationOptions();
        options.attacks = List.of("fgsm", "pgd-20");
        options.epsilon = config.epsilon();
        options.stepSize = 2 / 255f;
        options.samples = 200;
        options.batchSize = 100;
        return Runs.train(spec, config, new RunFolder(folder), Device.cpu(), options);
    }

    private static Path free(Path wanted) {
        Path folder = wanted;
        for (int number = 2; Files.exists(folder); number++) {
            folder = wanted.resolveSibling(wanted.getFileName() + "-" + number);
        }
        return folder;
    }

    private void print(Results remoe, Results plain) {
        PrintWriter out = spec.commandLine().getOut();
        out.printf("%n%-12s %10s %10s%n", "accuracy", "ReMoE", "plain");
        for (int i = 0; i < remoe.accuracies().size(); i++) {
            RobustAccuracy accuracy = remoe.accuracies().get(i);
            out.printf(
                    "%-12s %8.1f %% %8.1f %%%n",
                    accuracy.attack(),
                    100 * accuracy.accuracy(),
                    100 * plain.accuracies().get(i).accuracy());
        }
        out.flush();
    }
}
