package io.github.remoe.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Measures a plan row by row: for each row both sides start a fresh process and do the work in turns,
 * ours first, so that the machine's noise meets both. Before a network's first row, both sides have to
 * give the same logits, loss and gradient.
 */
final class Bench implements AutoCloseable {

    private static final String OURS = "Our worker";
    private static final String THEIRS = "The peer";

    private static final int CHECKED_IMAGES = 8;
    private static final int CIFAR_RECORDS = 10_000;

    // One time should not be shorter than this; some passes before, to see how long one takes.
    private static final double LEAST_SECONDS = 0.5;
    // Java compiles what has run often enough.
    private static final double WARM_UP_SECONDS = 5;
    private static final int MOST_WARM_UPS = 1000;
    private static final int MOST_REPEATS = 100;
    private static final int TRIAL_REPEATS = 3;

    private final BenchPlan plan;
    private final List<String> ours;
    private final List<String> theirs;
    private final Path folder;
    private final BenchFile file;
    private final BenchListener listener;
    private final Set<String> checked = new HashSet<>();

    private BenchInputs inputs;
    private BenchModel prepared;
    private Path cifar;

    /** One side of a row: what is done for each time. */
    @FunctionalInterface
    private interface Contender {

        Run run(int repeat) throws IOException;
    }

    private record Run(double seconds, Map<String, Double> result) {}

    /**
     * Prepares to measure.
     *
     * @param plan what is measured
     * @param ours what starts a worker of our side
     * @param theirs what starts the peer's; empty without one
     * @param folder a folder for weights and images
     * @param file is told the versions
     * @param listener is told how it goes on
     */
    Bench(
            BenchPlan plan,
            List<String> ours,
            List<String> theirs,
            Path folder,
            BenchFile file,
            BenchListener listener) {
        this.plan = plan;
        this.ours = ours;
        this.theirs = theirs;
        this.folder = folder;
        this.file = file;
        this.listener = listener;
    }

    /**
     * Measures one row.
     *
     * @param item the row
     * @return the result
     * @throws IOException if a side fails, or the two do not agree
     */
    BenchResult measure(BenchPlan.Item item) throws IOException {
        prepare(item);
        listener.onRow(item.toString());
        return switch (item.row().network()) {
            case BOTH -> measureOverhead(item);
            default -> item.row() == Row.STARTUP ? measureStartup(item) : measureAgainstPeer(item);
        };
    }

    private void prepare(BenchPlan.Item item) throws IOException {
        if (!item.model().equals(prepared)) {
            close();
            inputs = new BenchInputs(plan, item.model(), folder);
            prepared = item.model();
        }
        boolean remoe = item.row().network() == Row.Network.REMOE;
        if (item.row().comparesWithPeer()
                && !theirs.isEmpty()
                && checked.add(item.model().name() + (remoe ? " with ReMoE" : ""))) {
            checkAgreement(item, remoe);
        }
    }

    private void checkAgreement(BenchPlan.Item item, boolean remoe) throws IOException {
        Requests.Load load = load(remoe, CHECKED_IMAGES, null);
        Requests.Check check = new Requests.Check(CHECKED_IMAGES);
        JsonObject here;
        try (WorkerProcess worker = start(OURS, ours)) {
            remember("ours", worker.ask("load", load));
            here = worker.ask("check", check);
        }
        try (WorkerProcess worker = start(THEIRS, theirs)) {
            remember("theirs", worker.ask("load", load));
            new Agreement(item.model().name() + (remoe ? " with ReMoE" : ""))
                    .check(here, worker.ask("check", check));
        }
    }

    private void remember(String side, JsonObject loaded) {
        file.versions()
                .put(
                        side,
                        Requests.GSON.fromJson(
                                loaded.get("versions"),
                                new TypeToken<Map<String, String>>() {}.getType()));
    }

    private BenchResult measureAgainstPeer(BenchPlan.Item item) throws IOException {
        Requests.Load load = load(
                item.row().network() == Row.Network.REMOE, item.row().images(item.model()), null);
        try (WorkerProcess our = start(OURS, ours);
                WorkerProcess their = theirs.isEmpty() ? null : start(THEIRS, theirs)) {
            List<Contender> contenders = new ArrayList<>();
            remember("ours", our.ask("load", load));
            contenders.add(repeat -> run(our, item, repeat, null));
            if (their != null) {
                remember("theirs", their.ask("load", load));
                contenders.add(repeat -> run(their, item, repeat, null));
            }
            int repeat = warmUp(item, contenders);
            List<List<Run>> runs = inTurns(item, contenders, repeat);
            BenchResult.Side ourSide = side(runs.get(0), our);
            BenchResult.Side theirSide = their == null ? null : side(runs.get(1), their);
            return result(item, repeat, ourSide, theirSide, null, rate(our, null));
        }
    }

    /** Both networks in one process of ours. */
    private BenchResult measureOverhead(BenchPlan.Item item) throws IOException {
        try (WorkerProcess our = start(OURS, ours)) {
            for (String name : List.of("plain", "remoe")) {
                remember(
                        "ours",
                        our.ask(
                                "load",
                                load(name.equals("remoe"), item.row().images(item.model()), name)));
            }
            List<Contender> contenders = List.of(
                    repeat -> run(our, item, repeat, "remoe"),
                    repeat -> run(our, item, repeat, "plain"));
            int repeat = warmUp(item, contenders);
            List<List<Run>> runs = inTurns(item, contenders, repeat);
            return result(
                    item,
                    repeat,
                    side(runs.get(0), our),
                    null,
                    side(runs.get(1), our),
                    rate(our, "plain"));
        }
    }

