package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.djl.Device;
import ai.djl.engine.Engine;

import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.RegionLosses;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GpuTest {

    @BeforeEach
    void needsAGpu() {
        assumeTrue(Engine.getInstance().getGpuCount() > 0, "PyTorch sees no GPU");
    }

    @Test
    void anAdversarialStepGivesTheLossOfTheCpu() {
        double cpu = loss(Device.cpu());

        assertThat(loss(Device.gpu())).isCloseTo(cpu, within(1e-3));
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
