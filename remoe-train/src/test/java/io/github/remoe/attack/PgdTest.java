package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.function.UnaryOperator;

class PgdTest {

    private static final int COUNT = 16;

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;
    private long[] seeds;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.initializer("pgd", 0, 1)
                .initialize(manager, new Shape(COUNT, 3, 8, 8), DataType.FLOAT32);
        // All images are classified rightly.
        labels = model.predict(images).head().argMax(1);
        seeds = new long[COUNT];
        for (int i = 0; i < COUNT; i++) {
            seeds[i] = 100 + i;
        }
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static Pgd pgd(UnaryOperator<Pgd.Builder> settings) {
        return settings.apply(Pgd.builder(ThreatModel.linf(0.02f)).optSteps(2)).build();
    }

    private double[] attacked(Attack attack, long[] withSeeds) {
        return Tensors.doubles(attack.perturb(model, images, labels, withSeeds));
    }

    private double[] losses(NDArray adversarial) {
        return Tensors.doubles(CrossEntropy.perImage(model.predict(adversarial).head(), labels));
    }

    @Test
    void sameSeedsGiveTheSameImagesAndOtherSeedsOthers() {
        Attack pgd = pgd(builder -> builder.optRestarts(2));
        double[] first = attacked(pgd, seeds);
        long[] otherSeeds = seeds.clone();
        otherSeeds[COUNT - 1]++;
        double[] other = attacked(pgd, otherSeeds);

        assertThat(attacked(pgd, seeds)).isEqualTo(first);
        assertThat(other).isNotEqualTo(first);
        int size = 3 * 8 * 8;
        int unchanged = (COUNT - 1) * size;
        for (int i = 0; i < unchanged; i++) {
            assertThat(other[i]).isEqualTo(first[i]);
        }
    }

    @Test
    void anImagesResultDoesNotDependOnItsBatch() {
        Attack pgd = pgd(builder -> builder.optRestarts(2));
        double[] together = attacked(pgd, seeds);
        int size = 3 * 8 * 8;

        for (int i = 0; i < COUNT; i += 5) {
            NDArray alone = pgd.perturb(
                    model,
                    images.get(i + ":" + (i + 1)),
                    labels.get(i + ":" + (i + 1)),
                    new long[] {seeds[i]});
            double[] expected = Arrays.copyOfRange(together, i * size, (i + 1) * size);
            assertThat(Tensors.doubles(alone)).containsExactly(expected, within(1e-6));
        }
    }

    @Test
    void moreRestartsNeverDoWorse() {
        NDArray once = pgd(builder -> builder.optSteps(1)).perturb(model, images, labels, seeds);
        NDArray often = pgd(builder -> builder.optSteps(1).optRestarts(6))
                .perturb(model, images, labels, seeds);
        boolean[] wrongOnce = wrong(once);
        boolean[] wrongOften = wrong(often);
        double[] lossOnce = losses(once);
        double[] lossOften = losses(often);

        int better = 0;
        for (int i = 0; i < COUNT; i++) {
            if (wrongOnce[i]) {
                assertThat(wrongOften[i]).isTrue();
            } else if (!wrongOften[i]) {
                assertThat(lossOften[i]).isGreaterThanOrEqualTo(lossOnce[i] - 1e-6);
            }
            if (lossOften[i] > lossOnce[i] + 1e-4) {
                better++;
            }
        }
        assertThat(better).isGreaterThan(COUNT / 2);
    }

    private boolean[] wrong(NDArray adversarial) {
        return model.predict(adversarial).head().argMax(1).neq(labels).toBooleanArray();
    }

    @Test
    void everyAttackRaisesTheLossOfEveryImage() {
        double[] before = losses(images);
        for (Attack attack : new Attack[] {
            new Fgsm(ThreatModel.linf(0.005f)), pgd(b -> b), pgd(b -> b.optSteps(5))
        }) {
            double[] after = losses(attack.perturb(model, images, labels, seeds));
            for (int i = 0; i < COUNT; i++) {
                assertThat(after[i]).isGreaterThan(before[i]);
            }
        }
    }

    @Test
    void epsilonZeroGivesTheCleanImages() {
        double[] clean = Tensors.doubles(images);

        assertThat(attacked(new Fgsm(ThreatModel.linf(0)), seeds)).isEqualTo(clean);
        ThreatModel none = ThreatModel.linf(0);
        assertThat(attacked(Pgd.builder(none).build(), seeds)).isEqualTo(clean);
        assertThat(attacked(Pgd.builder(none).optRestarts(2).build(), seeds)).isEqualTo(clean);
        assertThat(attacked(Pgd.builder(none).optRandomStart(false).build(), seeds))
                .isEqualTo(clean);
    }

    @Test
    void theDefaultsAreTheTrainingAttack() {
        double[] byDefault = attacked(Pgd.builder(ThreatModel.linf(8 / 255f)).build(), seeds);

        assertThat(attacked(
                        Pgd.builder(ThreatModel.linf(8 / 255f))
                                .optStepSize(2 / 255f)
                                .optSteps(10)
                                .optRandomStart(true)
                                .optRestarts(1)
                                .build(),
                        seeds))
                .isEqualTo(byDefault);
    }

    @Test
    void theResultIsAllThatStaysOpen() {
        for (Attack attack : new Attack[] {
            new Fgsm(ThreatModel.linf(0.02f)),
            pgd(b -> b),
            pgd(b -> b.optRandomStart(false)),
            pgd(b -> b.optRestarts(3))
        }) {
            attack.perturb(model, images, labels, seeds).close();
            int held = manager.getManagedArrays().size();
            for (int call = 0; call < 20; call++) {
                NDArray adversarial = attack.perturb(model, images, labels, seeds);
                assertThat(adversarial.getManager()).isSameAs(manager);
                adversarial.close();
            }
            assertThat(manager.getManagedArrays()).hasSize(held);
        }
    }

    @Test
    void insideAScopeTheResultEndsWithIt() {
        double[] outside = attacked(pgd(b -> b), seeds);
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = pgd(b -> b).perturb(model, images, labels, seeds);
            assertThat(Tensors.doubles(adversarial)).isEqualTo(outside);
        }

        assertThat(adversarial.isReleased()).isTrue();
        assertThat(images.isReleased()).isFalse();
    }

    @Test
    void everyImageNeedsASeed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .build()
                        .perturb(model, images, labels, new long[3]))
                .withMessageContaining("3 seeds for images (16, 3, 8, 8)");
    }

    @ParameterizedTest
    @ValueSource(floats = {-0.01f, Float.POSITIVE_INFINITY, Float.NaN})
    void lengthsArePixelValues(float wrong) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(wrong)).build())
                .withMessageContaining("epsilon")
                .withMessageContaining("8/255f");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optStepSize(wrong)
                        .build())
                .withMessageContaining("stepSize");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Fgsm(ThreatModel.linf(wrong)))
                .withMessageContaining("epsilon");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "-1, 1", "1, 0"})
    void thereIsAtLeastOneStepAndOneRun(int steps, int restarts) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optSteps(steps)
                        .optRestarts(restarts)
                        .build())
                .withMessageContaining("at least 1");
    }

    @Test
    void restartsNeedARandomStart() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(ThreatModel.linf(8 / 255f))
                        .optRandomStart(false)
                        .optRestarts(2)
                        .build())
                .withMessageContaining("random start");
    }
}
