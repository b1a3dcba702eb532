package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.Arrays;

/**
 * FAB and its projections against auto-attack, DeepFool against foolbox; {@code
 * src/test/python/fab.py} made the numbers.
 */
class FabGoldenTest {

    private static final JsonObject FILE = Golden.read("fab");
    private static final int COUNT = 8;

    private NDManager manager;
    private NDArray images;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        images = Golden.input(manager, DataType.FLOAT32, FILE, "fabImage").clip(0, 1);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Block network(String name) {
        return name.equals("Tiny")
                ? TinyNetworks.golden(manager, DataType.FLOAT32)
                : BentNetwork.create(manager);
    }

    private static double[] data(JsonObject packed) {
        return new Gson().fromJson(packed.get("data"), double[].class);
    }

    private NDArray array(JsonObject packed, Shape shape) {
        return Tensors.array(manager, shape, data(packed));
    }

    @ParameterizedTest
    @EnumSource
    void projectionsAreThoseOfAutoAttack(Norm norm) {
        JsonObject hyperplanes = FILE.getAsJsonObject("hyperplanes");
        Shape shape = new Shape(12, 3, 2, 2);

        NDArray shortest = HyperplaneProjection.shortest(
                new ThreatModel(norm, 0, 0, 1),
                array(hyperplanes.getAsJsonObject("points"), shape),
                array(hyperplanes.getAsJsonObject("normals"), shape),
                array(hyperplanes.getAsJsonObject("change"), new Shape(12)));

        JsonObject golden = FILE.getAsJsonObject("projections").getAsJsonObject(norm.toString());
        assertThat(Tensors.doubles(shortest)).containsExactly(data(golden), within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({
        "Tiny, LINF, 3, 4",
        "Tiny, LINF, 20, 1",
        "Tiny, L2, 3, 4",
        "Tiny, L2, 20, 1",
        "Bent, LINF, 3, 1",
        "Bent, LINF, 20, 3",
        "Bent, LINF, 100, 4",
        "Bent, L2, 3, 1",
        "Bent, L2, 20, 3",
        "Bent, L2, 100, 4"
    })
    void targetedNormsAreThoseOfAutoAttack(
            String network, Norm norm, int steps, int targetClasses) {
        Fab fab = Fab.builder(new ThreatModel(norm, 0.3f, 0, 1))
                .optSteps(steps)
                .optTargetClasses(targetClasses)
                .build();
        double[] golden = data(golden(network, norm)
                .getAsJsonObject("targeted")
                .getAsJsonObject(Integer.toString(steps)));

        int end = targetClasses * COUNT;
        assertAsFar(fab, network, Arrays.copyOfRange(golden, end - COUNT, end));
    }

    @ParameterizedTest
    @CsvSource({
        "Tiny, LINF, 3",
        "Tiny, L2, 3",
        "Bent, LINF, 20",
        "Bent, LINF, 100",
        "Bent, L2, 20",
        "Bent, L2, 100"
    })
    void untargetedNormsAreThoseOfAutoAttack(String network, Norm norm, int steps) {
        Fab fab = Fab.builder(new ThreatModel(norm, 0.3f, 0, 1))
                .optTargeted(false)
                .optSteps(steps)
                .build();
        JsonObject golden = golden(network, norm)
                .getAsJsonObject("untargeted")
                .getAsJsonObject(Integer.toString(steps));

        assertAsFar(fab, network, data(golden));
    }

    private void assertAsFar(Fab fab, String network, double... expected) {
        TargetModel model = new TargetModel(network(network), manager);
        NDArray labels = labels(network);
        NDArray nearest = fab.nearest(model, images, labels, new long[COUNT]);

        assertWrong(model, nearest, labels);
        assertDistances(fab.threatModel(), nearest, expected);
    }

    @ParameterizedTest
    @CsvSource({"Tiny, LINF", "Tiny, L2", "Bent, LINF", "Bent, L2"})
    void deepFoolsNormsAreThoseOfFoolbox(String network, Norm norm) {
        TargetModel model = new TargetModel(network(network), manager);
        NDArray labels = labels(network);
        ThreatModel threat = new ThreatModel(norm, 0, 0, 1);

        NDArray nearest = DeepFool.builder(threat).build().nearest(model, images, labels);

        assertWrong(model, nearest, labels);
        assertDistances(threat, nearest, data(golden(network, norm).getAsJsonObject("deepFool")));
    }

    private static JsonObject golden(String network, Norm norm) {
        return FILE.getAsJsonObject(network).getAsJsonObject(norm.toString());
    }

    private NDArray labels(String network) {
        JsonObject golden = FILE.getAsJsonObject(network);
        return manager.create(new Gson().fromJson(golden.get("labels"), long[].class));
    }

    private static void assertWrong(TargetModel model, NDArray nearest, NDArray labels) {
        assertThat(model.predict(nearest).head().argMax(1).neq(labels).toBooleanArray())
                .doesNotContain(false);
    }

    private void assertDistances(ThreatModel threat, NDArray nearest, double... expected) {
        double[] distances = Tensors.doubles(threat.distance(nearest, images));
        for (int i = 0; i < COUNT; i++) {
            assertThat(distances[i]).isCloseTo(expected[i], within(1e-3 * expected[i]));
        }
    }
}
