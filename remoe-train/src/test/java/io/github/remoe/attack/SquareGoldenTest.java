package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** Square Attack against auto-attack; {@code src/test/python/square.py} made the numbers. */
class SquareGoldenTest {

    private static final JsonObject FILE = Golden.read("square");

    private static List<JsonObject> golden(String name) {
        return StreamSupport.stream(FILE.getAsJsonArray(name).spliterator(), false)
                .map(JsonElement::getAsJsonObject)
                .toList();
    }

    private static ThreatModel threat(JsonObject golden, float epsilon) {
        Norm norm = Norm.valueOf(golden.get("norm").getAsString().toUpperCase(Locale.ROOT));
        return new ThreatModel(norm, epsilon, 0, 1);
    }

    @Test
    void theScheduleIsAutoAttacks() {
        for (JsonObject golden : golden("schedules")) {
            Square square = Square.builder(ThreatModel.linf(0.1f))
                    .optQueries(golden.get("queries").getAsInt())
                    .optRescaleSchedule(golden.get("rescale").getAsBoolean())
                    .build();
            List<double[]> changes = new ArrayList<>();
            for (int query = 0; query <= 10000; query++) {
                double p = square.fraction(query);
                if (changes.isEmpty() || changes.get(changes.size() - 1)[1] != p) {
                    changes.add(new double[] {query, p});
                }
            }

            assertThat(changes.toArray(double[][]::new))
                    .isDeepEqualTo(new Gson().fromJson(golden.get("changes"), double[][].class));
        }
    }

    @Test
    void theWindowsSidesAreAutoAttacks() {
        for (JsonObject golden : golden("sides")) {
            Shape image = new Shape(
                    3, golden.get("height").getAsInt(), golden.get("width").getAsInt());
            SquareMoves moves = SquareMoves.of(threat(golden, 0.1f), image);

            assertThat(moves.side(golden.get("p").getAsDouble()))
                    .as(golden.toString())
                    .isEqualTo(golden.get("side").getAsInt());
        }
    }

    @Test
    void thePatternsAreAutoAttacks() {
        for (JsonObject golden : golden("patterns")) {
            double[] expected = new Gson().fromJson(golden.get("data"), double[].class);
            double[] pattern = Stream.of(L2Squares.pattern((int) Math.sqrt(expected.length)))
                    .flatMapToDouble(Arrays::stream)
                    .toArray();

            assertThat(pattern).containsExactly(expected, within(1e-6));
        }
    }

    @Test
    void theStartChangesTheRowsAndColumnsThatAutoAttacksDoes() {
        for (JsonObject golden : golden("starts")) {
            int size = golden.get("size").getAsInt();
            float[] grey = new float[3 * size * size];
            Arrays.fill(grey, 0.5f);
            float[] point = new float[grey.length];

            SquareMoves.of(threat(golden, 0.1f), new Shape(3, size, size))
                    .start(grey, point, new SplittableRandom(0));

            int[] changed = new Gson().fromJson(golden.get("changed"), int[].class);
            assertThat(IntStream.range(0, point.length)
                            .filter(i -> point[i] != 0.5f)
                            .boxed())
                    .as(golden.toString())
                    .containsExactlyElementsOf(IntStream.range(0, point.length)
                            .filter(i -> contains(changed, i / size % size))
                            .filter(i -> contains(changed, i % size))
                            .boxed()
                            .toList());
        }
    }

    private static boolean contains(int[] range, int i) {
        return i >= range[0] && i <= range[1];
    }

    @Test
    void successRatesAndMarginsAreAutoAttacks() {
        int seeds = FILE.get("seeds").getAsInt();
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            NDArray images = Golden.input(manager, DataType.FLOAT32, FILE, "square");
            NDArray labels = model.predict(images).head().argMax(1);
            int trials = seeds * Math.toIntExact(images.getShape().get(0));
            for (JsonObject golden : golden("trials")) {
                Attack square = Square.builder(
                                threat(golden, golden.get("epsilon").getAsFloat()))
                        .optQueries(golden.get("queries").getAsInt())
                        .build();

                NDArray points = square.perturb(
                        model,
                        images.repeat(0, seeds),
                        labels.repeat(0, seeds),
                        LongStream.range(0, trials).toArray());

                double[] margins = Arrays.stream(Tensors.doubles(LogitLoss.MARGIN
                                .prepare(model, points, labels.repeat(0, seeds), null)
                                .apply(model.predict(points))))
                        .map(loss -> Math.max(-loss, 0))
                        .toArray();
                double rate = Arrays.stream(margins).filter(m -> m == 0).count() / (double) trials;
                double margin = Arrays.stream(margins).average().orElseThrow();
                double expected = golden.get("rate").getAsDouble();
                // Both are means of as many independent trials: four standard errors of the
                // difference.
                double rateError = Math.sqrt(2 * expected * (1 - expected) / trials);
                double marginError = Math.sqrt(2) * golden.get("marginError").getAsDouble();
                assertThat(rate).as(golden.toString()).isCloseTo(expected, within(4 * rateError));
                assertThat(margin)
                        .as(golden.toString())
                        .isCloseTo(golden.get("margin").getAsDouble(), within(4 * marginError));
            }
        }
    }
}
