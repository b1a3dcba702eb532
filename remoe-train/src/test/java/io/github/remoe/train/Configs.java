package io.github.remoe.train;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.ReMoE;
import io.github.remoe.data.Datasets;
import io.github.remoe.train.RunConfig.OptimizerType;
import io.github.remoe.train.RunConfig.SchemeType;

import java.util.List;
import java.util.function.Consumer;

/** Settings of a run that is over in a second. */
final class Configs {

    private static final Gson GSON = new Gson();

    private Configs() {}

    /** Two epochs of two steps on the micro network. */
    static RunConfig tiny() {
        return new RunConfig(
                "vit_micro_patch4_32",
                List.of(
                        "horizontal_stripes",
                        "vertical_stripes",
                        "diagonal_stripes",
                        "checkerboard",
                        "dots",
                        "disc",
                        "ring",
                        "cross",
                        "frame",
                        "triangle"),
                ReMoE.builder().build(),
                Datasets.SYNTHETIC,
                8,
                true,
                SchemeType.SAT,
                true,
                0.5f,
                1,
                8 / 255f,
                2 / 255f,
                1,
                2,
                0,
                4,
                OptimizerType.SGD,
                0.1f,
                0.9f,
                1e-4f,
                1,
                List.of(1),
                7);
    }

    /** The same with changes, such as {@code json -> json.addProperty("epochs", 0)}. */
    static String json(Consumer<JsonObject> changes) {
        JsonObject json = JsonParser.parseString(GSON.toJson(tiny())).getAsJsonObject();
        changes.accept(json);
        return json.toString();
    }
}
