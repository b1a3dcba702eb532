package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;

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
