package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

class SquareTest {

    private static final int COUNT = 64;
    private static final int SIZE = 3 * 8 * 8;

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        // Some pixels at the ends of the range.
        images = Golden.initializer("squares", -0.2, 1.2)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32)
                .clip(0, 1);
        labels = predicted(images);
        seeds = LongStream.range(100, 100 + COUNT).toArray();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static ThreatModel threat(Norm norm) {
        return new ThreatModel(norm, norm == Norm.LINF ? 0.03f : 0.35f, 0, 1);
    }

    private static Square.Builder square(Norm norm) {
        return Square.builder(threat(norm)).optQueries(60);
    }

    private NDArray predicted(NDArray points) {
        return model.predict(points).head().argMax(1);
    }

    private boolean[] broken(Attack attack) {
        return predicted(attack.perturb(model, images, labels, seeds))
                .neq(labels)
                .toBooleanArray();
    }

    private static int count(boolean[] marks) {
        return (int) IntStream.range(0, marks.length).filter(i -> marks[i]).count();
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void resultsLieInTheBallAndInThePixelRange(Norm norm) {
        double[] before = Tensors.doubles(images);
        NDArray adversarial = square(norm).build().perturb(model, images, labels, seeds);

        assertThat(Tensors.doubles(images)).isEqualTo(before);
        assertThat(Arrays.stream(Tensors.doubles(adversarial)))
                .allMatch(pixel -> pixel >= 0 && pixel <= 1);
        assertThat(Arrays.stream(Tensors.doubles(threat(norm).distance(adversarial, images))))
                .allMatch(d -> d <= threat(norm).epsilon() + ThreatModel.TOLERANCE)
                .allMatch(d -> d > 0.5 * threat(norm).epsilon());
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void otherPixelRangesKeepToTheirs(Norm norm) {
        ThreatModel wide = new ThreatModel(norm, 4 * threat(norm).epsilon(), -1, 3);
        NDArray scaled = images.mul(4).sub(1).clip(-1, 3);

        NDArray adversarial = Square.builder(wide)
                .optQueries(20)
                .build()
                .perturb(model, scaled, predicted(scaled), seeds);

        assertThat(Arrays.stream(Tensors.doubles(adversarial)))
                .allMatch(pixel -> pixel >= -1 && pixel <= 3)
                .anyMatch(pixel -> pixel == -1)
                .anyMatch(pixel -> pixel == 3)
                .anyMatch(pixel -> pixel > 1 && pixel < 3);
        assertThat(Arrays.stream(Tensors.doubles(wide.distance(adversarial, scaled))))
                .allMatch(d -> d <= wide.epsilon() + 4 * ThreatModel.TOLERANCE);
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void misclassifiedImagesComeBackAsTheyAre(Norm norm) {
        NDArray wrong = labels.add(1).mod(5);

        assertThat(Tensors.doubles(square(norm).build().perturb(model, images, wrong, seeds)))
                .isEqualTo(Tensors.doubles(images));
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void anImagesResultDependsOnItsPixelsLabelAndSeedAlone(Norm norm) {
        Attack attack = square(norm).optRestarts(2).build();
        double[] together = Tensors.doubles(attack.perturb(model, images, labels, seeds));
        assertThat(Tensors.doubles(attack.perturb(model, images, labels, seeds)))
                .isEqualTo(together);

        for (int[] rows : new int[][] {{17}, {5, 2, 63, 0, 30, 8, 1}}) {
            double[] some = Tensors.doubles(attack.perturb(
                    model,
                    Rows.select(images, rows),
                    Rows.select(labels, rows),
                    Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray()));
            for (int i = 0; i < rows.length; i++) {
                assertThat(Arrays.copyOfRange(some, i * SIZE, (i + 1) * SIZE))
                        .isEqualTo(
                                Arrays.copyOfRange(together, rows[i] * SIZE, (rows[i] + 1) * SIZE));
            }
        }
    }

    @Test
    void otherSeedsGiveOtherWindows() {
        Attack attack = square(Norm.LINF).build();
        double[] first = Tensors.doubles(attack.perturb(model, images, labels, seeds));
        seeds[3]++;
        double[] other = Tensors.doubles(attack.perturb(model, images, labels, seeds));

        for (int i = 0; i < COUNT; i++) {
            boolean same =
                    Arrays.equals(first, i * SIZE, (i + 1) * SIZE, other, i * SIZE, (i + 1) * SIZE);
            assertThat(same).isEqualTo(i != 3);
        }
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void neitherMoreQueriesNorMoreRestartsLoseAnImage(Norm norm) {
        boolean[] before = new boolean[COUNT];
        for (int[] effort : new int[][] {{1, 1}, {10, 1}, {60, 1}, {60, 2}, {60, 4}}) {
            boolean[] now = broken(
                    square(norm).optQueries(effort[0]).optRestarts(effort[1]).build());
            for (int i = 0; i < COUNT; i++) {
                assertThat(now[i] || !before[i]).isTrue();
            }
            assertThat(count(now)).isBetween(count(before) + 1, COUNT - 1);
            before = now;
        }
    }

    /** What the model is asked for the first image in a search that can never win. */
    private List<float[]> queries(Square attack, int channelsTimesPixels, NDArray image) {
        List<float[]> seen = new ArrayList<>();
        SequentialBlock robust = new SequentialBlock()
                .add(list -> {
                    seen.add(Arrays.copyOf(list.head().toFloatArray(), channelsTimesPixels));
                    return list;
                })
                // The logits are the mean, which every query changes, and far below it.
                .add(list -> new NDList(list.head()
                        .reshape(list.head().size(0), -1)
                        .mean(new int[] {1}, true)
                        .mul(manager.create(new float[] {1, -1000}))
                        .add(manager.create(new float[] {1000, 0}))));
        try (TargetModel target = new TargetModel(robust, manager)) {
            attack.perturb(target, image, manager.create(new long[] {0}), new long[] {7})
                    .close();
        }
        return seen;
    }

    @Test
    void inLInfinityItStartsWithVerticalStripes() {
        float[] grey = new float[3 * 4 * 5];
        Arrays.fill(grey, 0.5f);
        NDArray image = manager.create(grey, new Shape(1, 3, 4, 5));
        Square attack = Square.builder(ThreatModel.linf(0.125f)).optQueries(200).build();

        List<float[]> queries = queries(attack, grey.length, image);

        // The clean image, the start and 200 windows.
        assertThat(queries).hasSize(202);
        float[] start = queries.get(1);
        boolean[] seen = new boolean[2];
        for (int i = 0; i < start.length; i++) {
            int channel = i / 20;
            assertThat(start[i]).isIn(0.375f, 0.625f).isEqualTo(start[channel * 20 + i % 5]);
            seen[start[i] > 0.5f ? 1 : 0] = true;
        }
        assertThat(seen).containsExactly(true, true);
    }

    @Test
    void inLInfinityAQueryPaintsOneSquareInEveryChannel() {
        float[] clean = new float[3 * 8 * 8];
        Arrays.fill(clean, 0.5f);
        SplittableRandom random = new SplittableRandom(5);
        SquareMoves moves = SquareMoves.of(ThreatModel.linf(0.125f), new Shape(3, 8, 8));
        boolean[] corners = new boolean[64];
        for (int query = 0; query < 500; query++) {
            float[] point = clean.clone();
            moves.move(clean, point, 3, random);

            int[] changed = IntStream.range(0, 64).filter(i -> point[i] != 0.5f).toArray();
            int corner = changed[0];
            int[] window =
                    IntStream.range(0, 9).map(i -> corner + i / 3 * 8 + i % 3).toArray();
            assertThat(changed).isEqualTo(window);
            for (int channel = 0; channel < 3; channel++) {
                for (int i : window) {
                    // A move of 2 epsilon ends at the ball.
                    assertThat(point[channel * 64 + i])
                            .isIn(0.375f, 0.625f)
                            .isEqualTo(point[channel * 64 + corner]);
                }
            }
            corners[corner] = true;
        }
        // As in auto-attack, the last row and column are left out: 0 to 4 of 0 to 5.
        for (int i = 0; i < 64; i++) {
            assertThat(corners[i]).isEqualTo(i / 8 < 5 && i % 8 < 5);
        }
    }

    @Test
    void aSquareTwiceAsLargeAsEpsilonTurnsThePointAround() {
        float[] clean = {0.5f, 0.5f, 0.5f, 0.5f};
        SquareMoves moves = SquareMoves.of(ThreatModel.linf(0.125f), new Shape(1, 2, 2));
        SplittableRandom random = new SplittableRandom(0);
        List<Float> seen = new ArrayList<>();
        for (int query = 0; query < 20; query++) {
            float[] point = {0.375f, 0.625f, 0.375f, 0.625f};
            moves.move(clean, point, 2, random);
            assertThat(point[0]).isEqualTo(point[1]).isEqualTo(point[2]).isEqualTo(point[3]);
            seen.add(point[0]);
        }
        assertThat(seen).containsOnly(0.375f, 0.625f).contains(0.375f, 0.625f);
    }

    @Test
    void inL2AQueryMovesTheLengthOfOneWindowIntoAnother() {
        float[] clean = new float[2 * 12 * 12];
        Arrays.fill(clean, 0.5f);
        ThreatModel threat = ThreatModel.l2(0.5f);
        SquareMoves moves = SquareMoves.of(threat, new Shape(2, 12, 12));
        SplittableRandom random = new SplittableRandom(3);
        float[] start = new float[clean.length];
        moves.start(clean, start, random);
        assertThat(length(start, clean)).isCloseTo(0.5, within(1e-6));
        int apart = 0;
        for (int query = 0; query < 100; query++) {
            float[] point = start.clone();
            moves.move(clean, point, 3, random);

            // The point used the whole ball, so nothing but the windows changes.
            int[] changed = IntStream.range(0, 144)
                    .filter(i -> Math.abs(point[i] - start[i]) > 1e-6
                            || Math.abs(point[144 + i] - start[144 + i]) > 1e-6)
                    .toArray();
            assertThat(changed.length).isLessThanOrEqualTo(18);
            assertThat(length(point, clean)).isCloseTo(0.5, within(1e-6));
            long emptied = Arrays.stream(changed).filter(i -> point[i] == 0.5f).count();
            apart += emptied == 9 ? 1 : 0;
        }
        assertThat(apart).isGreaterThan(20);
    }

    private static double length(float[] point, float[] clean) {
        return Math.sqrt(IntStream.range(0, point.length)
                .mapToDouble(i -> (double) point[i] - clean[i])
                .map(d -> d * d)
                .sum());
    }

    @Test
    void aFoundImageIsNotQueriedAgain() {
        List<Long> rows = new ArrayList<>();
        SequentialBlock spying = new SequentialBlock()
                .add(list -> {
                    rows.add(list.head().size(0));
                    return list;
                })
                .add(TinyNetworks.golden(manager, DataType.FLOAT32));
        try (TargetModel spied = new TargetModel(spying, manager)) {
            NDArray points = square(Norm.LINF).build().perturb(spied, images, labels, seeds);

            long robust = predicted(points).eq(labels).countNonzero().getLong();
            assertThat(rows).hasSize(62).isSortedAccordingTo((a, b) -> Long.compare(b, a));
            assertThat(rows.get(0)).isEqualTo(COUNT);
            // Batches are filled up to whole fours.
            assertThat(rows.get(61)).isBetween(robust, robust + 7).isLessThan(COUNT - 12);
        }
    }

    @Test
    void whereItDoesNotWinTheMarginIsTheSmallestOfAllRuns() {
        ThreatModel small = ThreatModel.linf(0.004f);
        double[] once = margins(Square.builder(small).optQueries(20).build());
        double[] often =
                margins(Square.builder(small).optQueries(20).optRestarts(3).build());

        int better = 0;
        for (int i = 0; i < COUNT; i++) {
            if (once[i] < 0) {
                assertThat(often[i]).isGreaterThanOrEqualTo(once[i]);
                better += often[i] > once[i] ? 1 : 0;
            }
        }
        assertThat(better).isGreaterThan(COUNT / 4);
    }

    private double[] margins(Attack attack) {
        NDArray points = attack.perturb(model, images, labels, seeds);
        return Tensors.doubles(
                LogitLoss.MARGIN.prepare(model, images, labels, null).apply(model.predict(points)));
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void epsilonZeroGivesTheCleanImages(Norm norm) {
        Attack none =
                Square.builder(new ThreatModel(norm, 0, 0, 1)).optQueries(5).build();

        assertThat(Tensors.doubles(none.perturb(model, images, labels, seeds)))
                .isEqualTo(Tensors.doubles(images));
    }

    @ParameterizedTest
    @CsvSource({"LINF, 1, 1", "L2, 1, 1", "L2, 3, 9", "L2, 4, 2", "L2, 14, 11", "L2, 11, 14"})
    void imagesOfAnySizeCanBeAttacked(Norm norm, int height, int width) {
        NDArray image = manager.full(new Shape(1, 3, height, width), 0.5f);
        Square attack = Square.builder(new ThreatModel(norm, 0.1f, 0, 1))
                .optQueries(300)
                .build();

        for (float[] query : queries(attack, 3 * height * width, image)) {
            for (float pixel : query) {
                assertThat(pixel).isBetween(0.4f - 1e-6f, 0.6f + 1e-6f);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Norm.class)
    void theResultIsAllThatStaysOpen(Norm norm) {
        Attack attack = square(norm).optQueries(12).optRestarts(2).build();
        attack.perturb(model, images, labels, seeds).close();
        int held = manager.getManagedArrays().size();
        for (int call = 0; call < 10; call++) {
            NDArray adversarial = attack.perturb(model, images, labels, seeds);
            assertThat(adversarial.getManager()).isSameAs(manager);
            adversarial.close();
        }
        assertThat(manager.getManagedArrays()).hasSize(held);
    }

    @Test
    void insideAScopeTheResultEndsWithIt() {
        Attack attack = square(Norm.LINF).optQueries(5).build();
        double[] outside = Tensors.doubles(attack.perturb(model, images, labels, seeds));
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = attack.perturb(model, images, labels, seeds);
            assertThat(Tensors.doubles(adversarial)).isEqualTo(outside);
        }

        assertThat(adversarial.isReleased()).isTrue();
        assertThat(images.isReleased()).isFalse();
    }

    @Test
    void labelsAreClassesOfTheModel() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        square(Norm.LINF).build().perturb(model, images, labels.add(3), seeds))
                .withMessageContaining("classes 0 to 4");
    }

    @Test
    void theDefaultsAreAutoAttacks() {
        assertThat(Square.builder(ThreatModel.linf(8 / 255f)).build())
                .isEqualTo(new Square(ThreatModel.linf(8 / 255f), 5000, 0.8, 1, false));
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 1", "1, 0"})
    void thereIsAtLeastOneQueryAndOneRun(int queries, int restarts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Square.builder(ThreatModel.linf(0.1f))
                        .optQueries(queries)
                        .optRestarts(restarts)
                        .build())
                .withMessageContaining("at least 1 query");
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -0.1, 1.1, Double.NaN})
    void theFractionIsAShareOfTheImage(double wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Square.builder(ThreatModel.linf(0.1f))
                        .optInitialFraction(wrong)
                        .build())
                .withMessageContaining("initialFraction");
    }
}
