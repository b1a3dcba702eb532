package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import org.junit.jupiter.api.Test;

class GoldenTest {

    @Test
    void javaMakesThePythonNumbersBitForBit() {
        for (JsonElement element : Golden.read("deterministic").getAsJsonArray("samples")) {
            JsonObject sample = element.getAsJsonObject();
            String name = sample.get("name").getAsString();
            int[] bits = new Gson().fromJson(sample.get("floatBits"), int[].class);

            float[] values = Golden.values(
                    name,
                    bits.length,
                    sample.get("low").getAsDouble(),
                    sample.get("high").getAsDouble());

            assertThat(Long.toHexString(Golden.hash(name)))
                    .isEqualTo(sample.get("hash").getAsString());
            for (int i = 0; i < bits.length; i++) {
                assertThat(Float.floatToIntBits(values[i])).isEqualTo(bits[i]);
            }
        }
    }
}
