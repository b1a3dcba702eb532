package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.initializer.Initializer;

import io.github.remoe.Tensors;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.ParameterChecksum;
import io.github.remoe.weights.SafeTensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

class WeightAverageTest {

    private NDManager manager;
    private ParameterBlock network;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        network = new ParameterBlock()
                .with("weight", Parameter.Type.WEIGHT, 2)
                .with("frozen", Parameter.Type.OTHER, 1, 1);
        network.getParameters().forEach(p -> p.getValue().setInitializer(Initializer.ZEROS));
        network.initialize(manager, DataType.FLOAT32, new Shape(1));
        network.getParameters().get("frozen").freeze(true);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray weight() {
        return network.getParameters().get("weight").getArray();
    }

    private void set(double... numbers) {
        weight().stopGradient()
                .set(new NDIndex("..."), Tensors.array(manager, new Shape(2), numbers));
    }

    private double[] averaged(WeightAverage average) {
        try (WeightAverage.Swap swap = average.swap()) {
            return Tensors.doubles(weight());
        }
    }

    @Test
    void anExponentialAverageDecaysFromTheStart() {
        set(8, -8);
        WeightAverage average = WeightAverage.exponential(network, 0.75f, false);
        assertThat(averaged(average)).containsExactly(8, -8);

        set(0, 4);
        average.update();
        // 0.75 x 8 + 0.25 x 0, 0.75 x -8 + 0.25 x 4
        assertThat(averaged(average)).containsExactly(6, -5);
        average.update();
        assertThat(averaged(average)).containsExactly(4.5, -2.75);
        assertThat(average.getUpdates()).isEqualTo(2);
    }

    @Test
    void theDecayCanBeWarmedUp() {
        WeightAverage average = WeightAverage.exponential(network, 0.25f, true);
        set(1, 10);

        average.update();
        // The decay is 1/10, then 2/11, then 3/12 = 0.25, then no more.
        assertThat(averaged(average)).containsExactly(new double[] {0.9, 9}, within(1e-6));
        set(0, 0);
        double expected = 0.9;
        for (double decay : new double[] {2 / 11.0, 0.25, 0.25}) {
            average.update();
            expected *= decay;
            assertThat(averaged(average))
                    .containsExactly(new double[] {expected, 10 * expected}, within(1e-6));
        }
    }

    @Test
    void inAnEqualAverageAllWeightsCountTheSame() {
        set(100, 100);
        WeightAverage average = WeightAverage.equal(network);
        double[][] weights = {{1, 0.1}, {2, 4}, {6, 1}};
        double[][] means = {{1, 0.1f}, {1.5, 2.05}, {3, 1.7}};

        for (int i = 0; i < weights.length; i++) {
            set(weights[i]);
            average.update();
            assertThat(averaged(average)).containsExactly(means[i], within(1e-6));
        }
    }

    @Test
    void anEqualAverageOfOneIsThatOneExactly() {
        set(1e30, 1e30);
        WeightAverage average = WeightAverage.equal(network);
        set(0.1, -0.3);
        average.update();

        assertThat(averaged(average)).containsExactly(0.1f, -0.3f);
    }

    @Test
    void thereIsNoEqualAverageOfNothing() {
        assertThatIllegalStateException()
                .isThrownBy(() -> WeightAverage.equal(network).swap())
                .withMessageContaining("no average yet");
    }

    @Test
    void aSwapIsUndoneBitForBit() {
        set(-0.0, Double.NaN);
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        set(0.1, 1e-42);
        String own = ParameterChecksum.of(network);
        WeightAverage.Swap swap = average.swap();
        assertThat(weight().toFloatArray()).containsExactly(-0.0f, Float.NaN);
        assertThat(ParameterChecksum.of(network)).isNotEqualTo(own);

        swap.close();
        assertThat(ParameterChecksum.of(network)).isEqualTo(own);
        swap.close();
        assertThat(ParameterChecksum.of(network)).isEqualTo(own);
        assertThat(averaged(average)).containsExactly(-0.0, Double.NaN);
    }

