package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.KlDivergence;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

class TradesPgdTest {

    private static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);

    private NDManager manager;
    private TargetModel model;
    private NDArray images;
    private NDArray labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        model = new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager);
        images = Golden.initializer("image", 0, 1)
                .initialize(manager, new Shape(4, 3, 8, 8), DataType.FLOAT32);
        labels = manager.create(new long[] {0, 3, 1, 4});
    }

    @AfterEach
    void close() {
        model.close();
        manager.close();
    }

    private double[] divergences(NDArray adversarial) {
        return Tensors.doubles(KlDivergence.perImage(
                model.predict(images).head(), model.predict(adversarial).head()));
    }

    @Test
    void theStartIsTheImageWithALittleGaussianNoise() {
        NDArray middle = images.zerosLike().add(0.5);

        NDArray start = new TradesPgd(THREAT, LogitLoss.KL, 0, 1).perturb(model, middle, labels, 7);

        double[] noise = Tensors.doubles(start.sub(middle));
        assertThat(Arrays.stream(noise).average().orElseThrow()).isCloseTo(0, within(1e-4));
        assertThat(Arrays.stream(noise).map(x -> x * x).average().orElseThrow())
                .isCloseTo(1e-6, within(1e-7));
    }

    @Test
    void theDivergenceGrowsFarFromThatOfTheStartAndTheBallIsKept() {
        NDArray start = new TradesPgd(THREAT, LogitLoss.KL, 0, 1).perturb(model, images, labels, 7);
        NDArray end =
                new TradesPgd(THREAT, LogitLoss.KL, 2 / 255f, 10).perturb(model, images, labels, 7);

        double[] before = divergences(start);
        double[] after = divergences(end);
        for (int i = 0; i < 4; i++) {
            assertThat(after[i]).isGreaterThan(100 * Math.abs(before[i])).isGreaterThan(1e-4);
        }
        assertThat(THREAT.distance(end, images).max().getFloat()).isLessThan(8 / 255f + 1e-6f);
    }

    @Test
    void theLabelsDoNotMatterToTheDivergence() {
        Attack attack = new TradesPgd(THREAT, LogitLoss.KL, 2 / 255f, 3);
        NDArray soft = labels.oneHot(5).mul(0.9).add(0.02);

        double[] hard = Tensors.doubles(attack.perturb(model, images, labels, 7));

        assertThat(Tensors.doubles(attack.perturb(model, images, soft, 7))).isEqualTo(hard);
        assertThat(Tensors.doubles(attack.perturb(model, images, labels, 8))).isNotEqualTo(hard);
    }

    @Test
    void aTrainingAttackOnCrossEntropyGoesUpTheSoftOne() {
        try (TargetModel linear = new TargetModel(LinearNetwork.create(manager), manager)) {
            NDArray middle = Tensors.array(manager, new Shape(1, 1, 1, 3), LinearNetwork.MIDDLE);
            NDArray soft = Tensors.array(manager, new Shape(1, 3), 0, 0.3, 0.7);
            Attack step = Pgd.builder(ThreatModel.linf(0.1f))
                    .optSteps(1)
                    .optStepSize(0.1f)
                    .optRandomStart(false)
                    .optLastPoint(true)
                    .build();

            // softmax(0, -0.9, -0.45) = (0.489, 0.199, 0.312), so the slopes by the logits are
            // (0.489, -0.101, -0.388), and -0.101 (1, 2, -2) - 0.388 (1, 0, 0) those by the pixels.
            assertThat(Tensors.doubles(step.perturb(linear, middle, soft, 0)))
                    .containsExactly(new double[] {0.4, 0.4, 0.6}, within(1e-6));
            // With class 2 alone: 0.199 (1, 2, -2) - 0.688 (1, 0, 0).
            NDArray hard = manager.create(new long[] {2});
            assertThat(Tensors.doubles(step.perturb(linear, middle, hard, 0)))
                    .containsExactly(new double[] {0.4, 0.6, 0.4}, within(1e-6));
        }
    }

    @Test
    void softLabelsAreForTrainingAttacksAlone() {
        NDArray soft = labels.oneHot(5);
        NDArray three = manager.zeros(new Shape(3, 5));
        NDArray cube = manager.zeros(new Shape(4, 5, 1));
        Attack training = Pgd.builder(THREAT).optLastPoint(true).build();

        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(THREAT).build().perturb(model, images, soft, 0))
                .withMessageContaining("labels (4, 5)");
        for (NDArray wrong : new NDArray[] {three, cube}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> training.perturb(model, images, wrong, 0))
                    .withMessageContaining("labels " + wrong.getShape());
        }
        NDArray sixClasses = labels.oneHot(6);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> training.perturb(model, images, sixClasses, 0))
                .withMessageContaining("(4, 6)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Pgd.builder(THREAT)
                        .optLoss(LogitLoss.MARGIN)
                        .optLastPoint(true)
                        .build()
                        .perturb(model, images, soft, 0))
                .withMessageContaining("training alone");
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TradesPgd(THREAT, LogitLoss.KL, -1, 10))
                .withMessageContaining("stepSize");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TradesPgd(THREAT, LogitLoss.KL, 0.1f, 0))
                .withMessageContaining("at least 1 step");
    }
}
