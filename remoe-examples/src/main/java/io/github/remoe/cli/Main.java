package io.github.remoe.cli;

import io.github.remoe.experiment.Grid;
import io.github.remoe.run.RunConfig;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

import java.nio.file.FileSystemException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** The program {@code remoe}: without arguments the quickstart, else one of its commands. */
@Command(
        name = "remoe",
        description = "Adversarially robust vision transformers on the JVM. Without a command: the"
                + " quickstart, which trains two small networks in a few minutes.",
        mixinStandardHelpOptions = true,
        version = "remoe 0.1.0-SNAPSHOT",
        subcommands = {
            InfoCommand.class,
            RecipesCommand.class,
            TrainCommand.class,
            PredictCommand.class,
            ExplainCommand.class,
            EvaluateCommand.class,
            MergeCommand.class,
            VerifyCommand.class,
            MaskingCommand.class,
            ReportCommand.class,
            AttackCommand.class,
            ExportCommand.class,
            ExperimentCommand.class,
            BenchCommand.class
        })
public final class Main implements Callable<Integer> {

    @Mixin
    private Quickstart quickstart;

    @Option(
            names = "--stacktrace",
            description = "Print the stack trace of an error.",
            scope = ScopeType.INHERIT)
    private boolean stacktrace;

    /**
     * Runs the program.
     *
     * @param args the command line
     */
    public static void main(String[] args) {
        // Natives come with the program; nothing is to be looked up elsewhere.
        System.setProperty("ai.djl.offline", "true");
        // Pictures are drawn to files; on a Mac, drawing would open an icon in the dock.
        System.setProperty("java.awt.headless", "true");
        int exitCode = commandLine().execute(args);
        if (exitCode != 0) {
            System.exit(exitCode);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Integer call() throws Exception {
        return quickstart.call();
    }

    static CommandLine commandLine() {
        Main main = new Main();
        CommandLine commandLine = new CommandLine(main);
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        SettingOptions.addTo(
                commandLine.getSubcommands().get("info").getCommandSpec(),
                RunConfig.Group.MODEL,
                RunConfig.Group.REMOE);
        SettingOptions.addTo(
                commandLine.getSubcommands().get("train").getCommandSpec(), SettingOptions.all());
        SettingOptions.addTo(
                commandLine.getSubcommands().get("experiment").getCommandSpec(),
                Grid.SET_BY_CELLS,
                SettingOptions.all());
        for (String name : List.of("train", "explain", "evaluate", "attack", "experiment")) {
            commandLine
                    .getSubcommands()
                    .get(name)
                    .getCommandSpec()
                    .usageMessage()
                    .footer(AttackName.help());
        }
        commandLine.setExecutionExceptionHandler((exception, command, parsed) -> {
            if (main.stacktrace) {
                exception.printStackTrace(command.getErr());
            } else {
                command.getErr().println("Error: " + message(exception));
            }
            return command.getCommandSpec().exitCodeOnExecutionException();
        });
        commandLine.setParameterExceptionHandler((exception, parsed) -> {
            CommandLine command = exception.getCommandLine();
            // Of some exceptions, picocli writes this word itself.
            command.getErr()
                    .println("Error: " + exception.getMessage().replaceFirst("^Error: ", ""));
            CommandLine.UnmatchedArgumentException.printSuggestions(exception, command.getErr());
            command.getErr()
                    .printf("See '%s --help'.%n", command.getCommandSpec().qualifiedName());
            return command.getCommandSpec().exitCodeOnInvalidInput();
        });
        return commandLine;
    }

    private static String message(Exception exception) {
        if (exception instanceof FileSystemException file && file.getReason() == null) {
            // Such an exception's message is a path alone; its kind is in the class name.
            String kind = file.getClass().getSimpleName().replace("Exception", "");
            return file.getMessage() + ": "
                    + kind.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
        }
        return exception.getMessage() == null ? exception.toString() : exception.getMessage();
    }
}