    @Test
    void whatHoldsTheAverageIsNotAveraged() {
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        try (WeightAverage.Swap swap = average.swap()) {
            assertThatIllegalStateException()
                    .isThrownBy(average::update)
                    .withMessageContaining("holds the average");
            assertThatIllegalStateException().isThrownBy(average::swap);
            assertThatIllegalStateException().isThrownBy(() -> average.getState(manager));
            assertThatIllegalStateException().isThrownBy(() -> average.load(new NDList()));
        }
        average.update();
    }

    @Test
    void closingGivesTheWeightsBackAndFreesTheAverage() {
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        set(1, 2);
        average.swap();
        average.close();

        assertThat(Tensors.doubles(weight())).containsExactly(1, 2);
        assertThatIllegalStateException().isThrownBy(average::update);
    }

    @Test
    void aTrainingGoesOnAfterASwap() {
        // The swap must leave gradients, and the optimizer's hold on the weights, alone.
        set(1, 1);
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        set(4, 4);
        Tensors.backward(() -> weight().square().sum());

        averaged(average);

        assertThat(Tensors.doubles(weight().getGradient())).containsExactly(8, 8);
        Tensors.backward(() -> weight().square().sum());
        assertThat(Tensors.doubles(weight().getGradient())).containsExactly(16, 16);
    }

    @Test
    void anAverageGoesOnFromItsState(@TempDir Path folder) throws IOException {
        WeightAverage whole = WeightAverage.exponential(network, 0.9f, true);
        set(0.1, 0.2);
        whole.update();
        Path file = folder.resolve("average.safetensors");
        NDList state = whole.getState(manager);
        assertThat(state.stream().map(NDArray::getName))
                .containsExactlyInAnyOrder(
                        "average.updates", "average.value.weight", "average.value.frozen");
        SafeTensors.save(file, state, Map.of());
        set(0.7, 0.3);
        whole.update();

        WeightAverage resumed = WeightAverage.exponential(network, 0.9f, true);
        resumed.load(SafeTensors.load(file, manager));
        assertThat(resumed.getUpdates()).isEqualTo(1);
        resumed.update();

        assertThat(averaged(resumed)).isEqualTo(averaged(whole));
    }

    @Test
    void anotherNetworksAverageIsRefused() {
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        NDList state = average.getState(manager);
        state.removeIf(array -> array.getName().endsWith("weight"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> average.load(state))
                .withMessageContaining("saved average of the weights lacks 'average.value.weight'");

        NDList more = average.getState(manager);
        NDArray unknown = manager.zeros(new Shape(1));
        unknown.setName("average.value.other");
        more.add(unknown);
        more.get("average.value.weight").addi(1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> average.load(more))
                .withMessageContaining("average.value.other");
        // Nothing of it was taken.
        assertThat(averaged(average)).containsExactly(0, 0);
    }

    @Test
    void updatesAndSwapsLeaveNothingOpen() {
        WeightAverage average = WeightAverage.exponential(network, 0.5f, false);
        NDList state = average.getState(manager);
        int before = manager.getManagedArrays().size();

        for (int i = 0; i < 10; i++) {
            average.update();
            average.swap().close();
            average.load(state);
        }

        assertThat(manager.getManagedArrays()).hasSize(before);
    }

    @Test
    void anotherThreadCanAverage() throws Exception {
        // Autograd records on every thread but the one that loaded DJL.
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        String own = ParameterChecksum.of(vit);

        CompletableFuture.runAsync(() -> {
                    WeightAverage average = WeightAverage.exponential(vit, 0.5f, true);
                    average.update();
                    average.swap().close();
                })
                .get();

        assertThat(ParameterChecksum.of(vit)).isEqualTo(own);
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.1f, 0, 1, Float.NaN})
    void theDecayIsBetweenZeroAndOne(float decay) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> WeightAverage.exponential(network, decay, false))
                .withMessageContaining("decay of the average must be between 0 and 1");
    }
}
