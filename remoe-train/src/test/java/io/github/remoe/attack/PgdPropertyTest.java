package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;

/** What holds for every setting. */
class PgdPropertyTest {

    // A few float32 roundings of numbers up to 1.
    private static final float ROUNDING = 2e-7f;

    @Property(tries = 40, shrinking = ShrinkingMode.OFF)
    void resultsStayInTheBallAndInTheCubeAndImagesAsTheyAre(
            @ForAll @FloatRange(max = 1) float epsilon,
            @ForAll @FloatRange(max = 1) float stepSize,
            @ForAll @IntRange(min = 1, max = 4) int steps,
            @ForAll @IntRange(min = 1, max = 2) int restarts,
            @ForAll boolean randomStart,
            @ForAll long seed) {
        Attack pgd = Pgd.builder(ThreatModel.linf(epsilon))
                .optStepSize(stepSize)
                .optSteps(steps)
                .optRandomStart(randomStart)
                .optRestarts(randomStart ? restarts : 1)
                .build();

        assertStays(pgd, epsilon, seed);
    }

    @Property(tries = 20, shrinking = ShrinkingMode.OFF)
    void fgsmStaysInTheBallAndInTheCube(@ForAll @FloatRange(max = 1) float epsilon) {
        assertStays(new Fgsm(ThreatModel.linf(epsilon)), epsilon, 0);
    }

    private static void assertStays(Attack attack, float epsilon, long seed) {
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            // Some pixels at the borders of the cube.
            NDArray images =
                    manager.randomUniform(-0.2f, 1.2f, new Shape(3, 3, 8, 8)).clip(0, 1);
            float[] before = images.toFloatArray();
            NDArray labels = manager.create(new long[] {0, 3, 1});

            float[] after = attack.perturb(
                            model, images, labels, new long[] {seed, seed + 1, seed + 2})
                    .toFloatArray();

            assertThat(images.toFloatArray()).isEqualTo(before);
            assertThat(after).hasSameSizeAs(before);
            for (int i = 0; i < after.length; i++) {
                assertThat(after[i]).isBetween(0f, 1f);
                assertThat(Math.abs(after[i] - before[i])).isLessThanOrEqualTo(epsilon + ROUNDING);
            }
        }
    }
}
