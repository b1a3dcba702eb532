package io.github.remoe.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Measures a plan row by row: for each row both sides start a fresh process and do the work in turns,
 * ours first, so that the machine's noise meets both. Before a network's first row, both sides have to
 * give the same logits, loss and gradient.
 *
 * <p>A first round does not count. Work that is short is made for some seconds more, until Java has
 * compiled it, and each of its times is the mean of as many repetitions as take half a second.
 * AutoAttack lasts minutes, most of them in compiled code, and has no round that does not count.
 */
final class Bench implements AutoCloseable {

    private static final String OURS = "Our worker";
    private static final String THEIRS = "The peer";

    private static final int CHECKED_IMAGES = 8;
    private static final int CIFAR_RECORDS = 10_000;

    private static final double LEAST_SECONDS = 0.5;
    // Java compiles what has run often enough.
    private static final double WARM_UP_SECONDS = 10;
    private static final int MOST_REPEATS = 10_000;
    private static final int TRIAL_REPEATS = 3;

    private final BenchPlan plan;
    private final List<String> ours;
    private final List<String> theirs;
    private final Path folder;
    private final String commandLine;
    private final BenchListener listener;
    private final Set<String> checked = new HashSet<>();
    private final Map<String, Requests.Environment> environments = new HashMap<>();

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
     * @param commandLine the command, for the record
     * @param listener is told how it goes on
     */
    Bench(
            BenchPlan plan,
            List<String> ours,
            List<String> theirs,
            Path folder,
            String commandLine,
            BenchListener listener) {
        this.plan = plan;
        this.ours = ours;
        this.theirs = theirs;
        this.folder = folder;
        this.commandLine = commandLine;
        this.listener = listener;
    }

    /**
     * Tells whether a row need not be measured again.
     *
     * @param item the row
     * @param result what was measured before
     * @return whether it has the rounds and the sides that are asked for, with the libraries that are
     *     there now
     * @throws IOException if a side fails
     */
    boolean isDone(BenchPlan.Item item, BenchResult result) throws IOException {
        if (result.ours().seconds().size() < item.row().rounds(plan.rounds())
                || !environment(OURS, ours, item).equals(result.ours().environment())) {
            return false;
        }
        return theirs.isEmpty()
                || !item.row().comparesWithPeer()
                || result.theirs() != null
                        && environment(THEIRS, theirs, item)
                                .equals(result.theirs().environment());
    }

    private Requests.Environment environment(String name, List<String> command, BenchPlan.Item item)
            throws IOException {
        if (!environments.containsKey(name)) {
            open(item.model());
            try (WorkerProcess worker = start(name, command)) {
                load(worker, name, request(false, 1, null));
            }
        }
        return environments.get(name);
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

    private void open(BenchModel model) throws IOException {
        if (!model.equals(prepared)) {
            close();
            inputs = new BenchInputs(plan, model, folder);
            prepared = model;
        }
    }

    private void prepare(BenchPlan.Item item) throws IOException {
        open(item.model());
        boolean remoe = item.row().network() == Row.Network.REMOE;
        if (item.row().comparesWithPeer()
                && !theirs.isEmpty()
                && checked.add(item.model().name() + (remoe ? " with ReMoE" : ""))) {
            checkAgreement(item, remoe);
        }
    }

    private void checkAgreement(BenchPlan.Item item, boolean remoe) throws IOException {
        Requests.Load load = request(remoe, CHECKED_IMAGES, null);
        Requests.Check check = new Requests.Check(CHECKED_IMAGES);
        JsonObject here;
        try (WorkerProcess worker = start(OURS, ours)) {
            load(worker, OURS, load);
            here = worker.ask("check", check);
        }
        try (WorkerProcess worker = start(THEIRS, theirs)) {
            load(worker, THEIRS, load);
            new Agreement(item.model().name() + (remoe ? " with ReMoE" : ""))
                    .check(here, worker.ask("check", check));
        }
    }

    private void load(WorkerProcess worker, String name, Requests.Load load) throws IOException {
        environments.put(
                name, Requests.GSON.fromJson(worker.ask("load", load), Requests.Environment.class));
    }

    private BenchResult measureAgainstPeer(BenchPlan.Item item) throws IOException {
        Requests.Load load = request(
                item.row().network() == Row.Network.REMOE, item.row().images(item.model()), null);
        try (WorkerProcess our = start(OURS, ours);
                WorkerProcess their = theirs.isEmpty() ? null : start(THEIRS, theirs)) {
            List<Contender> contenders = new ArrayList<>();
            load(our, OURS, load);
            contenders.add(repeat -> run(our, item, repeat, null));
            if (their != null) {
                load(their, THEIRS, load);
                contenders.add(repeat -> run(their, item, repeat, null));
            }
            int repeat = warmUp(item, contenders);
            List<List<Run>> runs = inTurns(item, contenders, repeat);
            BenchResult.Side ourSide = side(OURS, runs.get(0), peak(our));
            BenchResult.Side theirSide =
                    their == null ? null : side(THEIRS, runs.get(1), peak(their));
            return result(item, repeat, ourSide, theirSide, null, rate(our, null));
        }
    }

    /** Both networks in one process of ours. */
    private BenchResult measureOverhead(BenchPlan.Item item) throws IOException {
        try (WorkerProcess our = start(OURS, ours)) {
            for (String name : List.of("plain", "remoe")) {
                int images = item.row().images(item.model());
                load(our, OURS, request(name.equals("remoe"), images, name));
            }
            List<Contender> contenders = List.of(
                    repeat -> run(our, item, repeat, "remoe"),
                    repeat -> run(our, item, repeat, "plain"));
            int repeat = warmUp(item, contenders);
            List<List<Run>> runs = inTurns(item, contenders, repeat);
            return result(
                    item,
                    repeat,
                    side(OURS, runs.get(0), peak(our)),
                    null,
                    side(OURS, runs.get(1), peak(our)),
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
                side(OURS, runs.get(0), peaks.get(last)),
                theirs.isEmpty() ? null : side(THEIRS, runs.get(1), peaks.get(last + 1)),
                null,
                0);
    }

    private Run startUp(String name, List<String> command, List<Long> peaks) throws IOException {
        Requests.Load load = request(false, 1, null);
        long start = System.nanoTime();
        try (WorkerProcess worker = start(name, command)) {
            load(worker, name, load);
            worker.ask("check", new Requests.Check(1));
            double seconds = (System.nanoTime() - start) / 1e9;
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
        if (!item.row().isWarmedUp()) {
            return 1;
        }
        int repeat = 1;
        for (Contender contender : contenders) {
            contender.run(1);
            if (item.row().isRepeatable()) {
                double cold = contender.run(TRIAL_REPEATS).seconds();
                double warm = contender.run(times(WARM_UP_SECONDS, cold)).seconds();
                repeat = Math.max(repeat, times(LEAST_SECONDS, warm));
            }
            listener.onRun();
        }
        return repeat;
    }

    private static int times(double seconds, double secondsOfOne) {
        return (int) Math.min(MOST_REPEATS, Math.ceil(seconds / secondsOfOne));
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
                commandLine,
                ourSide,
                theirSide,
                plainSide,
                2 * macs * passes,
                rate);
    }

    private BenchResult.Side side(String name, List<Run> runs, Long peak) {
        return new BenchResult.Side(
                runs.stream().map(Run::seconds).toList(),
                runs.get(runs.size() - 1).result(),
                peak,
                environments.get(name));
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

    private Requests.Load request(boolean remoe, int images, String as) throws IOException {
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
