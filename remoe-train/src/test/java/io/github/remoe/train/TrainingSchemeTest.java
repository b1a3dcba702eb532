package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.attack.Attack;
import io.github.remoe.loss.RegionLosses;

import org.junit.jupiter.api.Test;

class TrainingSchemeTest {

    private static final Attack BRIGHTER = (model, images, labels, seeds) -> images.add(1);
    private static final RegionLosses REGIONS = new RegionLosses(true, 0.5f, 1);

    /** What a scheme says that it predicts is what it predicts. */
    private static void assertPredicts(TrainingScheme scheme, boolean clean, boolean adversarial) {
        assertThat(scheme.predictsClean()).isEqualTo(clean);
        assertThat(scheme.predictsAdversarial()).isEqualTo(adversarial);
        try (NDManager manager = NDManager.newBaseManager()) {
            NDArray images = manager.zeros(new Shape(2, 3, 4, 4));
            NDList inputs =
                    scheme.inputs(null, images, manager.zeros(new Shape(2)), new long[] {1, 2});

            assertThat(inputs).hasSize((clean ? 1 : 0) + (adversarial ? 1 : 0));
            assertThat(inputs.get(0).max().getFloat()).isEqualTo(clean ? 0 : 1);
            assertThat(inputs.get(inputs.size() - 1).max().getFloat())
                    .isEqualTo(adversarial ? 1 : 0);
        }
    }

    @Test
    void schemesTellWhatTheyPredict() {
        assertPredicts(new Nat(), true, false);
        assertPredicts(new Sat(BRIGHTER), false, true);
        assertPredicts(new Sat(BRIGHTER, REGIONS), true, true);
        assertPredicts(new FastAt(BRIGHTER, RegionLosses.NONE), false, true);
        assertPredicts(new FastAt(BRIGHTER, REGIONS), true, true);
        assertPredicts(new Mart(BRIGHTER, 6, REGIONS), true, true);
        assertPredicts(new Trades(BRIGHTER, 6, RegionLosses.NONE), true, true);
        assertPredicts(new Trades(BRIGHTER, 6, REGIONS), true, true);
    }
}
