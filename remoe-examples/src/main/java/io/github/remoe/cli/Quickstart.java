package io.github.remoe.cli;

import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunFolder;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * Trains the micro vision transformer adversarially on the built-in images, with ReMoE and both
 * region losses, then the same without, and compares them: two plain {@code train} commands and a
 * {@code report}.
 */
final class Quickstart implements Callable<Integer> {

    // A few minutes on two cores, so a weaker training attack and fewer images than the recipes.
    static final String TRAIN = "train --data synthetic --samples 2500 --augment none"
            + " --epochs 4 --warm-up-epochs 0 --milestones 3 --batch-size 32"
            + " --optimizer adamw --lr 1e-3 --weight-decay 0.01"
            + " --attack-steps 3 --step-size 4/255 --test-samples 200 --save-adversarial --device cpu";

    @Spec(Spec.Target.MIXEE)
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
    public Integer call() throws IOException {
        Path folder = free(out);
        Path remoe = folder.resolve("remoe");
        Path plain = folder.resolve("plain");
        int exitCode = train("--remoe", "--out", remoe.toString());
        if (exitCode == 0) {
            exitCode = train("--out", plain.toString());
        }
        if (exitCode == 0) {
            compare(new RunFolder(remoe).readResults(), new RunFolder(plain).readResults());
            exitCode = execute(
                    "report",
                    "--run",
                    remoe.toString(),
                    "--run",
                    plain.toString(),
                    "--out",
                    folder.toString(),
                    "--device",
                    "cpu");
        }
        return exitCode;
    }

    private int train(String... options) {
        List<String> arguments = new ArrayList<>(List.of(TRAIN.split(" ")));
        arguments.addAll(Arrays.asList(options));
        PrintWriter printer = spec.commandLine().getOut();
        printer.println(String.join(" ", arguments));
        printer.flush();
        return execute(arguments.toArray(new String[0]));
    }

    private int execute(String... arguments) {
        return Main.commandLine()
                .setOut(spec.commandLine().getOut())
                .setErr(spec.commandLine().getErr())
                .execute(arguments);
    }

    private static Path free(Path wanted) {
        Path folder = wanted;
        for (int number = 2; Files.exists(folder); number++) {
            folder = wanted.resolveSibling(wanted.getFileName() + "-" + number);
        }
        return folder;
    }

    private void compare(Results remoe, Results plain) {
        PrintWriter printer = spec.commandLine().getOut();
        printer.printf("%n%-10s %9s %9s%n", "accuracy", "ReMoE", "plain");
        print(printer, "clean", remoe.clean(), plain.clean());
        for (int i = 0; i < remoe.robust().size(); i++) {
            Results.RobustAccuracy robust = remoe.robust().get(i);
            print(
                    printer,
                    robust.attack(),
                    robust.accuracy(),
                    plain.robust().get(i).accuracy());
        }
        printer.flush();
    }

    private static void print(PrintWriter printer, String name, Accuracy remoe, Accuracy plain) {
        printer.printf("%-10s %7.1f %% %7.1f %%%n", name, 100 * remoe.value(), 100 * plain.value());
    }
}
