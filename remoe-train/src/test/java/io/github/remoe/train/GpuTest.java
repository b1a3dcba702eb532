package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;

import io.github.remoe.Tensors;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.train.DataParallelTest.Step;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.stream.IntStream;

class GpuTest {

    // Convolutions on a GPU may round their operands to 10 bits (TF32).
    private static final double DIFFERENCE_OF_DEVICES = 1e-2;

    @BeforeEach
    void needsAGpu() {
        assumeTrue(Engine.getInstance().getGpuCount() > 0, "PyTorch sees no GPU");
    }

    @Test
    void anAdversarialStepGivesTheLossOfTheCpu() {
        double cpu = loss(Device.cpu());

        assertThat(loss(Device.gpu())).isCloseTo(cpu, within(1e-3));
    }

    /** The CPU stands for a second GPU: parts and gradients cross from device to device all the same. */
    @Test
    void aBatchSplitOverGpuAndCpuGivesTheGradientOfTheWhole() {
        assertSplitGivesTheGradientOfTheWhole(Device.gpu(), Device.cpu());
    }

    @Test
    void aBatchSplitOverTwoGpusGivesTheGradientOfTheWhole() {
        needsTwoGpus();

        assertSplitGivesTheGradientOfTheWhole(Device.gpu(0), Device.gpu(1));
    }

    @Test
    void anAttackSplitOverGpuAndCpuFindsTheSameImages() {
        assertSplitAttackFindsTheSameImages(Device.gpu(), Device.cpu());
    }

    @Test
    void anAttackSplitOverTwoGpusFindsTheSameImages() {
        needsTwoGpus();

        assertSplitAttackFindsTheSameImages(Device.gpu(0), Device.gpu(1));
    }

    @Test
    void optimizerAndAverageGoOnFromTheirStates() {
        assertGoesOnFromItsState(Device.gpu());
    }

    private static void assertGoesOnFromItsState(Device device) {
        try (NDManager manager = NDManager.newBaseManager(device);
                NDManager host = NDManager.newBaseManager(Device.cpu())) {
            ParameterBlock network = new ParameterBlock().with("w", Parameter.Type.WEIGHT, 3, 2);
            network.initialize(manager, DataType.FLOAT32, new Shape(1));
            NDArray weight = network.getParameters().get("w").getArray();
            TorchAdamW whole = adamW();
            WeightAverage average = WeightAverage.exponential(network, 0.5f, true);
            step(network, whole, average);
            // As if read from a file.
            NDList state = host(whole.getState(network, manager), host);
            NDList averages = host(average.getState(manager), host);
            NDArray start = weight.stopGradient().duplicate();
            step(network, whole, average);
            double[] expected = Tensors.doubles(weight);
            double[] expectedAverage = averaged(network, average);

            weight.stopGradient().set(new NDIndex("..."), start);
            TorchAdamW resumed = adamW();
            resumed.load(network, state, device);
            average.load(averages);
            step(network, resumed, average);

            assertThat(Tensors.doubles(weight)).isEqualTo(expected);
            assertThat(averaged(network, average)).isEqualTo(expectedAverage);
        }
    }

    private static TorchAdamW adamW() {
        return TorchAdamW.builder()
                .setLearningRateTracker(new WarmUpCosine(0.1f, 2, 5, 0))
                .optWeightDecays(0.1f)
                .build();
    }

    private static void step(ParameterBlock network, TorchAdamW optimizer, WeightAverage average) {
        NDArray weight = network.getParameters().get("w").getArray();
        Tensors.backward(() -> weight.square().sum());
        network.update(optimizer);
        average.update();
    }

    private static double[] averaged(ParameterBlock network, WeightAverage average) {
        try (WeightAverage.Swap swap = average.swap()) {
            return Tensors.doubles(network.getParameters().get("w").getArray());
        }
    }

    private static NDList host(NDList arrays, NDManager host) {
        NDList copies = new NDList();
        for (NDArray array : arrays) {
            NDArray copy = array.toDevice(Device.cpu(), true);
            copy.attach(host);
            copy.setName(array.getName());
            copies.add(copy);
        }
        return copies;
    }

    private static void needsTwoGpus() {
        int gpus = Engine.getInstance().getGpuCount();
        assumeTrue(gpus > 1, "PyTorch sees " + gpus + " GPU, two are needed");
    }

    private static void assertSplitGivesTheGradientOfTheWhole(Device... devices) {
        // A gradient's sign, where it is nearly zero, is not the same on every device.
        Attack negative = (model, images, labels, seeds) -> images.neg().add(1);

        Step.on(negative, 12, devices)
                .assertCloseTo(Step.on(negative, 12, devices[0]), DIFFERENCE_OF_DEVICES);
    }

    private static void assertSplitAttackFindsTheSameImages(Device... devices) {
        double[] split = Step.on(DataParallelTest.PGD_2, 12, devices).attacked();
        double[] whole = Step.on(DataParallelTest.PGD_2, 12, devices[0]).attacked();

        assertThat(split).hasSameSizeAs(whole);
        assertThat(IntStream.range(0, whole.length)
                        .filter(i -> Math.abs(split[i] - whole[i]) < 1e-6)
                        .count())
                .isGreaterThan(Math.round(0.98 * whole.length));
    }

    /** The loss of the third step: after two updates, the backward pass has its say too. */
    private static double loss(Device device) {
        TrainingScheme scheme = new Sat(
                Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(2).build(),
                new RegionLosses(true, 0.5f, 1));
        try (TinyTraining training =
                new TinyTraining(TinyNetworks.reMoEVit(), scheme, 0.01f, device)) {
            return training.steps(3).losses.get(2);
        }
    }
}
