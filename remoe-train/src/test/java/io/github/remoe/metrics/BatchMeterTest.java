package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.loss.Loss;

import io.github.remoe.Tensors;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.loss.TrainingLoss;
import io.github.remoe.train.DataParallel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Four images, three classes, one ReMoE layer of four regions of which two stay switched on. */
class BatchMeterTest {

    private NDManager manager;
    private NDList labels;
    private NDArray cleanLogits;
    private NDArray adversarialLogits;
    private NDArray cleanWeights;
    private NDArray adversarialWeights;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        labels = new NDList(manager.create(new long[] {0, 1, 2, 2}));
        // Right, right, right, wrong; then right, wrong, wrong, wrong.
        cleanLogits = rows(3, 5, 1, 0, 0, 2, 1, 1, 0, 2, 3, 2, 1);
        adversarialLogits = rows(3, 2, 1, 0, 1, 0, 0, 0, 9, 1, 3, 2, 1);
        // Uniform; one region; two regions; unequal.
        cleanWeights = rows(4, 1, 1, 1, 1, 4, 0, 0, 0, 2, 2, 0, 0, 0.4, 0.8, 1.2, 1.6);
        // The same; another region, at 90 degrees; one of the two, at 45 degrees; the same.
        adversarialWeights = rows(4, 1, 1, 1, 1, 0, 4, 0, 0, 4, 0, 0, 0, 0.4, 0.8, 1.2, 1.6);
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private NDArray rows(int columns, double... numbers) {
        return Tensors.array(manager, new Shape(numbers.length / columns, columns), numbers);
    }

    private NDList both() {
        return new NDList(cleanLogits, cleanWeights, adversarialLogits, adversarialWeights);
    }

    private static BatchMeter meter(boolean clean, boolean adversarial, Block network) {
        return new BatchMeter(clean, adversarial, true, Loss.l2Loss(), network);
    }

    private static BatchMeter meter(boolean clean, boolean adversarial) {
        return meter(clean, adversarial, TinyNetworks.reMoEVit());
    }

