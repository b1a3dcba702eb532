package io.github.remoe.benchmark;

import ai.djl.training.dataset.Batch;

import io.github.remoe.ProcessMemory;
import io.github.remoe.ReMoE;
import io.github.remoe.attack.Pgd;
import io.github.remoe.evaluate.RobustEvaluator;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/**
 * The memory of thousands of SAT steps with ReMoE blocks and both region losses, and of evaluation
 * batches among them, as a Markdown table. Ends with exit code 1 if the resident memory has grown
 * too much after the first fifth, in which Java compiles and pools fill. Needs Linux.
 */
@Command(name = "SteadyMemory", mixinStandardHelpOptions = true, showDefaultValues = true)
public final class SteadyMemory implements Callable<Integer> {

    private static final double MIB = 1 << 20;
    private static final int READINGS = 5;
    private static final long READING_MILLIS = 200;

    @Option(names = "--preset", defaultValue = "vit_micro_patch4_32", description = "The network.")
    private String preset;

    @Option(names = "--steps", defaultValue = "5000", description = "Training steps, 10 or more.")
    private int steps;

    @Option(names = "--batch", defaultValue = "4", description = "Images.")
    private int batchSize;

    @Option(names = "--attack-steps", defaultValue = "2", description = "PGD steps.")
    private int attackSteps;

    @Option(
            names = "--evaluate-every",
            defaultValue = "10",
            description = "Steps between two evaluation batches.")
    private int evaluateEvery;

    @Option(
            names = "--max-growth",
            defaultValue = "32",
            description = "How many MiB the resident memory may grow from 20 %% to 100 %%.")
    private double maxGrowth;

    /**
     * Runs the benchmark.
     *
     * @param args see {@code --help}
     */
    public static void main(String[] args) {
        int code = new CommandLine(new SteadyMemory()).execute(args);
        if (code != 0) {
            System.exit(code);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Integer call() throws Exception {
        VisionTransformer vit = Presets.builder(preset).optNumClasses(10).build();
        ReMoE.builder().build().insertInto(vit);
        double[] resident = new double[11];
        try (MeasuredNetwork network = new MeasuredNetwork(vit, attackSteps)) {
            RobustEvaluator evaluator = RobustEvaluator.builder(
                            network.target(), MeasuredNetwork.THREAT)
                    .addAttack(
                            "pgd",
                            threat -> Pgd.builder(threat)
                                    .optStepSize(MeasuredNetwork.STEP_SIZE)
                                    .optSteps(attackSteps)
                                    .optEarlyStop(true)
                                    .build())
                    .build();
            System.out.println("| steps | resident, MiB | Java heap in use, MiB |\n|---|---|---|");
            for (int tenth = 1; tenth <= 10; tenth++) {
                for (int step = steps * (tenth - 1) / 10; step < steps * tenth / 10; step++) {
                    try (Batch batch = network.batch(batchSize)) {
                        network.run(Work.SAT_STEP, batch);
                    }
                    if (step % evaluateEvery == 0) {
                        evaluator.evaluate("random", "", List.of(network.batch(batchSize)));
                    }
                }
                resident[tenth] = leastResident() / MIB;
                System.out.printf(
                        Locale.ROOT,
                        "| %d | %.1f | %.1f |%n",
                        steps * tenth / 10,
                        resident[tenth],
                        ProcessMemory.heap() / MIB);
                System.err.printf("%d of %d steps%n", steps * tenth / 10, steps);
            }
        }
        double growth = resident[10] - resident[2];
        System.out.printf(
                Locale.ROOT,
                "%nFrom 20 %% to 100 %% of %d steps of %s, batch %d, resident memory grew by %.1f MiB;"
                        + " it may by %.1f.%n",
                steps,
                preset,
                batchSize,
                growth,
                maxGrowth);
        return growth <= maxGrowth ? 0 : 1;
    }

    /** Java's compiler takes some memory for a moment now and then. */
    private static double leastResident() throws Exception {
        double least = Double.POSITIVE_INFINITY;
        for (int i = 0; i < READINGS; i++) {
            Thread.sleep(READING_MILLIS);
            least = Math.min(least, ProcessMemory.resident());
        }
        return least;
    }
}
