package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.function.Function;

class RoutingLossTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Pixels red, green, blue to logits (0, 0), and W = (red, green) and (green, blue). */
    private TargetModel byHand() {
        Block block = new SequentialBlock().add(inputs -> {
            NDArray colours = inputs.head().reshape(-1, 3);
            NDArray zero = colours.get(":, :2").mul(manager.create(0f));
            return new NDList(zero, colours.get(":, :2"), colours.get(":, 1:"));
        });
        return new TargetModel(block, manager);
    }

    private NDArray colour(double... colours) {
        return Tensors.array(manager, new Shape(colours.length / 3, 3, 1, 1), colours);
    }

    @Test
    void theAnglesOfTheLayersAreAveraged() {
        NDArray clean = colour(1, 0, 1, 1, 1, 1);
        // Layer 1: 90 degrees and 45; layer 2: 90 and 0.
        NDArray perturbed = colour(0, 1, 0, 0, 1, 1);
        NDArray labels = manager.create(new long[] {0, 1});
        try (TargetModel model = byHand()) {
            Function<NDList, NDArray> loss = new RoutingLoss(2).prepare(model, clean, labels, null);

            assertThat(Tensors.doubles(loss.apply(model.predict(perturbed))))
                    .containsExactly(
                            new double[] {
                                Math.log(2) + 2 * Math.PI / 2, Math.log(2) + 2 * Math.PI / 8
                            },
                            within(1e-5));
            assertThat(Tensors.doubles(loss.apply(model.predict(clean))))
                    .containsExactly(new double[] {Math.log(2), Math.log(2)}, within(1e-5));
        }
    }

    @Test
    void targetedTheLogitsGoForTheTarget() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray images = images(DataType.FLOAT32);
        NDArray labels = manager.create(new long[] {0, 3, 1, 4});
        NDArray targets = manager.create(new long[] {1, 2, 3, 0});
        try (TargetModel model = new TargetModel(vit, manager)) {
            NDList clean = model.predict(images);

            NDArray loss =
                    new RoutingLoss(3).prepare(model, images, labels, targets).apply(clean);

            double[] expected =
                    Tensors.doubles(CrossEntropy.perImage(clean.head(), targets).neg());
            assertThat(Tensors.doubles(loss)).containsExactly(expected, within(1e-5));
        }
    }

    private NDArray images(DataType type) {
        return Golden.initializer("image", 0, 1).initialize(manager, new Shape(4, 3, 8, 8), type);
    }

    @Test
    void theGradientIsTheCentralDifference() {
        VisionTransformer vit = TinyNetworks.reMoEVit();
        TinyNetworks.startByName(vit);
        vit.initialize(manager, DataType.FLOAT64, vit.inputShape(1));
        NDArray images = images(DataType.FLOAT64);
        NDArray labels = manager.create(new long[] {0, 3, 1, 4});
        NDArray start = images.add(
                Golden.tensor(manager, DataType.FLOAT64, "start", 4, 3, 8, 8).mul(0.03));
        NDArray way =
                Golden.tensor(manager, DataType.FLOAT64, "way", 4, 3, 8, 8).mul(1e-5);
        try (TargetModel model = new TargetModel(vit, manager)) {
            Function<NDList, NDArray> loss =
                    new RoutingLoss(5).prepare(model, images, labels, null);

            NDArray gradient = model.gradient(start, loss).gradient();

            double[] slopes = Tensors.doubles(gradient.mul(way).sum(new int[] {1, 2, 3}));
            double[] up = Tensors.doubles(loss.apply(model.predict(start.add(way))));
            double[] down = Tensors.doubles(loss.apply(model.predict(start.sub(way))));
            for (int i = 0; i < slopes.length; i++) {
                assertThat((up[i] - down[i]) / 2)
                        .isCloseTo(slopes[i], within(1e-4 * Math.abs(slopes[i])));
            }
        }
    }

    @Test
    void atTheCleanImageTheAngleHasNoSlope() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray images = images(DataType.FLOAT32);
        NDArray labels = manager.create(new long[] {0, 3, 1, 4});
        try (TargetModel model = new TargetModel(vit, manager)) {
            NDArray ofLogits = model.gradient(
                            images, LogitLoss.CROSS_ENTROPY.prepare(model, images, labels, null))
                    .gradient();
            NDArray ofBoth = model.gradient(
                            images, new RoutingLoss(100).prepare(model, images, labels, null))
                    .gradient();

            assertThat(Tensors.doubles(ofBoth))
                    .containsExactly(Tensors.doubles(ofLogits), within(1e-6));
        }
    }

    @Test
    void pgdOnThisLossMisroutesMoreThanPgdOnCrossEntropy() {
        VisionTransformer vit = TinyNetworks.reMoEVit(manager);
        NDArray images = images(DataType.FLOAT32);
        try (TargetModel model = new TargetModel(vit, manager)) {
            NDList clean = model.predict(images);
            NDArray labels = clean.head().argMax(1);
            double[] plain = angles(model, images, labels, clean, LogitLoss.CROSS_ENTROPY);
            double[] misrouted = angles(model, images, labels, clean, new RoutingLoss(20));

            for (int i = 0; i < plain.length; i++) {
                assertThat(misrouted[i]).isGreaterThan(3 * plain[i]);
            }
        }
    }

    private static double[] angles(
            TargetModel model, NDArray images, NDArray labels, NDList clean, AttackLoss loss) {
        Attack pgd = Pgd.builder(ThreatModel.linf(8 / 255f))
                .optLoss(loss)
                .optSteps(20)
                .optLastPoint(true)
                .build();
        NDArray adversarial = pgd.perturb(model, images, labels, 1);
        return Tensors.doubles(RoutingLoss.angle(clean, model.predict(adversarial)));
    }

    @Test
    void aModelWithoutRegionWeightsIsRefused() {
        NDArray images = images(DataType.FLOAT32);
        NDArray labels = manager.create(new long[] {0, 3, 1, 4});
        try (TargetModel model =
                new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new RoutingLoss(1).prepare(model, images, labels, null))
                    .withMessageContaining("region weights")
                    .withMessageContaining("ReMoE blocks");
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {-1, Float.NaN, Float.POSITIVE_INFINITY})
    void theWeightIsANumberOfZeroOrMore(float weight) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RoutingLoss(weight))
                .withMessageContaining(String.valueOf(weight));
    }

    @Test
    void itTellsItsSettings() {
        assertThat(new RoutingLoss(5))
                .hasToString("RoutingLoss[logitLoss=cross-entropy, weight=5.0]");
    }
}
