package io.github.remoe.benchmark;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.dataset.Batch;

import io.github.remoe.ReMoE;
import io.github.remoe.benchmark.OperationTrace.Operation;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/**
 * Where the time of a step goes, by operation of PyTorch, as a Markdown table.
 *
 * <p>Each round does the work twice, as it is and under PyTorch's profiler; the table is of the
 * profiled one that took the median time. The profiler notes every operation that PyTorch's
 * dispatcher calls, and so makes each a little slower: how much is told. Time within an operation is
 * time in native code. What is left of the wall time is Java, JNI and the profiler's own work between
 * operations.
 */
@Command(name = "StepProfile", mixinStandardHelpOptions = true, showDefaultValues = true)
public final class StepProfile implements Callable<Integer> {

    @Option(names = "--work", defaultValue = "sat-step", description = "${COMPLETION-CANDIDATES}.")
    private Work work;

    @Option(names = "--preset", defaultValue = "deit_tiny_patch4_32", description = "The network.")
    private String preset;

    @Option(names = "--remoe", description = "With ReMoE blocks and both region losses.")
    private boolean remoe;

    @Option(names = "--batch", defaultValue = "128", description = "Images.")
    private int batchSize;

    @Option(names = "--attack-steps", defaultValue = "10", description = "PGD steps of sat-step.")
    private int attackSteps;

    @Option(
            names = "--rounds",
            defaultValue = "3",
            description = "Measurements, after one that warms up.")
    private int rounds;

    @Option(
            names = "--top",
            defaultValue = "25",
            description = "Operations to show, the longest first.")
    private int top;

    /** One run under the profiler. */
    private record Profiled(double seconds, OperationTrace trace) {}

    /**
     * Runs the benchmark.
     *
     * @param args see {@code --help}
     */
    public static void main(String[] args) {
        int code = new CommandLine(new StepProfile()).execute(args);
        if (code != 0) {
            System.exit(code);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Integer call() throws Exception {
        VisionTransformer vit = Presets.builder(preset).optNumClasses(10).build();
        if (remoe) {
            ReMoE.builder().build().insertInto(vit);
        }
        List<Double> plain = new ArrayList<>();
        List<Profiled> profiles = new ArrayList<>();
        try (MeasuredNetwork network = new MeasuredNetwork(vit, attackSteps)) {
            seconds(network);
            for (int round = 1; round <= rounds; round++) {
                System.err.printf("round %d of %d%n", round, rounds);
                plain.add(seconds(network));
                profiles.add(profile(network));
            }
        }
        profiles.sort(Comparator.comparingDouble(Profiled::seconds));
        print(Times.median(plain), profiles.get(rounds / 2));
        return 0;
    }

    /** How long the work takes on images that are there. */
    private double seconds(MeasuredNetwork network) throws Exception {
        try (Batch batch = network.batch(batchSize)) {
            return Times.seconds(() -> network.run(work, batch));
        }
    }

    private Profiled profile(MeasuredNetwork network) throws Exception {
        Path file = Files.createTempFile("trace", ".json");
        try (Batch batch = network.batch(batchSize)) {
            // Neither GPU, shapes nor memory: only operations and times.
            JniUtils.startProfile(false, false, false);
            double seconds;
            try {
                seconds = Times.seconds(() -> network.run(work, batch));
            } finally {
                JniUtils.stopProfile(file.toString());
            }
            try (Reader json = Files.newBufferedReader(file)) {
                return new Profiled(seconds, OperationTrace.read(json));
            }
        } finally {
            Files.delete(file);
        }
    }

    private void print(double plainSeconds, Profiled profile) {
        double wall = profile.seconds();
        OperationTrace trace = profile.trace();
        System.out.printf(
                Locale.ROOT,
                "%s of %s%s, batch %d, threads: %d, PyTorch %s, median of %d rounds:%n%n",
                work,
                preset,
                remoe ? " with ReMoE" : "",
                batchSize,
                JniUtils.getNumThreads(),
                Engine.getInstance().getVersion(),
                rounds);
        System.out.printf(Locale.ROOT, "| | seconds | |%n|---|---|---|%n");
        System.out.printf(Locale.ROOT, "| wall time, not profiled | %.3f | |%n", plainSeconds);
        System.out.printf(
                Locale.ROOT,
                "| wall time, profiled | %.3f | %+.1f %% of that not profiled |%n",
                wall,
                100 * (wall / plainSeconds - 1));
        System.out.printf(
                Locale.ROOT,
                "| in native operations | %.3f | **%.1f %%** of the profiled wall time |%n%n",
                trace.seconds(),
                100 * trace.seconds() / wall);
        System.out.printf(
                "| operation | calls | milliseconds | of the wall time |%n|---|---|---|---|%n");
        List<Operation> operations = trace.operations();
        int shown = Math.min(top, operations.size());
        for (Operation operation : operations.subList(0, shown)) {
            row("`" + operation.name() + "`", operation.calls(), operation.selfSeconds(), wall);
        }
        List<Operation> others = operations.subList(shown, operations.size());
        row(
                others.size() + " others",
                others.stream().mapToInt(Operation::calls).sum(),
                others.stream().mapToDouble(Operation::selfSeconds).sum(),
                wall);
        row("outside of operations", 0, wall - trace.seconds(), wall);
    }

    private static void row(String name, int calls, double seconds, double wall) {
        System.out.printf(
                Locale.ROOT,
                "| %s | %s | %.1f | %.1f %% |%n",
                name,
                calls == 0 ? "" : calls,
                1000 * seconds,
                100 * seconds / wall);
    }
}
