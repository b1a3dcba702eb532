package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;

import io.github.remoe.Golden;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** What {@link Attack} promises, for every attack: add new ones to {@link #ATTACKS}. */
class AttackPropertyTest {

    private static final List<Norm> BOTH = List.of(Norm.LINF, Norm.L2);

    /** Every attack, with settings that make it quick and yet take each of its paths. */
    private static final List<Candidate> ATTACKS = List.of(
            new Candidate("FGSM", BOTH, Fgsm::new),
            new Candidate(
                    "FGSM on DLR",
                    BOTH,
                    threat -> Fgsm.builder(threat).optLoss(LogitLoss.DLR).build()),
            new Candidate("R+FGSM", BOTH, threat -> RFgsm.builder(threat).build()),
            new Candidate("BIM", BOTH, threat -> Bim.builder(threat).optSteps(4).build()),
            new Candidate(
                    "MI-FGSM",
                    BOTH,
                    threat -> MiFgsm.builder(threat).optSteps(4).build()),
            new Candidate(
                    "PGD",
                    BOTH,
                    threat -> Pgd.builder(threat).optSteps(3).optRestarts(3).build()),
            new Candidate(
                    "PGD on the margin",
                    BOTH,
                    threat -> Pgd.builder(threat)
                            .optLoss(LogitLoss.MARGIN)
                            .optRandomStart(false)
                            .optSteps(4)
                            .build()),
            new Candidate(
                    "PGD on KL",
                    BOTH,
                    threat -> Pgd.builder(threat)
                            .optLoss(LogitLoss.KL)
                            .optSteps(3)
                            .optRestarts(2)
                            .build()),
            new Candidate(
                    "targeted PGD",
                    BOTH,
                    threat -> Pgd.builder(threat)
                            .optLoss(LogitLoss.DLR)
                            .optTarget(OtherClass.RANDOM)
                            .optSteps(3)
                            .optRestarts(2)
                            .build()),
            new Candidate(
                    "APGD",
                    BOTH,
                    threat -> Apgd.builder(threat).optSteps(6).optRestarts(2).build()),
            new Candidate(
                    "targeted APGD",
                    BOTH,
                    threat -> Apgd.builder(threat)
                            .optLoss(LogitLoss.DLR)
                            .optTargetClasses(2)
                            .optSteps(6)
                            .build()),
            new Candidate(
                    "FAB",
                    BOTH,
                    threat -> Fab.builder(threat).optSteps(3).optRestarts(2).build()),
            new Candidate("DeepFool", BOTH, threat -> DeepFool.builder(threat).build()),
            new Candidate(
                    "C&W",
                    List.of(Norm.L2),
                    threat -> CwL2.builder(threat)
                            .optBinarySearchSteps(2)
                            .optSteps(5)
                            .build()),
            new Candidate(
                    "Square",
                    BOTH,
                    threat ->
                            Square.builder(threat).optQueries(15).optRestarts(2).build()));

    /** Attacks that more effort, from 1 up, must not make worse. */
    private static final List<Growing> GROWING = List.of(
            new Growing(
                    "steps of BIM",
                    threat -> steps -> Bim.builder(threat).optSteps(steps).build()),
            new Growing(
                    "steps of MI-FGSM",
                    threat -> steps -> MiFgsm.builder(threat)
                            .optStepSize(threat.epsilon() / 3)
                            .optSteps(steps)
                            .build()),
            new Growing(
                    "steps of R+FGSM",
                    threat -> steps -> RFgsm.builder(threat).optSteps(steps).build()),
            new Growing(
                    "steps of PGD",
                    threat -> steps -> Pgd.builder(threat).optSteps(steps).build()),
            new Growing(
                    "steps of targeted PGD",
                    threat -> steps -> Pgd.builder(threat)
                            .optLoss(LogitLoss.MARGIN)
                            .optTarget(OtherClass.MOST_LIKELY)
                            .optSteps(steps)
                            .build()),
            new Growing(
                    "restarts of PGD",
                    threat -> restarts -> Pgd.builder(threat)
                            .optSteps(2)
                            .optRestarts(restarts)
                            .build()),
            new Growing(
                    "restarts of PGD on KL",
                    threat -> restarts -> Pgd.builder(threat)
                            .optLoss(LogitLoss.KL)
                            .optSteps(2)
                            .optRestarts(restarts)
                            .build()));

    // MKL's batched matrix products round by where in memory a matrix lies, and so by an image's
    // place in the batch, unless this variable asks it not to. The convolution network has none.
    private static final boolean BITWISE_MATRIX_PRODUCTS = System.getenv("MKL_CBWR") != null;

    private static final Shape IMAGE = new Shape(3, 8, 8);
    private static final int SIZE = Math.toIntExact(IMAGE.size());
    private static final int CLASSES = 5;

    private record Candidate(String name, List<Norm> norms, Function<ThreatModel, Attack> create) {

        @Override
        public String toString() {
            return name;
        }
    }

    private record Growing(String name, Function<ThreatModel, IntFunction<Attack>> create) {

        @Override
        public String toString() {
            return name;
        }
    }

    /** A random network, and images of which some are classified wrongly, in a pixel range. */
    private record Scene(
            Norm norm, float relativeEpsilon, float pixelMin, float pixelMax, int random) {

        ThreatModel threat() {
            float range = pixelMax - pixelMin;
            float epsilon = relativeEpsilon * range * (norm == Norm.L2 ? 5 : 1);
            return new ThreatModel(norm, epsilon, pixelMin, pixelMax);
        }

        Block network(NDManager manager) {
            Block conv = Conv2d.builder()
                    .setFilters(4)
                    .setKernelShape(new Shape(3, 3))
                    .optStride(new Shape(2, 2))
                    .build();
            SequentialBlock network = new SequentialBlock()
                    .add(conv)
                    .add(Activation::relu)
                    .add(Blocks.batchFlattenBlock())
                    .add(Linear.builder().setUnits(CLASSES).build());
            double weight = 1 / Math.sqrt(pixelMax - pixelMin);
            network.getParameters()
                    .forEach(p -> p.getValue()
                            .setInitializer(
                                    Golden.initializer(random + p.getKey(), -weight, weight)));
            network.initialize(manager, DataType.FLOAT32, IMAGE_BATCH);
            return network;
        }

        /** Some pixels lie at the borders of the range. */
        NDArray images(NDManager manager, int count) {
            float range = pixelMax - pixelMin;
            return Golden.initializer(
                            "images" + random, pixelMin - 0.1 * range, pixelMax + 0.1 * range)
                    .initialize(manager, batch(count), DataType.FLOAT32)
                    .clip(pixelMin, pixelMax);
        }

        /** Every third image has any label, the others that of the model. */
        NDArray labels(TargetModel model, NDArray images) {
            long[] labels = model.predict(images).head().argMax(1).toLongArray();
            for (int i = 0; i < labels.length; i += 3) {
                labels[i] = Math.floorMod(random + i, CLASSES);
            }
            return images.getManager().create(labels);
        }

        long[] seeds(int count) {
            return IntStream.range(0, count).mapToLong(i -> random + 1000L * i).toArray();
        }
    }

    private static final Shape IMAGE_BATCH = batch(1);

    private static Shape batch(int count) {
        return new Shape(count).addAll(IMAGE);
    }

    @Provide
    Arbitrary<Candidate> attacks() {
        return Arbitraries.of(ATTACKS);
    }

    @Provide
    Arbitrary<Growing> growing() {
        return Arbitraries.of(GROWING);
    }

    @Provide
    Arbitrary<Scene> scenes() {
        // In thousandths of the pixel range.
        Arbitrary<Integer> epsilons = Arbitraries.frequencyOf(
                Tuple.of(1, Arbitraries.of(0, 1000)),
                Tuple.of(6, Arbitraries.integers().between(1, 200)));
        Arbitrary<List<Float>> ranges =
                Arbitraries.of(List.of(0f, 1f), List.of(-1f, 1f), List.of(0f, 255f));
        return Combinators.combine(
                        Arbitraries.of(BOTH),
                        epsilons,
                        ranges,
                        Arbitraries.integers().between(0, 1_000_000))
                .as((norm, epsilon, range, random) ->
                        new Scene(norm, epsilon / 1000f, range.get(0), range.get(1), random));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void imagesStayInReachAndNoneIsPutRight(
            @ForAll("attacks") Candidate candidate, @ForAll("scenes") Scene scene) {
        if (!candidate.norms().contains(scene.norm())) {
            return;
        }
        ThreatModel threat = scene.threat();
        int count = 6;
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model = new TargetModel(scene.network(manager), manager)) {
            NDArray images = scene.images(manager, count);
            float[] before = images.toFloatArray();
            NDArray labels = scene.labels(model, images);
            Attack attack = candidate.create().apply(threat);

            NDArray adversarial = attack.perturb(model, images, labels, scene.seeds(count));

            float[] after = adversarial.toFloatArray();
            assertThat(images.toFloatArray()).isEqualTo(before);
            assertThat(adversarial.getShape()).isEqualTo(images.getShape());
            double slack = ThreatModel.TOLERANCE
                    * Math.max(scene.pixelMax() - scene.pixelMin(), threat.epsilon());
            for (int i = 0; i < count; i++) {
                assertThat(distance(threat.norm(), before, after, i))
                        .isLessThanOrEqualTo(threat.epsilon() + slack);
            }
            for (float pixel : after) {
                assertThat(pixel).isBetween(scene.pixelMin(), scene.pixelMax());
            }
            boolean[] wrongBefore = wrong(model, images, labels);
            boolean[] wrongAfter = wrong(model, adversarial, labels);
            for (int i = 0; i < count; i++) {
                assertThat(wrongAfter[i] || !wrongBefore[i]).isTrue();
            }
        }
    }

    @Property(tries = 25, shrinking = ShrinkingMode.OFF, edgeCases = EdgeCasesMode.NONE)
    void moreEffortNeverLosesAnImage(
            @ForAll("growing") Growing growing, @ForAll("scenes") Scene scene) {
        int count = 16;
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model = new TargetModel(scene.network(manager), manager)) {
            NDArray images = scene.images(manager, count);
            NDArray labels = scene.labels(model, images);
            boolean[] lost = wrong(model, images, labels);
            for (int effort : new int[] {1, 2, 5}) {
                Attack attack = growing.create().apply(scene.threat()).apply(effort);
                boolean[] wrong = wrong(
                        model, attack.perturb(model, images, labels, scene.seeds(count)), labels);
                for (int i = 0; i < count; i++) {
                    assertThat(wrong[i] || !lost[i]).isTrue();
                }
                lost = wrong;
            }
        }
    }

    static Stream<Candidate> everyAttack() {
        return ATTACKS.stream();
    }

    @ParameterizedTest
    @MethodSource("everyAttack")
    void anImagesResultDependsOnItsPixelsLabelAndSeedAlone(Candidate candidate) {
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel conv =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
                TargetModel vit = new TargetModel(TinyNetworks.reMoEVit(manager), manager)) {
            for (Norm norm : candidate.norms()) {
                Attack attack = candidate
                        .create()
                        .apply(new ThreatModel(norm, norm == Norm.L2 ? 0.3f : 0.03f, 0, 1));
                assertBatchesDoNotMatter(attack, conv, manager, 64, true);
                assertBatchesDoNotMatter(attack, vit, manager, 16, BITWISE_MATRIX_PRODUCTS);
            }
        }
    }

    private static void assertBatchesDoNotMatter(
            Attack attack, TargetModel model, NDManager manager, int count, boolean bytes) {
        Scene scene = new Scene(Norm.LINF, 0, 0, 1, 7);
        NDArray images = scene.images(manager, count);
        NDArray labels = scene.labels(model, images);
        long[] seeds = scene.seeds(count);
        NDArray together = attack.perturb(model, images, labels, seeds);
        NDArray again = attack.perturb(model, images, labels, seeds);
        if (bytes) {
            assertThat(Arrays.equals(again.toFloatArray(), together.toFloatArray()))
                    .as("the same seeds give the same bytes again")
                    .isTrue();
        }

        List<Integer> shuffled =
                new ArrayList<>(IntStream.range(0, count).boxed().toList());
        Collections.shuffle(shuffled, new Random(1));
        for (List<Integer> order :
                List.of(shuffled, shuffled.subList(0, 7), shuffled.subList(9, 10))) {
            int[] rows = order.stream().mapToInt(row -> row).toArray();
            NDArray rowLabels = Rows.select(labels, rows);
            NDArray apart = attack.perturb(
                    model,
                    Rows.select(images, rows),
                    rowLabels,
                    Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray());
            NDArray expected = Rows.select(together, rows);
            assertThat(wrong(model, apart, rowLabels))
                    .as("verdicts on %d images in another order", rows.length)
                    .isEqualTo(wrong(model, expected, rowLabels));
            if (bytes) {
                assertThat(Arrays.equals(apart.toFloatArray(), expected.toFloatArray()))
                        .as("%d images in another order have the same bytes", rows.length)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @MethodSource("everyAttack")
    void theResultIsAllThatStaysOpen(Candidate candidate) {
        try (NDManager manager = NDManager.newBaseManager();
                NDManager parameters = NDManager.newBaseManager();
                TargetModel model = new TargetModel(
                        TinyNetworks.golden(parameters, DataType.FLOAT32), parameters)) {
            NDArray images = new Scene(Norm.LINF, 0, 0, 1, 7).images(manager, 6);
            NDArray labels = manager.create(new long[] {0, 1, 2, 3, 4, 0});
            Attack attack = candidate
                    .create()
                    .apply(new ThreatModel(candidate.norms().get(0), 0.02f, 0, 1));
            attack.perturb(model, images, labels, new long[6]).close();
            int held = manager.getManagedArrays().size();
            int heldByParameters = parameters.getManagedArrays().size();

            for (int call = 0; call < 5; call++) {
                NDArray adversarial = attack.perturb(model, images, labels, new long[6]);
                assertThat(adversarial.getManager()).isSameAs(manager);
                assertThat(manager.getManagedArrays()).hasSize(held + 1);
                adversarial.close();
            }

            assertThat(manager.getManagedArrays()).hasSize(held);
            assertThat(parameters.getManagedArrays()).hasSize(heldByParameters);
        }
    }

    @ParameterizedTest
    @MethodSource("everyAttack")
    void whatDoesNotFitIsRefused(Candidate candidate) {
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            Attack attack =
                    candidate.create().apply(new ThreatModel(candidate.norms().get(0), 0.1f, 0, 1));
            NDArray images = manager.full(batch(2), 0.5f);
            NDArray labels = manager.create(new long[] {0, 4});

            assertRefused(attack, model, images, manager.create(new long[] {0, 5}), 2, "0 to 4");
            assertRefused(attack, model, images, manager.create(new long[] {-1, 0}), 2, "0 to 4");
            assertRefused(
                    attack, model, images.add(0.6f), labels, 2, "lie in [0.0, 1.0], got 1.1 to");
            assertRefused(attack, model, images.sub(0.6f), labels, 2, "lie in [0.0, 1.0]");
            NDArray oneNan = images.duplicate();
            oneNan.set(new NDIndex(1, 2, 7, 7), Float.NaN);
            assertRefused(attack, model, oneNan, labels, 2, "lie in [0.0, 1.0], got NaN");
            assertRefused(attack, model, images.reshape(2, -1), labels, 2, "got (2, 192)");
            assertRefused(attack, model, images, labels, 3, "3 seeds for images (2, 3, 8, 8)");
            assertRefused(attack, model, images, labels.expandDims(1), 2, "got labels (2, 1)");
        }
    }

    private static void assertRefused(
            Attack attack,
            TargetModel model,
            NDArray images,
            NDArray labels,
            int seeds,
            String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> attack.perturb(model, images, labels, new long[seeds]))
                .withMessageContaining(message);
    }

    @ParameterizedTest
    @MethodSource("everyAttack")
    void logitsThatAreNotFiniteAreRefused(Candidate candidate) {
        try (NDManager manager = NDManager.newBaseManager()) {
            SequentialBlock network = TinyNetworks.golden(manager, DataType.FLOAT32)
                    .add(list -> new NDList(list.head().mul(Float.NaN)));
            Attack attack =
                    candidate.create().apply(new ThreatModel(candidate.norms().get(0), 0.1f, 0, 1));
            NDArray images = manager.full(batch(2), 0.5f);
            NDArray labels = manager.create(new long[] {0, 4});
            try (TargetModel model = new TargetModel(network, manager)) {
                assertThatExceptionOfType(ArithmeticException.class)
                        .isThrownBy(() -> attack.perturb(model, images, labels, new long[2]))
                        .withMessageContaining("logits are NaN");
            }
        }
    }

    private static double distance(Norm norm, float[] before, float[] after, int image) {
        double largest = 0;
        double squares = 0;
        for (int i = image * SIZE; i < (image + 1) * SIZE; i++) {
            double change = (double) after[i] - before[i];
            largest = Math.max(largest, Math.abs(change));
            squares += change * change;
        }
        return norm == Norm.LINF ? largest : Math.sqrt(squares);
    }

    private static boolean[] wrong(TargetModel model, NDArray images, NDArray labels) {
        return model.predict(images).head().argMax(1).neq(labels).toBooleanArray();
    }
}
