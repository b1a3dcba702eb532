package io.github.remoe.cli;

import ai.djl.Device;

import io.github.remoe.bench.BenchFolder;
import io.github.remoe.bench.BenchListener;
import io.github.remoe.bench.BenchModel;
import io.github.remoe.bench.BenchPlan;
import io.github.remoe.bench.Peer;
import io.github.remoe.bench.Row;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** Measures this library side by side with PyTorch in Python. */
@Command(
        name = "bench",
        description = {
            "Measures how fast this library is, in turns with PyTorch in Python doing the same, each"
                    + " in processes of its own: bench.json with all times, bench.md with the table,"
                    + " and a chart for each model, as SVG and PNG.",
            "With all models and rows, two cores take hours. The rows of one small model take minutes"
                    + " to tens of minutes, so name what you need:%n"
                    + "  bench --models micro --rows inference-64,sat-step,startup --rounds 3",
            "Interrupt it as you like: the same command goes on with the rows that are missing."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class BenchCommand implements Callable<Integer> {

    private static final String NO_PEER = "none";
    private static final String ALL = "all";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--models",
            split = ",",
            paramLabel = "NAME",
            defaultValue = "micro,deit-t-32,deit-t-224",
            description = "Networks, each plain and with ReMoE blocks: the short names of the"
                    + " default, or any that 'info --model' takes. Default: ${DEFAULT-VALUE}.")
    private List<String> models;

    @Option(
            names = "--rows",
            split = ",",
            paramLabel = "ROW",
            defaultValue = ALL,
            completionCandidates = RowNames.class,
            description =
                    "Rows of the table: ${COMPLETION-CANDIDATES}; all leaves out AutoAttack on"
                            + " large images. Default: ${DEFAULT-VALUE}.")
    private List<String> rows;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            defaultValue = "5",
            description = "How often each side is measured, after a round that does not count."
                    + " Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads of PyTorch on both sides. Default: one for each core.")
    private Integer threads;

    @Option(
            names = "--peer",
            paramLabel = "PYTHON",
            defaultValue = "python3",
            description = "A Python with torch, timm, torchattacks, autoattack, torchvision and"
                    + " safetensors, or none. Default: ${DEFAULT-VALUE}.")
    private String peer;

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "CIFAR-10's binary version. Default: drawn images.")
    private Path data;

    @Option(
            names = "--weights",
            paramLabel = "FILE",
            description =
                    "The weights of the one model, as safetensors. With --data, labels are the"
                            + " data's and epsilon is 8/255; otherwise labels are what the model predicts, and"
                            + " epsilon is such that half of the images hold. Default: random weights.")
    private Path weights;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            defaultValue = "runs/bench",
            description = "Where the results go. Default: ${DEFAULT-VALUE}.")
    private Path out;

    @Option(names = "--force", description = "Measure again what is in the folder already.")
    private boolean force;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of random weights and images. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        PrintWriter printer = spec.commandLine().getOut();
        BenchPlan plan = new BenchPlan(
                models.stream().map(BenchModel::of).toList(),
                rows.equals(List.of(ALL))
                        ? List.of()
                        : rows.stream().map(Row::of).toList(),
                rounds,
                threads == null ? Runtime.getRuntime().availableProcessors() : threads,
                device(),
                weights == null ? null : weights.toAbsolutePath().normalize(),
                data == null ? null : BenchPlan.cifar(data),
                seed);
        Path scripts = out.resolve("peer");
        Peer other = peer.equals(NO_PEER) ? Peer.NONE : Peer.find(peer, scripts);
        if (!other.isThere() && !other.missing().isEmpty()) {
            printer.printf(
                    "Only our side is measured: %s. Install what the peer needs, for which git has"
                            + " to be there too: pip install -r %s%nOr name another Python with"
                            + " --peer.%n",
                    other.missing(), scripts.resolve(Peer.REQUIREMENTS));
            printer.flush();
        }
        String table;
        try (Shown shown = new Shown()) {
            table = new BenchFolder(out)
                    .measure(plan, other, force, "remoe " + Evaluation.commandLine(spec), shown);
        }
        printer.printf("%n%s%nThis table is in %s.%n", table, out.resolve("bench.md"));
        printer.flush();
        return 0;
    }

    /** As PyTorch calls it. */
    private String device() {
        Device device = deviceOption.device();
        return device.isGpu() ? "cuda:" + device.getDeviceId() : "cpu";
    }

    /** What --rows takes. */
    private static final class RowNames implements Iterable<String> {

        @Override
        public Iterator<String> iterator() {
            Stream<String> rows = Arrays.stream(Row.values()).map(Row::toString);
            return Stream.concat(Stream.of(ALL), rows).iterator();
        }
    }

    /** The bar appears when it is known how much there is to do. */
    private static final class Shown implements BenchListener, AutoCloseable {

        private Progress progress;

        @Override
        public void onStart(int runs) {
            progress = new Progress("bench", runs, 0, "runs");
        }

        @Override
        public void onRow(String row) {
            progress.show(row);
        }

        @Override
        public void onRun() {
            progress.step();
        }

        @Override
        public void close() {
            if (progress != null) {
                progress.close();
            }
        }
    }
}
