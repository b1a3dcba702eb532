package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;

import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** FGSM, BIM, MI-FGSM and R+FGSM by hand, on networks without weights. */
class GradientAttackTest {

    private NDManager manager;
    private NDArray label;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        label = manager.create(new long[] {0});
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** A network that computes its logits from the pixels (B,n). */
    private TargetModel network(UnaryOperator<NDArray> logits) {
        return new TargetModel(
                new LambdaBlock(list -> new NDList(
                        logits.apply(list.head().reshape(list.head().getShape().get(0), -1)))),
                manager);
    }

    /** Logits (bias - w . x, 0): the losses of label 0 grow along w. */
    private TargetModel linear(double bias, double... w) {
        NDArray weights = Tensors.array(manager, new Shape(w.length, 1), w);
        return network(x -> {
            NDArray own = x.matMul(weights).neg().add(bias);
            return own.concat(own.zerosLike(), 1);
        });
    }

    private NDArray image(double... pixels) {
        return Tensors.array(manager, new Shape(1, 1, 1, pixels.length), pixels);
    }

    private void assertGives(Attack attack, TargetModel model, NDArray image, double... pixels) {
        assertThat(Tensors.doubles(attack.perturb(model, image, label, new long[] {5})))
                .containsExactly(pixels, within(1e-6));
    }

    @Test
    void fgsmStepsAlongTheSignOrTheGradient() {
        TargetModel model = linear(9, 3, -4);

        assertGives(new Fgsm(ThreatModel.linf(0.1f)), model, image(0.5, 0.5), 0.5 + 0.1, 0.5 - 0.1);
        assertGives(new Fgsm(ThreatModel.l2(0.1f)), model, image(0.5, 0.5), 0.5 + 0.06, 0.5 - 0.08);
        // Clipped to the pixel range.
        assertGives(new Fgsm(ThreatModel.linf(0.1f)), model, image(0.95, 0.02), 1, 0);
        assertGives(
                new Fgsm(new ThreatModel(Norm.LINF, 10, 0, 255)), model, image(250, 100), 255, 90);
    }

    @Test
    void targetedFgsmStepsTowardsTheTarget() {
        // Logits (0, x1, x2): class 2 is reached by raising x2 and lowering x1.
        TargetModel model = network(x -> x.get(":, :1").mul(0).concat(x, 1));

        Attack fgsm = Fgsm.builder(ThreatModel.linf(0.1f))
                .optLoss(LogitLoss.CROSS_ENTROPY)
                .optTarget(new FixedClass(2))
                .build();

        assertGives(fgsm, model, image(0.5, 0.5), 0.4, 0.6);
    }

    @ParameterizedTest
    @ValueSource(doubles = {1e-30, 1e-20, 1e-12, 1, 1e12})
    void theScaleOfTheGradientDoesNotMatter(double scale) {
        TargetModel model = linear(9 * scale, 3 * scale, -4 * scale);

        ThreatModel linf = ThreatModel.linf(0.1f);
        ThreatModel l2 = ThreatModel.l2(0.1f);
        LogitLoss margin = LogitLoss.MARGIN;
        NDArray image = image(0.5, 0.5);
        assertGives(Fgsm.builder(linf).optLoss(margin).build(), model, image, 0.6, 0.4);
        assertGives(Fgsm.builder(l2).optLoss(margin).build(), model, image, 0.56, 0.42);
        assertGives(MiFgsm.builder(linf).optLoss(margin).build(), model, image, 0.6, 0.4);
        assertGives(MiFgsm.builder(l2).optLoss(margin).build(), model, image, 0.56, 0.42);
    }

    @Test
    void withoutAGradientAnImageStaysAsItIs() {
        TargetModel flat = network(x -> x.mul(0).add(1));
        for (ThreatModel threat : List.of(ThreatModel.linf(0.1f), ThreatModel.l2(0.1f))) {
            assertGives(new Fgsm(threat), flat, image(0.5, 0.25), 0.5, 0.25);
            assertGives(MiFgsm.builder(threat).build(), flat, image(0.5, 0.25), 0.5, 0.25);
        }
    }