    private BenchResult measureStartup(BenchPlan.Item item) throws IOException {
        List<Long> peaks = new ArrayList<>();
        List<Contender> contenders = new ArrayList<>();
        contenders.add(repeat -> startUp(OURS, ours, peaks));
        if (!theirs.isEmpty()) {
            contenders.add(repeat -> startUp(THEIRS, theirs, peaks));
        }
        warmUp(item, contenders);
        List<List<Run>> runs = inTurns(item, contenders, 1);
        int last = peaks.size() - contenders.size();
        return result(
                item,
                1,
                side(runs.get(0), peaks.get(last)),
                theirs.isEmpty() ? null : side(runs.get(1), peaks.get(last + 1)),
                null,
                0);
    }

    private Run startUp(String name, List<String> command, List<Long> peaks) throws IOException {
        Requests.Load load = load(false, 1, null);
        long start = System.nanoTime();
        try (WorkerProcess worker = start(name, command)) {
            JsonObject loaded = worker.ask("load", load);
            worker.ask("check", new Requests.Check(1));
            double seconds = (System.nanoTime() - start) / 1e9;
            remember(name.equals(OURS) ? "ours" : "theirs", loaded);
            peaks.add(peak(worker));
            return new Run(seconds, Map.of());
        }
    }

    private Run run(WorkerProcess worker, BenchPlan.Item item, int repeat, String of)
            throws IOException {
        Row row = item.row();
        JsonObject answer = worker.ask(
                "run",
                new Requests.Run(
                        row.work(),
                        row.batch(item.model()),
                        row.images(item.model()),
                        repeat,
                        row.isAttacked() ? inputs.epsilon() : 0,
                        row.hasRegionLosses(),
                        row == Row.DATA ? cifar().toString() : null,
                        of));
        Map<String, Double> result = new LinkedHashMap<>();
        if (answer.get("result") instanceof JsonObject figures) {
            figures.asMap().forEach((name, value) -> result.put(name, value.getAsDouble()));
        }
        return new Run(answer.get("seconds").getAsDouble(), result);
    }

    /** The round that does not count; it tells how often something short has to be repeated. */
    private int warmUp(BenchPlan.Item item, List<Contender> contenders) throws IOException {
        int repeat = 1;
        for (Contender contender : contenders) {
            contender.run(1);
            if (item.row().isRepeatable()) {
                double seconds = contender.run(TRIAL_REPEATS).seconds();
                double wanted = Math.ceil(LEAST_SECONDS / seconds);
                repeat = (int) Math.max(repeat, Math.min(MOST_REPEATS, wanted));
                double warmUps = Math.ceil(WARM_UP_SECONDS / seconds);
                contender.run((int) Math.min(MOST_WARM_UPS, warmUps));
            }
            listener.onRun();
        }
        return repeat;
    }

    private List<List<Run>> inTurns(BenchPlan.Item item, List<Contender> contenders, int repeat)
            throws IOException {
        List<List<Run>> runs = new ArrayList<>();
        contenders.forEach(contender -> runs.add(new ArrayList<>()));
        for (int round = 0; round < item.row().rounds(plan.rounds()); round++) {
            for (int i = 0; i < contenders.size(); i++) {
                runs.get(i).add(contenders.get(i).run(repeat));
                listener.onRun();
            }
        }
        return runs;
    }

    private BenchResult result(
            BenchPlan.Item item,
            int repeat,
            BenchResult.Side ourSide,
            BenchResult.Side theirSide,
            BenchResult.Side plainSide,
            double rate)
            throws IOException {
        Row row = item.row();
        int images = row.images(item.model());
        boolean remoe = row.network() != Row.Network.PLAIN;
        long macs = (remoe ? inputs.remoe() : inputs.plain()).macs();
        double passes = row.forwardPasses(
                images,
                ourSide.result().getOrDefault("cleanAccuracy", 1.0),
                ourSide.result().getOrDefault("robustAccuracy", 1.0));
        return new BenchResult(
                item.modelName(),
                row.toString(),
                row.batch(item.model()),
                images,
                repeat,
                row.isAttacked() ? inputs.epsilon() : 0,
                Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
                ourSide,
                theirSide,
                plainSide,
                2 * macs * passes,
                rate);
    }

    private static BenchResult.Side side(List<Run> runs, WorkerProcess worker) throws IOException {
        return side(runs, peak(worker));
    }

    private static BenchResult.Side side(List<Run> runs, Long peak) {
        return new BenchResult.Side(
                runs.stream().map(Run::seconds).toList(),
                runs.get(runs.size() - 1).result(),
                peak);
    }

    private static Long peak(WorkerProcess worker) throws IOException {
        JsonElement bytes = worker.ask("memory", Map.of()).get("peakBytes");
        return bytes == null || bytes.isJsonNull() ? null : bytes.getAsLong();
    }

    /** After the memory was looked at, which the matrices would add to. */
    private static double rate(WorkerProcess worker, String of) throws IOException {
        return worker.ask("run", new Requests.Run("matmul", 1, 1, 1, 0, false, null, of))
                .getAsJsonObject("result")
                .get("flopsPerSecond")
                .getAsDouble();
    }

    private Requests.Load load(boolean remoe, int images, String as) throws IOException {
        BenchInputs.Variant variant = remoe ? inputs.remoe() : inputs.plain();
        return new Requests.Load(
                variant.network(),
                variant.weights().toString(),
                inputs.file(images).toString(),
                plan.threads(),
                plan.device(),
                as);
    }

    private Path cifar() throws IOException {
        if (cifar == null) {
            cifar = BenchInputs.cifar(plan, folder, CIFAR_RECORDS);
        }
        return cifar;
    }

    private WorkerProcess start(String name, List<String> command) throws IOException {
        return new WorkerProcess(name, command, plan.threads());
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        if (inputs != null) {
            inputs.close();
            inputs = null;
        }
    }
}
