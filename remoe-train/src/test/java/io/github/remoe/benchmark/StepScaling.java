package io.github.remoe.benchmark;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.dataset.Batch;

import io.github.remoe.ModelSummary;
import io.github.remoe.ReMoE;
import io.github.remoe.nn.Linear;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;

/**
 * How the cost of an inference and of a PGD step grows with the batch, the tokens and the regions, as
 * Markdown tables.
 *
 * <p>In a round every size of a table has its turn, and the product of two matrices, whose rate is
 * the limit; figures are medians over rounds. The share of the limit is twice the multiply-adds, two
 * passes for a PGD step, over time and rate.
 */
@Command(name = "StepScaling", mixinStandardHelpOptions = true, showDefaultValues = true)
public final class StepScaling implements Callable<Integer> {

    private static final long SIDE = 1024;
    private static final int PRODUCTS = 15;

    @Option(names = "--preset", defaultValue = "deit_tiny_patch4_32", description = "The network.")
    private String preset;

    @Option(
            names = "--tables",
            split = ",",
            defaultValue = "batch,tokens,regions",
            description = "What to measure.")
    private List<String> tables;

    @Option(
            names = "--batches",
            split = ",",
            defaultValue = "1,2,4,8,16,32,64,128,256,512",
            description = "Batches of the first table.")
    private List<Integer> batches;

    @Option(
            names = "--images",
            split = ",",
            defaultValue = "32/8,32/4,48/4,224/16,64/4",
            description = "Sides of images and patches of the second table.")
    private List<String> images;

    @Option(names = "--tokens-batch", defaultValue = "16", description = "Its batch.")
    private int tokensBatch;

    @Option(
            names = "--regions",
            split = ",",
            defaultValue = "1x1,2x2,3x3,4x4",
            description = "Regions of the third table.")
    private List<String> regions;

    @Option(names = "--regions-batch", defaultValue = "64", description = "Its batch.")
    private int regionsBatch;

    @Option(
            names = "--rounds",
            defaultValue = "5",
            description = "Measurements, after one that warms up.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "0.2",
            description = "How long work is repeated at least for one measurement.")
    private double leastSeconds;

    /** One row of a table: a network with its batch, and the seconds an image of each round. */
    private static final class Size implements AutoCloseable {

        static final List<Work> WORKS = List.of(Work.INFERENCE, Work.PGD_STEP);

        private final String name;
        private final MeasuredNetwork network;
        private final Batch batch;
        private final long macs;
        private final Map<Work, List<Double>> times = new EnumMap<>(Work.class);

        Size(String name, MeasuredNetwork network, int batchSize) {
            this.name = name;
            this.network = network;
            batch = network.batch(batchSize);
            macs = ModelSummary.of(network.vit()).macs() - ModelSummary.unreadMacs(network.vit());
            WORKS.forEach(work -> times.put(work, new ArrayList<>()));
        }

        void warmUp(double leastSeconds) throws Exception {
            measure(leastSeconds);
            times.values().forEach(List::clear);
        }

        void measure(double leastSeconds) throws Exception {
            for (Map.Entry<Work, List<Double>> entry : times.entrySet()) {
                double seconds = 0;
                int passes = 0;
                do {
                    seconds += Times.seconds(() -> network.run(entry.getKey(), batch));
                    passes++;
                } while (seconds < leastSeconds);
                entry.getValue().add(seconds / passes / batch.getSize());
            }
        }

        /** Seconds an image. */
        double median(Work work) {
            return Times.median(times.get(work));
        }

        /** Multiply-adds an image are two operations each; a PGD step is two passes. */
        double operations(Work work) {
            return 2.0 * macs * (work == Work.PGD_STEP ? 2 : 1);
        }

        /** {@inheritDoc} */
        @Override
        public void close() {
            batch.close();
        }
    }

    /**
     * Runs the benchmark.
     *
     * @param args see {@code --help}
     */
    public static void main(String[] args) {
        int code = new CommandLine(new StepScaling()).execute(args);
        if (code != 0) {
            System.exit(code);
        }
    }

    /** {@inheritDoc} */
    @Override
    public Integer call() throws Exception {
        Engine engine = Engine.getInstance();
        System.out.printf(
                "%s, threads: %d, PyTorch %s, medians of %d rounds.%n",
                preset, JniUtils.getNumThreads(), engine.getVersion(), rounds);
        for (String table : tables) {
            switch (table) {
                case "batch" -> batches();
                case "tokens" -> tokens();
                case "regions" -> regions();
                default ->
                    throw new IllegalArgumentException(
                            "There is no table '" + table + "': choose batch, tokens, regions.");
            }
        }
        return 0;
    }