    @Test
    void bimStepsAndProjects() {
        TargetModel model = linear(9, 3, -4);

        // Two of three steps of 0.04 reach the border of the ball.
        Attack bim = Bim.builder(ThreatModel.linf(0.06f))
                .optStepSize(0.04f)
                .optSteps(1)
                .build();
        assertGives(bim, model, image(0.5, 0.5), 0.54, 0.46);
        bim = Bim.builder(ThreatModel.linf(0.06f))
                .optStepSize(0.04f)
                .optSteps(3)
                .build();
        assertGives(bim, model, image(0.5, 0.5), 0.56, 0.44);
        bim = Bim.builder(ThreatModel.l2(0.1f)).optStepSize(0.05f).optSteps(3).build();
        assertGives(bim, model, image(0.5, 0.5), 0.56, 0.42);
    }

    /** Logits (|x - 1/2|, -9): the margin -9 - |x - 1/2| grows towards 1/2 from both sides. */
    private TargetModel valley() {
        return network(x -> {
            NDArray own = x.sub(0.5f).abs();
            return own.concat(own.mul(0).sub(9), 1);
        });
    }

    @Test
    void momentumCarriesOverATurnOfTheGradient() {
        ThreatModel threat = ThreatModel.linf(0.2f);
        UnaryOperator<MiFgsm.Builder> settings =
                builder -> builder.optLoss(LogitLoss.MARGIN).optStepSize(0.03f).optSteps(2);

        // From 0.52 to 0.49; then 0.5 * -1 + 1 > 0: back, -1 + 1 = 0: stay, 2 * -1 + 1 < 0: on.
        assertGives(
                settings.apply(MiFgsm.builder(threat).optDecay(0.5f)).build(),
                valley(),
                image(0.52),
                0.52);
        assertGives(
                settings.apply(MiFgsm.builder(threat).optDecay(1)).build(),
                valley(),
                image(0.52),
                0.49);
        assertGives(
                settings.apply(MiFgsm.builder(threat).optDecay(2)).build(),
                valley(),
                image(0.52),
                0.46);
        // Without momentum it is BIM.
        assertGives(
                settings.apply(MiFgsm.builder(threat).optDecay(0)).build(),
                valley(),
                image(0.52),
                0.52);
    }

    @Test
    void rFgsmStepsAtRandomAndThenAlongTheGradient() {
        TargetModel model = linear(9, 3, -4);
        NDArray image = image(0.5, 0.5);
        double[] noise = Tensors.doubles(Noise.gaussian(image, new long[] {5}, 0));
        double length = Math.hypot(noise[0], noise[1]);

        assertGives(
                RFgsm.builder(ThreatModel.linf(0.1f)).optRandomStep(0.03f).build(),
                model,
                image,
                0.5 + 0.03 * Math.signum(noise[0]) + 0.07,
                0.5 + 0.03 * Math.signum(noise[1]) - 0.07);
        // 0.09 along the gradient after 0.01 at random.
        assertGives(
                RFgsm.builder(ThreatModel.l2(0.1f)).optRandomStep(0.01f).build(),
                model,
                image,
                0.5 + 0.01 * noise[0] / length + 0.09 * 0.6,
                0.5 + 0.01 * noise[1] / length - 0.09 * 0.8);
    }

    @Test
    void defaultsAreThoseOfThePapers() {
        ThreatModel threat = ThreatModel.linf(8 / 255f);

        assertThat(new Fgsm(threat)).isEqualTo(Fgsm.builder(threat).build());
        assertThat(Bim.builder(threat).build())
                .isEqualTo(new Bim(threat, LogitLoss.CROSS_ENTROPY, null, 2 / 255f, 10));
        assertThat(MiFgsm.builder(threat).optSteps(5).build())
                .isEqualTo(new MiFgsm(threat, LogitLoss.CROSS_ENTROPY, null, 8 / 255f / 5, 5, 1));
        assertThat(RFgsm.builder(threat).build())
                .isEqualTo(new RFgsm(threat, LogitLoss.CROSS_ENTROPY, null, 4 / 255f, 4 / 255f, 1));
        assertThat(RFgsm.builder(threat).optRandomStep(2 / 255f).build().stepSize())
                .isCloseTo(6 / 255f, within(1e-8f));
    }

