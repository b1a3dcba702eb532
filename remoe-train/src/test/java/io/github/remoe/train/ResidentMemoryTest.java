package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.ProcessMemory;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.RegionLosses;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The memory of the whole process, Java's heap and PyTorch's, over many steps. The heap is collected
 * so often that only its first part is ever touched.
 */
@EnabledOnOs(value = OS.LINUX, disabledReason = "reads /proc/self/status")
class ResidentMemoryTest {

    private static final int STEPS = 1000;
    private static final int WARM_UP = 100;
    private static final int LOOK_EVERY = 20;
    // 15 kB a step.
    private static final long GROWTH_KILOBYTES = 6_000;

    @Test
    void trainingDoesNotGrow() throws IOException {
        TrainingScheme scheme = new Sat(
                Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(2).build(),
                new RegionLosses(true, 0.5f, 1));
        try (TinyTraining training = new TinyTraining(TinyNetworks.reMoEVit(), scheme, 0.01f)) {
            assertDoesNotGrow(() -> training.steps(1));
        }
    }

    @Test
    void attacksDoNotGrow() throws IOException {
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model = new TargetModel(TinyNetworks.reMoEVit(manager), manager)) {
            // A call is one step on images of its own.
            Attack attack = Pgd.builder(ThreatModel.linf(8 / 255f)).optSteps(1).build();
            long[] seeds = new long[TinyTraining.BATCH];
            assertDoesNotGrow(() -> {
                try (NDManager own = manager.newSubManager()) {
                    NDArray labels = own.zeros(new Shape(TinyTraining.BATCH), DataType.INT64);
                    attack.perturb(model, TinyTraining.images(own), labels, seeds);
                }
            });
        }
    }

    private static void assertDoesNotGrow(Runnable step) throws IOException {
        List<Long> resident = new ArrayList<>();
        for (int i = 1; i <= STEPS; i++) {
            step.run();
            if (i > WARM_UP && i % LOOK_EVERY == 0) {
                resident.add(ProcessMemory.resident() / 1024);
            }
        }
        int window = 5;
        int middle = resident.size() / 2;
        long early = median(resident.subList(0, window));
        long half = median(resident.subList(middle, middle + window));
        long late = median(resident.subList(resident.size() - window, resident.size()));

        assertThat((double) late / early)
                .as("resident after 1000 steps over 100: %s kB", resident)
                .isLessThan(1.03);
        // The virtual machine now and then takes some memory once; a leak grows in both halves.
        assertThat(Math.min(half - early, late - half))
                .as("kB more resident in each half of %s", resident)
                .isLessThan(GROWTH_KILOBYTES);
    }

    private static long median(List<Long> values) {
        return values.stream().sorted().skip(values.size() / 2).findFirst().orElseThrow();
    }
}