    @Test
    void accuraciesAreThoseOfEachPass() {
        assertThat(meter(true, true).measure(labels, both()))
                .containsEntry(Measurement.CLEAN_ACCURACY, 0.75)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.25);
    }

    @Test
    void anImageIsRobustIfItIsRightBothAsItIsAndAttacked() {
        // Attacked, the first and the last are right, but the last is wrong as it is.
        NDArray attacked = rows(3, 2, 1, 0, 1, 0, 0, 0, 9, 1, 1, 2, 3);
        NDList predictions = new NDList(cleanLogits, cleanWeights, attacked, adversarialWeights);
        BatchMeter meter = meter(true, true);

        assertThat(meter.measure(labels, predictions))
                .containsEntry(Measurement.CLEAN_ACCURACY, 0.75)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.25);
        assertThat(meter.validate(labels, predictions))
                .containsEntry(Measurement.CLEAN_ACCURACY, 0.75)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.25);
        assertThat(meter(false, true).measure(labels, new NDList(attacked, adversarialWeights)))
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.5);
    }

    @Test
    void onePassHasOneAccuracyAndNoAngle() {
        NDList clean = new NDList(cleanLogits, cleanWeights);

        assertThat(meter(true, false).measure(labels, clean))
                .containsEntry(Measurement.CLEAN_ACCURACY, 0.75)
                .containsEntry(Measurement.ROBUST_ACCURACY, Double.NaN)
                .containsEntry(Measurement.ANGLE, Double.NaN);
        assertThat(meter(false, true).measure(labels, clean))
                .containsEntry(Measurement.CLEAN_ACCURACY, Double.NaN)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.75);
    }

    @Test
    void aMixedImageIsOfTheClassThatMostOfItIsOf() {
        NDList soft = new NDList(rows(3, 0.6, 0.4, 0, 0.1, 0.8, 0.1, 0.3, 0, 0.7, 0.9, 0.1, 0));

        // The last image is now of class 0, which the logits say.
        assertThat(meter(true, true).measure(soft, both()))
                .containsEntry(Measurement.CLEAN_ACCURACY, 1.0)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.5);
    }

    @Test
    void theAngleIsTheMeanInDegrees() {
        assertThat(meter(true, true).measure(labels, both()).get(Measurement.ANGLE))
                .isCloseTo((0 + 90 + 45 + 0) / 4.0, within(1e-3));
    }

    @Test
    void entropyIsLogKForAUniformGateAndZeroForOneRegion() {
        assertThat(entropy(1, 1, 1, 1)).isCloseTo(Math.log(4), within(1e-6));
        assertThat(entropy(0, 0, 4, 0)).isCloseTo(0, within(1e-6));
        assertThat(entropy(2, 0, 2, 0)).isCloseTo(Math.log(2), within(1e-6));
        assertThat(entropy(1, 1, 1, 1, 0, 0, 4, 0)).isCloseTo(Math.log(4) / 2, within(1e-6));
        // W / K is 0.1, 0.2, 0.3, 0.4.
        assertThat(entropy(0.4, 0.8, 1.2, 1.6))
                .isCloseTo(
                        -(0.1 * Math.log(0.1)
                                + 0.2 * Math.log(0.2)
                                + 0.3 * Math.log(0.3)
                                + 0.4 * Math.log(0.4)),
                        within(1e-6));
    }

    private double entropy(double... weights) {
        NDArray rows = rows(4, weights);
        NDArray logits = manager.zeros(new Shape(rows.getShape().get(0), 3));
        NDList label = new NDList(manager.zeros(new Shape(rows.getShape().get(0))));
        return meter(true, false).measure(label, new NDList(logits, rows)).get(Measurement.ENTROPY);
    }

    @Test
    void expertLoadIsTheShareOfImagesOfBothPassesThatStaySwitchedOn() {
        // Clean: all four, as they tie; region 1 and the three that tie with 0 weigh nothing;
        // regions 1 and 2; regions 3 and 4. Adversarial: all; region 2; region 1; regions 3 and 4.
        for (Block network : List.of(
                TinyNetworks.reMoEVit(),
                new DataParallel(TinyNetworks.reMoEVit(), List.of(Device.cpu(), Device.cpu())))) {
            assertThat(meter(true, true, network).measure(labels, both()))
                    .containsEntry("expertLoad/layer1.region1", 5 / 8.0)
                    .containsEntry("expertLoad/layer1.region2", 4 / 8.0)
                    .containsEntry("expertLoad/layer1.region3", 4 / 8.0)
                    .containsEntry("expertLoad/layer1.region4", 4 / 8.0);
        }
    }

    @Test
    void aPlainNetworkHasNoGate() {
        Map<String, Double> values = meter(true, true, TinyNetworks.plainVit())
                .measure(labels, new NDList(cleanLogits, adversarialLogits));

        assertThat(values)
                .containsEntry(Measurement.ROBUST_ACCURACY, 0.25)
                .containsEntry(Measurement.ANGLE, Double.NaN)
                .containsEntry(Measurement.ENTROPY, Double.NaN);
        assertThat(values.keySet()).noneMatch(name -> name.startsWith("expertLoad"));
    }

    @Test
    void anotherHostsGateIsMeasuredButItsLoadIsNot() {
        Map<String, Double> values = meter(
                        true, true, TinyNetworks.golden(manager, cleanLogits.getDataType()))
                .measure(labels, both());

        assertThat(values.get(Measurement.ANGLE)).isCloseTo(33.75, within(1e-3));
        assertThat(values.keySet()).noneMatch(name -> name.startsWith("expertLoad"));
    }

    @Test
    void theLossTellsItsParts() {
        TrainingLoss loss = new TrainingLoss("test") {
            @Override
            public NDArray evaluate(NDList labels, NDList predictions) {
                throw new AssertionError("The loss is not to be evaluated again.");
            }

            @Override
            public Map<String, NDArray> parts(NDList labels, NDList predictions) {
                Map<String, NDArray> parts = new LinkedHashMap<>();
                parts.put("gamma", manager.create(0.5f));
                parts.put("first", predictions.head().max());
                return parts;
            }
        };

        Map<String, Double> values = new BatchMeter(true, true, true, loss, TinyNetworks.reMoEVit())
                .measure(labels, both());

        assertThat(values).containsEntry("loss/gamma", 0.5).containsEntry("loss/first", 5.0);
        assertThat(values.keySet())
                .startsWith("loss/gamma", "loss/first", Measurement.CLEAN_ACCURACY);
    }

    @Test
    void validationMayPredictBothThoughTrainingPredictsOne() {
        NDList one = new NDList(adversarialLogits, adversarialWeights);
        for (Block network : List.of(TinyNetworks.reMoEVit(), TinyNetworks.plainVit())) {
            // Before any step, as in a run that goes on at the end of an epoch.
            assertThat(meter(false, true, network).validate(labels, both()))
                    .containsOnly(
                            Map.entry(Measurement.CLEAN_ACCURACY, 0.75),
                            Map.entry(Measurement.ROBUST_ACCURACY, 0.25));
            assertThat(new BatchMeter(false, true, false, Loss.l2Loss(), network)
                            .validate(labels, one))
                    .containsOnly(
                            Map.entry(Measurement.CLEAN_ACCURACY, Double.NaN),
                            Map.entry(Measurement.ROBUST_ACCURACY, 0.25));
        }
    }

    @Test
    void whereNothingIsPredictedNothingIsMeasured() {
        for (Block network : List.of(TinyNetworks.reMoEVit(), TinyNetworks.plainVit())) {
            Map<String, Double> measured = meter(true, true, network).measure(labels, new NDList());

            assertThat(measured.keySet()).contains(Measurement.CLEAN_ACCURACY, Measurement.ENTROPY);
            assertThat(measured.values()).containsOnly(Double.NaN);
        }
    }

    @Test
    void nothingStaysOpen() {
        BatchMeter meter = meter(true, true);
        meter.measure(labels, both());
        int open = manager.getManagedArrays().size();

        meter.measure(labels, both());
        meter.validate(labels, both());

        assertThat(manager.getManagedArrays()).hasSize(open);
    }
}