    @Test
    void settingsAreChecked() {
        ThreatModel threat = ThreatModel.linf(8 / 255f);
        assertRefused(t -> Bim.builder(t).optSteps(0).build(), "at least 1 step, got 0");
        assertRefused(t -> MiFgsm.builder(t).optSteps(0).build(), "at least 1 step, got 0");
        assertRefused(t -> RFgsm.builder(t).optSteps(0).build(), "at least 1 step, got 0");
        for (float wrong : new float[] {-0.01f, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertRefused(t -> Bim.builder(t).optStepSize(wrong).build(), "stepSize");
            assertRefused(t -> MiFgsm.builder(t).optStepSize(wrong).build(), "stepSize");
            assertRefused(t -> RFgsm.builder(t).optStepSize(wrong).build(), "stepSize");
            assertRefused(t -> MiFgsm.builder(t).optDecay(wrong).build(), "decay");
            assertRefused(t -> RFgsm.builder(t).optRandomStep(wrong).build(), "randomStep");
        }
        assertRefused(
                t -> RFgsm.builder(t).optRandomStep(2 * threat.epsilon()).build(), "0 to epsilon");
    }

    @Test
    void klNeedsARandomStartAndNoTarget() {
        String none = "no gradient at the image itself";
        LogitLoss kl = LogitLoss.KL;
        assertRefused(t -> Fgsm.builder(t).optLoss(kl).build(), none);
        assertRefused(t -> Bim.builder(t).optLoss(kl).build(), none);
        assertRefused(t -> MiFgsm.builder(t).optLoss(kl).build(), none);
        assertRefused(t -> Pgd.builder(t).optLoss(kl).optRandomStart(false).build(), none);
        assertRefused(t -> RFgsm.builder(t).optLoss(kl).optRandomStep(0).build(), none);
        assertRefused(
                t -> Pgd.builder(t).optLoss(kl).optTarget(OtherClass.RANDOM).build(),
                "no targeted form");
        RFgsm.builder(ThreatModel.linf(0.1f)).optLoss(kl).build();
    }

    private static void assertRefused(Consumer<ThreatModel> build, String message) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> build.accept(ThreatModel.linf(8 / 255f)))
                .withMessageContaining(message);
    }

    @Test
    void anImageThatIsWrongAndNothingAroundItIsStaysAsItIs() {
        // Label 0 loses within 0.001 of 1/2 alone, and no step ends there.
        TargetModel model = network(x -> {
            NDArray own = x.sub(0.5f).abs().sub(0.001f);
            return own.concat(own.mul(0), 1);
        });
        ThreatModel threat = ThreatModel.linf(0.1f);

        assertGives(Pgd.builder(threat).optRestarts(2).build(), model, image(0.5), 0.5);
        assertGives(RFgsm.builder(threat).build(), model, image(0.5), 0.5);
        assertGives(Bim.builder(threat).build(), model, image(0.5), 0.5);
        assertGives(
                Pgd.builder(threat)
                        .optLoss(LogitLoss.MARGIN)
                        .optTarget(OtherClass.MOST_LIKELY)
                        .build(),
                model,
                image(0.5),
                0.5);
    }

    @Test
    void gradientsThatAreNotFiniteAreRefused() {
        // The root's slope at 0 is infinite, and 0 times that is NaN.
        TargetModel model = network(x -> x.mul(0).sqrt().add(x));

        for (Attack attack : List.of(
                new Fgsm(ThreatModel.linf(0.1f)),
                Bim.builder(ThreatModel.linf(0.1f)).build(),
                MiFgsm.builder(ThreatModel.linf(0.1f)).build(),
                RFgsm.builder(ThreatModel.linf(0.1f)).build(),
                Pgd.builder(ThreatModel.linf(0.1f)).build())) {
            assertThatExceptionOfType(ArithmeticException.class)
                    .isThrownBy(() -> attack.perturb(model, image(0.5, 0.5), label, new long[1]))
                    .withMessageContaining("gradients are NaN");
        }
    }

    @Test
    void aTargetedAttackKeepsAnyWrongClassUntilItReachesTheTarget() {
        // Logits (0.5, x, -9): class 1 from x > 0.5 on, class 2 out of reach.
        TargetModel model = network(
                x -> x.mul(0).add(0.5f).concat(x, 1).concat(x.mul(0.001f).sub(9), 1));
        Attack pgd = Pgd.builder(ThreatModel.linf(0.1f))
                .optLoss(LogitLoss.MARGIN)
                .optTarget(new FixedClass(2))
                .optRandomStart(false)
                .optStepSize(0.02f)
                .build();

        // The margin to class 1 is what the target lacks, so x falls, to 0.5 and below.
        NDArray adversarial = pgd.perturb(model, image(0.55), label, new long[1]);

        assertThat(adversarial.getFloat()).isBetween(0.5f, 0.55f);
        assertThat(model.predict(adversarial)
                        .head()
                        .argMax(1)
                        .toType(DataType.INT32, false)
                        .getInt())
                .isEqualTo(1);
    }
}
