package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.Locale;
import java.util.stream.Stream;

/** Against timm's {@code resample_abs_pos_embed} and {@code resample_patch_embed}. */
class ResizingTest {

    private static Stream<JsonElement> cases(String kind) {
        return Golden.read("pretrained").getAsJsonArray(kind).asList().stream();
    }

    static Stream<JsonElement> positions() {
        return cases("positions");
    }

    static Stream<JsonElement> kernels() {
        return cases("kernels");
    }

    private static int[] pair(JsonObject json, String name) {
        return json.getAsJsonArray(name).asList().stream()
                .mapToInt(JsonElement::getAsInt)
                .toArray();
    }

    private static void assertSame(float[] actual, JsonObject packed) {
        double[] expected = packed.getAsJsonArray("data").asList().stream()
                .mapToDouble(JsonElement::getAsDouble)
                .toArray();
        double[] numbers = new double[actual.length];
        for (int i = 0; i < actual.length; i++) {
            numbers[i] = actual[i];
        }
        assertThat(numbers).containsExactly(expected, within(1e-5));
    }

    @ParameterizedTest
    @MethodSource("positions")
    void positionEmbeddingsAreTimms(JsonElement element) {
        JsonObject json = element.getAsJsonObject();
        int prefix = json.get("prefix").getAsInt();
        int[] from = pair(json, "old");
        int[] to = pair(json, "new");
        float[] embedding = Golden.values(
                json.get("name").getAsString(), (prefix + from[0] * from[1]) * 3L, -1, 1);

        float[] resized = Resizing.positions(embedding, 3, prefix, from[0], from[1], to[0], to[1]);

        assertSame(resized, json.getAsJsonObject("after"));
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void kernelsAreTimms(JsonElement element) {
        JsonObject json = element.getAsJsonObject();
        int[] from = pair(json, "old");
        int[] to = pair(json, "new");
        float[] kernel =
                Golden.values(json.get("name").getAsString(), 2L * 3 * from[0] * from[1], -1, 1);

        for (PatchResize how : PatchResize.values()) {
            String name = how.name().toLowerCase(Locale.ROOT).replace('_', '-');
            assertSame(
                    Resizing.kernel(kernel, from[0], from[1], to[0], to[1], how),
                    json.getAsJsonObject(name));
        }
    }

    @Test
    void aTokenIsKeptAsPatchAndKernelGrowTogether() {
        // 2 x 2 to 5 x 5: what a kernel gives for any patch, its pseudo-inverse gives for the same
        // patch enlarged, exactly, since nothing is lost on the way.
        float[] kernel = {1, -2, 3, 0.5f};
        float[] patch = {0.25f, 4, -1, 2};

        float[] large = Resizing.kernel(kernel, 2, 2, 5, 5, PatchResize.PSEUDO_INVERSE);

        float[] enlarged = Resizing.kernel(patch, 2, 2, 5, 5, PatchResize.BICUBIC);
        // 1 x 0.25 - 2 x 4 - 3 x 1 + 0.5 x 2
        assertThat(dot(large, enlarged)).isCloseTo(-9.75f, within(1e-5f));
    }

    private static float dot(float[] a, float[] b) {
        float sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    @ParameterizedTest
    @EnumSource(PatchResize.class)
    void theSameSizeChangesNothing(PatchResize how) {
        float[] kernel = Golden.values("same", 2 * 4 * 4, -1, 1);

        assertThat(Resizing.kernel(kernel, 4, 4, 4, 4, how)).containsExactly(kernel, within(1e-6f));
    }
}
