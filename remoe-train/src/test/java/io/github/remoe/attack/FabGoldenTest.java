package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

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
    private TargetModel model;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.input(manager, DataType.FLOAT32, FILE, "fabImage").clip(0, 1);
        labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
    }

    @AfterEach
    void close() {
        manager.close();
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

        JsonObject golden = FILE.getAsJsonObject(norm.toString()).getAsJsonObject("projections");
        assertThat(Tensors.doubles(shortest)).containsExactly(data(golden), within(1e-5));
    }

    @ParameterizedTest
    @CsvSource({"LINF, 3", "LINF, 20", "LINF, 100", "L2, 3", "L2, 20", "L2, 100"})
    void normsAreThoseOfAutoAttack(Norm norm, int steps) {
        JsonObject golden = FILE.getAsJsonObject(norm.toString());
        Fab.Builder fab = Fab.builder(new ThreatModel(norm, 0.3f, 0, 1)).optSteps(steps);

        double[] targeted =
                data(golden.getAsJsonObject("targeted").getAsJsonObject(Integer.toString(steps)));
        for (int classes = 1; classes <= 4; classes++) {
            assertDistances(
                    fab.optTargetClasses(classes).build(),
                    Arrays.copyOfRange(targeted, (classes - 1) * COUNT, classes * COUNT));
        }
        double[] untargeted =
                data(golden.getAsJsonObject("untargeted").getAsJsonObject(Integer.toString(steps)));
        assertDistances(fab.optTargeted(false).build(), untargeted);
    }

    private void assertDistances(Fab fab, double... expected) {
        NDArray nearest = fab.nearest(model, images, labels, new long[COUNT]);
        assertWrongAndAsFar(fab.threatModel(), nearest, expected);
    }

    @ParameterizedTest
    @EnumSource
    void deepFoolsNormsAreThoseOfFoolbox(Norm norm) {
        ThreatModel threat = new ThreatModel(norm, 0, 0, 1);
        JsonObject golden = FILE.getAsJsonObject(norm.toString()).getAsJsonObject("deepFool");

        NDArray nearest = DeepFool.builder(threat).build().nearest(model, images, labels);

        assertWrongAndAsFar(threat, nearest, data(golden));
    }

    private void assertWrongAndAsFar(ThreatModel threat, NDArray nearest, double... expected) {
        assertThat(model.predict(nearest).head().argMax(1).neq(labels).toBooleanArray())
                .doesNotContain(false);
        double[] distances = Tensors.doubles(threat.distance(nearest, images));
        for (int i = 0; i < COUNT; i++) {
            assertThat(distances[i]).isCloseTo(expected[i], within(1e-4 * expected[i]));
        }
    }
}