    private void batches() throws Exception {
        try (MeasuredNetwork network = network(builder().build())) {
            measure(
                    "batch",
                    batches.stream()
                            .map(batch -> new Size(batch.toString(), network, batch))
                            .toList());
        }
    }

    private void tokens() throws Exception {
        List<Size> sizes = new ArrayList<>();
        for (String sides : images) {
            int[] side = numbers(sides, "/");
            VisionTransformer vit =
                    builder().optImageSize(side[0]).optPatchSize(side[1]).build();
            int tokens = vit.getPrefixTokens() + vit.getGridSize() * vit.getGridSize();
            sizes.add(new Size(tokens + " (" + sides + ")", network(vit), tokensBatch));
        }
        measure("tokens, batch " + tokensBatch, sizes);
        sizes.forEach(size -> size.network.close());
    }

    private void regions() throws Exception {
        List<Size> sizes = new ArrayList<>();
        sizes.add(new Size("no ReMoE", network(builder().build()), regionsBatch));
        for (String grid : regions) {
            int[] side = numbers(grid, "x");
            VisionTransformer vit = builder().build();
            ReMoE.builder().optRegions(side[0], side[1]).build().insertInto(vit);
            sizes.add(new Size(String.valueOf(side[0] * side[1]), network(vit), regionsBatch));
        }
        measure("regions K, batch " + regionsBatch, sizes);
        sizes.forEach(size -> size.network.close());
    }

    private static int[] numbers(String pair, String separator) {
        int[] numbers =
                Arrays.stream(pair.split(separator)).mapToInt(Integer::parseInt).toArray();
        if (numbers.length != 2) {
            throw new IllegalArgumentException(
                    "Two numbers with '" + separator + "' between them, not '" + pair + "'.");
        }
        return numbers;
    }

    private VisionTransformer.Builder builder() {
        return Presets.builder(preset).optNumClasses(10);
    }

    private static MeasuredNetwork network(VisionTransformer vit) {
        return new MeasuredNetwork(vit, 1);
    }

    private void measure(String title, List<Size> sizes) throws Exception {
        for (Size size : sizes) {
            System.err.printf("%s: warming up %s%n", title, size.name);
            size.warmUp(leastSeconds);
        }
        List<Double> rates = new ArrayList<>();
        for (int round = 1; round <= rounds; round++) {
            System.err.printf("%s: round %d of %d%n", title, round, rounds);
            rates.add(matrixProductRate(sizes.get(0).network.manager()));
            for (Size size : sizes) {
                size.measure(leastSeconds);
            }
        }
        print(title, sizes, Times.median(rates));
        sizes.forEach(Size::close);
    }

    /** As {@code bench} measures it: the faster of PyTorch's two ways, in operations a second. */
    private static double matrixProductRate(NDManager parent) throws Exception {
        try (NDManager manager = parent.newSubManager()) {
            NDArray left = manager.randomUniform(-1, 1, new Shape(2, SIDE / 2, SIDE));
            NDArray right = manager.randomUniform(-1, 1, new Shape(SIDE, SIDE));
            NDArray bias = manager.zeros(new Shape(SIDE));
            double seconds = Math.min(
                    median(() -> left.matMul(right)),
                    median(() -> Linear.affine(left, right, bias)));
            return 2.0 * SIDE * SIDE * SIDE / seconds;
        }
    }

    private static double median(Supplier<NDArray> product) throws Exception {
        List<Double> times = new ArrayList<>();
        for (int i = 0; i < PRODUCTS; i++) {
            times.add(Times.seconds(() -> {
                try (NDArray result = product.get();
                        NDArray corner = result.get("0, 0, 0")) {
                    corner.getFloat();
                }
            }));
        }
        return Times.median(times);
    }

    private static void print(String title, List<Size> sizes, double rate) {
        System.out.printf(
                Locale.ROOT,
                "%nMatrix products: %.1f billion operations a second.%n%n",
                rate / 1e9);
        System.out.printf("| %s |", title);
        for (Work work : Size.WORKS) {
            System.out.printf(" %s, ms an image | times the first | of the limit |", work);
        }
        System.out.printf("%n|---|%s%n", "---|---|---|".repeat(Size.WORKS.size()));
        for (Size size : sizes) {
            System.out.printf("| %s |", size.name);
            for (Work work : Size.WORKS) {
                double seconds = size.median(work);
                System.out.printf(
                        Locale.ROOT,
                        " %.3f | %.2f | %.1f %% |",
                        1000 * seconds,
                        seconds / sizes.get(0).median(work),
                        100 * size.operations(work) / seconds / rate);
            }
            System.out.println();
        }
    }
}
