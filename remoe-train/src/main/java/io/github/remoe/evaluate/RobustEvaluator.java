package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.training.dataset.Batch;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.Rows;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.Seeds;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Clean and robust accuracy of a model under several attacks and epsilons, in one pass over the data.
 *
 * <p>An image counts as robust to an attack if it is classified rightly both as it is and attacked:
 * the clean image lies in every attack's reach, so one that is wrong already is not attacked.
 * Epsilons are taken in ascending order, and an image that an attack has broken at one is not
 * attacked again at larger ones, whose balls hold its adversarial image too. Before it counts, an
 * adversarial image is checked: it must lie in the ball and the pixel range, and the model must take
 * it for another class.
 *
 * <p>A verdict depends on the image, its index in the whole dataset and the seed, not on the batch. So
 * an evaluation may stop and go on from its {@link Builder#optState state}, and may be divided over
 * machines and {@link Verdicts#merge merged}.
 *
 * <pre>{@code
 * Verdicts verdicts = RobustEvaluator.builder(model, ThreatModel.linf(8 / 255f))
 *         .addAttack("fgsm", Fgsm::new)
 *         .addAttack("pgd-20", threatModel -> Pgd.builder(threatModel).optSteps(20).build())
 *         .build()
 *         .evaluate("cifar10", dataset, manager, 100);
 * Accuracy worst = verdicts.worstCase(0);
 * }</pre>
 */
public final class RobustEvaluator {

    // Images that the checks before an AutoAttack look at: whatever the batch size, the same ones.
    private static final long CHECKED = 64;

    private final TargetModel model;
    private final String modelId;
    private final ThreatModel threatModel;
    private final List<ThreatModel> threatModels;
    private final Map<String, List<Attack>> attacks;
    private final boolean worstCase;
    private final long seed;
    private final Path state;
    private final Path adversarialFolder;
    private final EvaluationListener listener;
    private final AutoAttackWarnings checks;

    private RobustEvaluator(Builder builder) {
        model = builder.model;
        modelId = builder.modelId;
        threatModel = builder.threatModel;
        threatModels =
                builder.epsilons.stream().map(builder.threatModel::withEpsilon).toList();
        attacks = new LinkedHashMap<>();
        builder.attacks.forEach((name, attack) ->
                attacks.put(name, threatModels.stream().map(attack).toList()));
        worstCase = builder.worstCase;
        seed = builder.seed;
        state = builder.state;
        adversarialFolder = builder.adversarialFolder;
        listener = builder.listener;
        checks = new AutoAttackWarnings(attacks, listener);
        EvaluationSettings settings = settings("", "");
        if (state != null || adversarialFolder != null) {
            if (modelId.isEmpty()) {
                throw new IllegalArgumentException("What is kept in files needs optModelId, so that"
                        + " it is not taken for another model's.");
            }
            settings.requireDescriptions();
        }
    }

    /**
     * Creates a builder.
     *
     * @param model the model
     * @param threatModel what the attacks may do to an image
     * @return a new builder; without attacks, clean accuracy alone is measured
     */
    public static Builder builder(TargetModel model, ThreatModel threatModel) {
        return new Builder(model, threatModel);
    }

    /**
     * Evaluates a dataset, or a subset of one; images are taken as they are stored, without
     * augmentation.
     *
     * @param name the dataset's name
     * @param dataset the images
     * @param manager the parent of the batches' managers, on the model's device
     * @param batchSize how many images are judged at a time; changes no verdict
     * @return the verdicts on these images
     * @throws IOException if the state is another evaluation's or cannot be read or written
     * @throws IllegalArgumentException if there are no images, or a label is no class of the model
     * @throws IllegalStateException if an attack returns what it may not; the message names it
     */
    public Verdicts evaluate(String name, PixelDataset dataset, NDManager manager, int batchSize)
            throws IOException {
        if (batchSize < 1) {
            throw new IllegalArgumentException(
                    "batchSize must be at least 1, got " + batchSize + ".");
        }
        if (dataset.size() == 0) {
            throw new IllegalArgumentException("There are no images to evaluate.");
        }
        long bytes = dataset.size() * dataset.getImageShape().size() * Float.BYTES;
        if (adversarialFolder != null && bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(String.format(
                    "The adversarial images would take %d bytes, more than the 2^31 - 1 that one file"
                            + " can have. Evaluate in shards.",
                    bytes));
        }
        Verdicts known = open(settings(name, dataset.getChecksum()));
        AdversarialFolder folder = openFolder(known);
        if (!checks.isEmpty()) {
            long[] first =
                    LongStream.range(0, Math.min(CHECKED, dataset.size())).toArray();
            try (Batch batch = dataset.getByIndices(manager.newSubManager(), first)) {
                checkBefore(batch);
            }
        }
        long[] open = LongStream.range(0, dataset.size())
                .filter(position -> !known.contains(dataset.getIndex(position)))
                .toArray();
        if (open.length < dataset.size()) {
            listener.onImagesJudged(Math.toIntExact(dataset.size()) - open.length);
        }
        for (int from = 0; from < open.length; from += batchSize) {
            long[] positions =
                    Arrays.copyOfRange(open, from, Math.min(open.length, from + batchSize));
            try (Batch batch = dataset.getByIndices(manager.newSubManager(), positions)) {
                judge(batch, known, folder);
            }
        }
        join(folder);
        Verdicts verdicts = known.of(
                LongStream.range(0, dataset.size()).mapToObj(dataset::getIndex).toList());
        checks.after(verdicts);
        return verdicts;
    }

    /**
     * Evaluates batches of images.
     *
     * @param name the dataset's name
     * @param checksum what names its images and labels for good
     * @param batches images (B,C,h,w) and labels (B), with the images' indices in the whole dataset;
     *     each batch is closed
     * @return the verdicts on these images
     * @throws IOException if the state is another evaluation's or cannot be read or written
     * @throws IllegalArgumentException if there are no images, a batch has no indices, or a label is
     *     no class of the model
     * @throws IllegalStateException if an attack returns what it may not; the message names it
     */
    public Verdicts evaluate(String name, String checksum, Iterable<Batch> batches)
            throws IOException {
        Verdicts known = open(settings(name, checksum));
        AdversarialFolder folder = openFolder(known);
        Set<Long> indices = new LinkedHashSet<>();
        for (Batch batch : batches) {
            try (batch) {
                if (indices.isEmpty() && !checks.isEmpty()) {
                    checkBefore(batch);
                }
                indices.addAll(judge(batch, known, folder));
            }
        }
        join(folder);
        if (indices.isEmpty()) {
            throw new IllegalArgumentException("There are no images to evaluate.");
        }
        Verdicts verdicts = known.of(indices);
        checks.after(verdicts);
        return verdicts;
    }

    private EvaluationSettings settings(String dataset, String checksum) {
        return new EvaluationSettings(
                modelId,
                dataset,
                checksum,
                threatModel.norm(),
                threatModel.pixelMin(),
                threatModel.pixelMax(),
                threatModels.stream().map(ThreatModel::epsilon).toList(),
                attacks.entrySet().stream()
                        .map(entry -> new EvaluationSettings.NamedAttack(
                                entry.getKey(),
                                entry.getValue().stream().map(Attack::toString).toList(),
                                members(entry.getValue())))
                        .toList(),
                worstCase,
                seed);
    }

    private static List<String> members(List<Attack> byEpsilon) {
        return !byEpsilon.isEmpty() && byEpsilon.get(0) instanceof AutoAttack autoAttack
                ? autoAttack.members().stream().map(AutoAttack.Member::name).toList()
                : List.of();
    }

    private Verdicts open(EvaluationSettings settings) throws IOException {
        Verdicts none = new Verdicts(settings, List.of());
        if (state == null || !Files.exists(state)) {
            return none;
        }
        Verdicts known = Verdicts.load(state);
        List<String> differences = known.settings().differences(settings);
        if (!differences.isEmpty()) {
            throw new IOException(String.format(
                    "%s belongs to another evaluation (there and here): %s. Choose another file, or"
                            + " delete it to start anew.",
                    state, String.join("; ", differences)));
        }
        return known;
    }

    private AdversarialFolder openFolder(Verdicts known) throws IOException {
        return adversarialFolder == null ? null : new AdversarialFolder(adversarialFolder, known);
    }

    private static void join(AdversarialFolder folder) throws IOException {
        if (folder != null) {
            folder.join();
        }
    }

    /** Has every AutoAttack look at the same images, wherever an evaluation goes on. */
    private void checkBefore(Batch batch) {
        NDArray images = batch.getData().singletonOrThrow();
        long size = images.getShape().get(0);
        NDIndex first = new NDIndex("0:{}", Math.min(CHECKED, size));
        long[] seeds = indices(batch, size).stream()
                .limit(CHECKED)
                .mapToLong(index -> Seeds.of("attack", seed, index))
                .toArray();
        checks.before(
                model, images.get(first), batch.getLabels().singletonOrThrow().get(first), seeds);
    }

    /** Judges the images of a batch that are not known yet, and returns the indices of all. */
    private List<Long> judge(Batch batch, Verdicts known, AdversarialFolder folder)
            throws IOException {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray images = batch.getData().singletonOrThrow();
            List<Long> indices = indices(batch, images.getShape().get(0));
            int[] open = IntStream.range(0, indices.size())
                    .filter(row -> !known.contains(indices.get(row)))
                    .toArray();
            if (open.length < indices.size()) {
                listener.onImagesJudged(indices.size() - open.length);
            }
            if (open.length > 0) {
                BatchVerdicts verdicts = new BatchVerdicts(
                        model,
                        Rows.select(images, open),
                        Rows.select(batch.getLabels().singletonOrThrow(), open),
                        Arrays.stream(open).mapToLong(indices::get).toArray(),
                        folder != null,
                        listener);
                attack(verdicts, folder);
                verdicts.verdicts().forEach(known::add);
                if (state != null) {
                    known.save(state);
                }
                listener.onImagesJudged(open.length);
            }
            return indices;
        }
    }

    private void attack(BatchVerdicts verdicts, AdversarialFolder folder) throws IOException {
        attacks.keySet().forEach(name -> verdicts.addAttack(threatModels.size()));
        for (int epsilon = 0; epsilon < threatModels.size(); epsilon++) {
            ThreatModel ball = threatModels.get(epsilon);
            int attack = 0;
            for (Map.Entry<String, List<Attack>> entry : attacks.entrySet()) {
                int[] rows = worstCase
                        ? verdicts.unbrokenByAny(epsilon)
                        : verdicts.unbroken(attack, epsilon);
                if (rows.length > 0) {
                    listener.onAttack(entry.getKey(), ball.epsilon(), rows.length);
                    Attack method = entry.getValue().get(epsilon);
                    verdicts.attack(attack, epsilon, entry.getKey(), method, ball, rows, seed);
                }
                if (folder != null) {
                    save(verdicts, attack, epsilon, folder);
                }
                attack++;
            }
        }
    }

    private static void save(
            BatchVerdicts verdicts, int attack, int epsilon, AdversarialFolder folder)
            throws IOException {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList images = verdicts.adversarial(attack, epsilon);
            if (!images.isEmpty()) {
                folder.write(attack, epsilon, images);
            }
        }
    }

    private static List<Long> indices(Batch batch, long images) {
        List<?> indices = batch.getIndices();
        if (indices == null || indices.size() != images) {
            throw new IllegalArgumentException(String.format(
                    "A batch of %d images has the indices %s, expected one for each image: verdicts"
                            + " and seeds go by them. Make batches with the indices of the images in"
                            + " the whole dataset.",
                    images, indices));
        }
        return indices.stream().map(index -> ((Number) index).longValue()).toList();
    }

    /** The Builder to construct a {@link RobustEvaluator}. */
    public static final class Builder {

        private final TargetModel model;
        private final ThreatModel threatModel;
        private final Map<String, Function<ThreatModel, Attack>> attacks = new LinkedHashMap<>();
        private List<Float> epsilons;
        private String modelId = "";
        private boolean worstCase;
        private long seed;
        private Path state;
        private Path adversarialFolder;
        private EvaluationListener listener = new EvaluationListener() {};

        private Builder(TargetModel model, ThreatModel threatModel) {
            this.model = model;
            this.threatModel = threatModel;
            epsilons = List.of(threatModel.epsilon());
        }

        /**
         * Adds an attack; attacks are made in the order in which they are added.
         *
         * @param name a name of letters, digits and {@code . _ + -}
         * @param attack makes the attack for a threat model
         * @return this builder
         * @throws IllegalArgumentException if there is an attack of this name
         */
        public Builder addAttack(String name, Function<ThreatModel, Attack> attack) {
            if (attacks.putIfAbsent(name, attack) != null) {
                throw new IllegalArgumentException(String.format(
                        "Two attacks are called '%s'. Give each a name of its own.", name));
            }
            return this;
        }

        /**
         * Sets the radii, ascending; default is the threat model's epsilon alone.
         *
         * @param epsilons in pixel values
         * @return this builder
         */
        public Builder optEpsilons(List<Float> epsilons) {
            this.epsilons = List.copyOf(epsilons);
            return this;
        }

        /**
         * Names the model for good, so that verdicts on another are not taken for its own; needed
         * for a state and by whoever merges verdicts.
         *
         * @param id the checksum of its parameters ({@link io.github.remoe.weights.ParameterChecksum}),
         *     or any name for a model without
         * @return this builder
         */
        public Builder optModelId(String id) {
            modelId = id;
            return this;
        }

        /**
         * Sets whether an image that one attack has broken is left out by those after it, so that
         * the worst case alone is measured, in less time; default false.
         *
         * @param worstCase true for the worst case alone
         * @return this builder
         */
        public Builder optWorstCase(boolean worstCase) {
            this.worstCase = worstCase;
            return this;
        }

        /**
         * Sets what the attacks' random choices come from; default 0.
         *
         * @param seed any number
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Has the verdicts written into a file after each batch ({@link Verdicts#save}), and those
         * that are in it already taken as they are: so an evaluation goes on where it was stopped,
         * at whatever moment and with whatever batch size. Default is no file.
         *
         * @param file the file, in a folder that exists
         * @return this builder
         */
        public Builder optState(Path file) {
            state = file;
            return this;
        }

        /**
         * Has all adversarial images saved, in one file for each attack and epsilon: {@link
         * AdversarialSet#fileName}, and the same arrays in NumPy's {@code .npz}. While the evaluation
         * runs, they are in a file for each batch, so it can be stopped and go on. Default is not to
         * save them.
         *
         * @param folder the folder, which is made if there is none
         * @return this builder
         */
        public Builder optAdversarialFolder(Path folder) {
            adversarialFolder = folder;
            return this;
        }

        /**
         * Sets who is told how the evaluation goes on; default is nobody.
         *
         * @param listener the listener
         * @return this builder
         */
        public Builder optListener(EvaluationListener listener) {
            this.listener = listener;
            return this;
        }

        /**
         * Builds the evaluator.
         *
         * @return the evaluator
         * @throws IllegalArgumentException if epsilons do not ascend, an attack's name cannot be
         *     used, or something is kept in files but there is no model id or an attack does
         *     not tell its settings
         */
        public RobustEvaluator build() {
            return new RobustEvaluator(this);
        }
    }
}
