package io.github.remoe.loss;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.loss.Loss;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.LinkedHashMap;
import java.util.Map;

/** The region losses against PyTorch in float64; {@code src/test/python/losses.py} made the numbers. */
class LossGoldenTest {

    private static final JsonObject FILE = Golden.read("losses");
    // Of float32, relative to the largest number.
    private static final double TOLERANCE = 1e-5;

    private NDManager manager;
    private Map<String, NDArray> inputs;
    private NDList labels;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        inputs = new LinkedHashMap<>();
        for (String name : FILE.getAsJsonObject("inputs").keySet()) {
            NDArray input = Golden.input(manager, DataType.FLOAT32, FILE, name);
            input.setRequiresGradient(true);
            inputs.put(name, input);
        }
        labels = new NDList(manager.create(new Gson().fromJson(FILE.get("labels"), long[].class)));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Two layers: their weights are the rows of the golden (2,B,K). */
    private NDList predictions() {
        NDList predictions = new NDList();
        for (String side : new String[] {"clean", "adv"}) {
            predictions.add(inputs.get(side + "Logits"));
            predictions.addAll(inputs.get(side + "Weights").split(2).stream()
                    .map(layer -> layer.squeeze(0))
                    .collect(NDList::new, NDList::add, NDList::addAll));
        }
        return predictions;
    }

    private void assertLoss(String name, Loss loss) {
        JsonObject golden = FILE.getAsJsonObject(name);
        double[] value = new double[1];
        Tensors.backward(() -> {
            NDArray result = loss.evaluate(labels, predictions());
            value[0] = result.getFloat();
            return result;
        });

        assertThat(value[0]).isCloseTo(golden.get("value").getAsDouble(), within(TOLERANCE));
        JsonObject gradients = golden.getAsJsonObject("gradients");
        inputs.forEach((input, array) -> {
            if (gradients.has(input)) {
                Golden.assertGolden(
                        array.getGradient(), gradients.getAsJsonObject(input), TOLERANCE);
            } else {
                assertThat(Tensors.doubles(array.getGradient())).as(input).containsOnly(0);
            }
        });
    }

    @Test
    void robustLossAndItsGradientsAreTorchs() {
        assertLoss("robust", new SatLoss(adaptive()));
    }

    @Test
    void robustTradesAndItsGradientsAreTorchs() {
        assertLoss("robustTrades", new TradesLoss(FILE.get("tradesBeta").getAsFloat(), adaptive()));
    }

    private static RegionLosses adaptive() {
        return new RegionLosses(true, FILE.get("beta").getAsFloat(), 0);
    }

    @Test
    void alignmentLossAndItsGradientsAreTorchs() {
        assertLoss("align", new RegionAlignmentLoss(1));
    }

    @Test
    void gammaAndTheCleanWeightAreTorchs() {
        NDArray gamma = RegionAdaptiveWeights.gamma(predictions());

        Golden.assertGolden(gamma, FILE.getAsJsonObject("gamma"), TOLERANCE);
        Golden.assertGolden(
                new RegionAdaptiveWeights(FILE.get("beta").getAsFloat()).cleanWeight(gamma),
                FILE.getAsJsonObject("betaTilde"),
                TOLERANCE);
    }
}
