package io.github.remoe.cli;

import io.github.remoe.attack.ThreatModel;
import io.github.remoe.experiment.Cell;
import io.github.remoe.experiment.Experiment;
import io.github.remoe.experiment.Grid;
import io.github.remoe.experiment.ResultTable;
import io.github.remoe.experiment.Scale;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.ShellCommand;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;

/** Makes one of the paper's tables: trains and evaluates what it needs, and compares. */
@Command(
        name = "experiment",
        description = {
            "Trains and evaluates all that one of the paper's tables needs, with several seeds, and"
                    + " writes the table with our figures beside the paper's as NAME.md and NAME.csv.",
            "Each cell is a run as 'train' makes it, in DIR/CELL/seed-N; those that are done are not"
                    + " made again, also by another experiment in the same DIR. Interrupt it as you"
                    + " like: the same command goes on where it stopped. Given several times at once,"
                    + " each process takes the cells that no other is making."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class ExperimentCommand implements Callable<Integer> {

    private static final long WAIT_MILLIS = 2000;

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "NAME",
            description = {
                "main: SAT and TRADES, with and without ReMoE.",
                "backbones: ViT-S, DeiT-S, DeiT-T (not at the scale micro).",
                "experts: without each expert and each region loss.",
                "gates: uniform, MLP and AEA.",
                "layers: where the blocks are.",
                "regions: how many, how many on, how large the centre.",
                "sensitivity: lambda_1, lambda_2, lambda_align, beta, one at a time."
            })
    private Experiment experiment;

    @Option(
            names = "--scale",
            paramLabel = "micro|small|paper",
            defaultValue = "micro",
            description = "micro: a tiny network, minutes a cell on one core. small: DeiT-T,"
                    + " for a GPU. paper: the paper's networks and recipes, with"
                    + " AutoAttack on all test images. Default: ${DEFAULT-VALUE}.")
    private String scale;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            required = true,
            description = "The folder of all runs and tables.")
    private Path out;

    @Option(
            names = "--seeds",
            split = ",",
            paramLabel = "N",
            defaultValue = "0,1,2",
            description = "The seeds of each cell's runs. Default: ${DEFAULT-VALUE}.")
    private List<Long> seeds;

    @Option(
            names = "--start",
            paramLabel = "SETTING=VALUE",
            description = "A setting of the naturally trained network that all cells start from,"
                    + " such as epochs=3. --initial-run takes another network instead.")
    private Map<String, String> start = new LinkedHashMap<>();

    @Option(
            names = "--attack",
            split = ",",
            paramLabel = "NAME",
            description = "Attacks to evaluate under. Default: pgd-20,cw-20; autoattack too but at"
                    + " the scale micro.")
    private List<String> attacks;

    @Option(
            names = "--test-samples",
            paramLabel = "N",
            description =
                    "Evaluate each run on N test images, chosen at random by its seed; 0 means"
                            + " all. Default: 1000, at the scale paper all.")
    private Integer testSamples;

    @Option(
            names = "--test-batch-size",
            paramLabel = "N",
            defaultValue = "100",
            description = "Images evaluated at a time; changes no verdict. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int testBatchSize;

    @Option(names = "--table-only", description = "Run nothing: write the tables of what is done.")
    private boolean tableOnly;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        Scale size = Scale.of(scale);
        if (attacks == null) {
            attacks = size.attacks();
        }
        if (testSamples == null) {
            testSamples = size.testSamples();
        }
        Grid grid = Grid.of(experiment, size, seeds, overrides(), start, out);
        checkBeforeTheFirstCell(grid);
        PrintWriter printer = spec.commandLine().getOut();
        List<Cell> open = plan(grid, printer);
        int exitCode = tableOnly ? 0 : run(open, grid, printer);
        if (exitCode == 0) {
            printer.printf("%n%s%n", write(grid).tables());
            printer.printf("These tables are in %s and %s.%n", file(".md"), file(".csv"));
        }
        printer.flush();
        return exitCode;
    }

    /** The settings on the command line; a cell says itself whether it has ReMoE blocks. */
    private Map<String, Object> overrides() {
        Map<String, Object> given = new LinkedHashMap<>(SettingOptions.given(spec));
        if (!spec.commandLine().getParseResult().hasMatchedOption("--remoe")) {
            given.remove("remoe");
        }
        return given;
    }

    private void checkBeforeTheFirstCell(Grid grid) {
        for (Cell cell : grid.cells()) {
            RunConfig config = cell.config();
            VisionTransformer network = config.createModel(1);
            config.createScheme();
            for (String attack : attacks) {
                AttackName.create(attack, ThreatModel.linf(config.epsilon()), null, network);
            }
        }
    }

    /** Shows how far each cell has come, and returns those that are not done. */
    private List<Cell> plan(Grid grid, PrintWriter printer) throws IOException {
        List<Cell> open = new ArrayList<>();
        for (Cell cell : grid.cells()) {
            if (cell.state(attacks, testSamples) != Cell.State.DONE) {
                open.add(cell);
            }
        }
        printer.printf(
                "%s, scale %s: %d of %d runs to be made in %s%n",
                name(), scale, open.size(), grid.cells().size(), out);
        for (Grid.Line line : grid.rows()) {
            if (!line.cells().isEmpty()) {
                List<String> states = new ArrayList<>();
                for (Cell cell : line.cells()) {
                    states.add(String.format(
                            "seed %d %s",
                            cell.config().seed(), state(cell.state(attacks, testSamples))));
                }
                printer.printf("  %-20s %s%n", line.name(), String.join(", ", states));
            }
        }
        printer.flush();
        return open;
    }

    private static String state(Cell.State state) {
        return switch (state) {
            case NEW -> "new";
            case INTERRUPTED -> "to be resumed";
            case UNMEASURED -> "to be evaluated";
            case DONE -> "done";
        };
    }

    /** Makes the runs that no other process makes at the same time. */
    private int run(List<Cell> cells, Grid grid, PrintWriter printer) throws IOException {
        long begin = System.nanoTime();
        int made = 0;
        List<Cell> elsewhere = new ArrayList<>();
        for (int i = 0; i < cells.size(); i++) {
            Cell cell = cells.get(i);
            try (CellLock lock = lock(cell, printer).orElse(null)) {
                if (lock == null) {
                    elsewhere.add(cell);
                    continue;
                }
                if (cell.state(attacks, testSamples) == Cell.State.DONE) {
                    continue;
                }
                printer.printf(
                        "%nCell %d of %d: %s, seed %d%s%n",
                        i + 1,
                        cells.size(),
                        cell.name(),
                        cell.config().seed(),
                        made == 0
                                ? ""
                                : ", about "
                                        + left(System.nanoTime() - begin, made, cells.size() - i));
                int exitCode = run(cell, printer);
                if (exitCode != 0) {
                    printer.printf(
                            "%s is not done. The same command goes on from here.%n", cell.path());
                    printer.flush();
                    return exitCode;
                }
            }
            made++;
            write(grid);
        }
        for (Cell cell : elsewhere) {
            if (cell.state(attacks, testSamples) != Cell.State.DONE) {
                printer.printf(
                        "%s is left to another process, which completes the table.%n", cell.path());
            }
        }
        return 0;
    }

    /** A run's lock; that of the start is waited for, since the others need it. */
    private Optional<CellLock> lock(Cell cell, PrintWriter printer) throws IOException {
        Optional<CellLock> lock = CellLock.tryLock(out, cell.path());
        if (lock.isEmpty() && cell.isStart()) {
            printer.printf("Waiting for another process to make %s.%n", cell.path());
            printer.flush();
        }
        while (lock.isEmpty() && cell.isStart()) {
            try {
                Thread.sleep(WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return lock;
            }
            lock = CellLock.tryLock(out, cell.path());
        }
        return lock;
    }

    private static String left(long nanos, int done, int open) {
        Duration left = Duration.ofNanos(nanos / done * open);
        return left.toHours() > 0
                ? String.format("%d h %d min left", left.toHours(), left.toMinutesPart())
                : String.format("%d min left", left.toMinutes() + 1);
    }

    /** Makes a run, or the rest of it; every step is a command that can be given by hand too. */
    private int run(Cell cell, PrintWriter printer) throws IOException {
        return switch (cell.state(attacks, testSamples)) {
            case DONE -> 0;
            case NEW ->
                execute(
                        printer,
                        SettingOptions.arguments(cell.config()),
                        "train",
                        "--out=" + cell.path(),
                        "--attack=" + String.join(",", attacks),
                        "--test-samples=" + testSamples);
            case INTERRUPTED ->
                execute(
                        printer,
                        List.of(),
                        "train",
                        "--resume=" + cell.path(),
                        "--attack=" + String.join(",", attacks),
                        "--test-samples=" + testSamples);
            case UNMEASURED ->
                execute(
                        printer,
                        List.of(),
                        "evaluate",
                        "--run=" + cell.path(),
                        "--attack=" + String.join(",", cell.withMeasured(attacks)),
                        "--samples=" + testSamples,
                        "--epsilon=" + cell.config().epsilon(),
                        "--seed=" + cell.config().seed());
        };
    }

    private int execute(PrintWriter printer, List<String> settings, String... command) {
        List<String> arguments = new ArrayList<>(Arrays.asList(command));
        arguments.addAll(settings);
        arguments.add("--test-batch-size=" + testBatchSize);
        arguments.add("--device="
                + spec.commandLine().getParseResult().matchedOptionValue("--device", "auto"));
        printer.println(ShellCommand.of(arguments));
        printer.flush();
        return Main.commandLine()
                .setOut(printer)
                .setErr(spec.commandLine().getErr())
                .execute(arguments.toArray(new String[0]));
    }

    private ResultTable write(Grid grid) throws IOException {
        ResultTable table = ResultTable.of(grid);
        Files.createDirectories(out);
        write(file(".md"), table.toMarkdown(spec.root().version()[0], commandLine()));
        write(file(".csv"), table.toCsv());
        return table;
    }

    private static void write(Path file, String text) throws IOException {
        // Several processes may write the same table at once.
        Path beside = file.resolveSibling(
                "." + file.getFileName() + "-" + ProcessHandle.current().pid());
        Files.writeString(beside, text);
        Files.move(
                beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private String commandLine() {
        return "remoe " + Evaluation.commandLine(spec);
    }

    private Path file(String ending) {
        return out.resolve(name() + ending);
    }

    private String name() {
        return experiment.name().toLowerCase(Locale.ROOT);
    }
}
