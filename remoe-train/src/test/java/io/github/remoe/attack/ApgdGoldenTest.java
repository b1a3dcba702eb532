package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Locale;
import java.util.function.Function;
import java.util.stream.StreamSupport;

/** APGD against auto-attack; {@code src/test/python/autoattack_apgd.py} made the numbers. */
class ApgdGoldenTest {

    private static final JsonObject FILE = Golden.read("autoattack_apgd");

    private static JsonObject golden(Norm norm, String loss) {
        return StreamSupport.stream(FILE.getAsJsonArray("runs").spliterator(), false)
                .map(run -> run.getAsJsonObject())
                .filter(run -> run.get("norm").getAsString().equals(norm.toString())
                        && run.get("loss").getAsString().equals(loss))
                .findFirst()
                .orElseThrow();
    }

    @ParameterizedTest
    @CsvSource({
        "LINF, cross-entropy",
        "LINF, dlr",
        "LINF, targeted-dlr",
        "L2, cross-entropy",
        "L2, dlr",
        "L2, targeted-dlr"
    })
    void lossesAreThoseOfAutoAttack(Norm norm, String loss) {
        JsonObject golden = golden(norm, loss);
        ThreatModel threat = new ThreatModel(norm, golden.get("epsilon").getAsFloat(), 0, 1);
        try (NDManager manager = NDManager.newBaseManager();
                TargetModel model =
                        new TargetModel(TinyNetworks.golden(manager, DataType.FLOAT32), manager)) {
            NDArray images = Golden.input(manager, DataType.FLOAT32, FILE, "image");
            NDArray noise = Golden.input(manager, DataType.FLOAT32, FILE, "noise");
            if (norm == Norm.L2) {
                noise = noise.div(norm.perPixel(noise));
            }
            NDArray start = threat.clip(noise.mul(threat.epsilon()).add(images));
            NDArray labels = manager.create(new Gson().fromJson(FILE.get("labels"), long[].class));
            NDArray targets = loss.startsWith("targeted")
                    ? manager.create(new Gson().fromJson(FILE.get("targets"), long[].class))
                    : null;
            Function<NDList, NDArray> objective = LogitLoss.valueOf(loss.replace("targeted-", "")
                            .replace('-', '_')
                            .toUpperCase(Locale.ROOT))
                    .prepare(model, images, labels, targets);

            Apgd of20Steps = Apgd.builder(threat).optSteps(20).build();
            try (ApgdRun run = new ApgdRun(of20Steps, model, images, labels, objective, start)) {
                NDList losses = new NDList(run.highestLosses().duplicate().expandDims(0));
                for (int step = 0; step < 20; step++) {
                    losses.add(run.step().expandDims(0));
                }
                Golden.assertGolden(
                        NDArrays.concat(losses), golden.getAsJsonObject("losses"), 1e-4);
                Golden.assertGolden(run.highestLosses(), golden.getAsJsonObject("highest"), 1e-4);
                boolean[] robust = run.broken().logicalNot().toBooleanArray();
                assertThat(robust)
                        .isEqualTo(new Gson().fromJson(golden.get("robust"), boolean[].class));
            }

            Apgd of100Steps = Apgd.builder(threat).build();
            try (ApgdRun run = new ApgdRun(of100Steps, model, images, labels, objective, start)) {
                for (int step = 0; step < 100; step++) {
                    run.step().close();
                }
                Golden.assertGolden(
                        run.highestLosses(), golden.getAsJsonObject("highestOf100Steps"), 1e-3);
            }
        }
    }
}
