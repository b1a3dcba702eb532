package io.github.remoe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.training.initializer.Initializer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.stream.StreamSupport;

/**
 * The golden files of {@code src/test/resources/golden}, and the tensors that {@code
 * src/test/python/deterministic.py} makes from names, bit for bit.
 */
public final class Golden {

    private Golden() {}

    /** Reads {@code golden/NAME.json}. */
    public static JsonObject read(String name) {
        try (InputStream stream = Golden.class.getResourceAsStream("/golden/" + name + ".json");
                Reader reader = new InputStreamReader(stream, StandardCharsets.UTF_8)) {
            return JsonParser.parseReader(reader).getAsJsonObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The 64-bit FNV-1a hash of the name's UTF-8 bytes. */
    static long hash(String name) {
        long state = 0xCBF29CE484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            state = (state ^ (b & 0xFF)) * 0x100000001B3L;
        }
        return state;
    }

    /** Numbers from low to high: splitmix64 from the name's hash, 24 bits to a number. */
    public static float[] values(String name, long count, double low, double high) {
        float[] values = new float[Math.toIntExact(count)];
        long state = hash(name);
        for (int i = 0; i < values.length; i++) {
            state += 0x9E3779B97F4A7C15L;
            long z = (state ^ (state >>> 30)) * 0xBF58476D1CE4E5B9L;
            z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
            z ^= z >>> 31;
            values[i] = (float) (low + (high - low) * ((z >>> 40) * 0x1p-24));
        }
        return values;
    }

    /** An initializer that makes {@link #values} in row-major order. */
    public static Initializer initializer(String name, double low, double high) {
        return (manager, shape, dataType) -> manager.create(
                        values(name, shape.size(), low, high), shape)
                .toType(dataType, false);
    }

    /** A tensor of {@link #values} from -1 to 1. */
    public static NDArray tensor(NDManager manager, DataType type, String name, long... shape) {
        return initializer(name, -1, 1).initialize(manager, new Shape(shape), type);
    }

    /** A golden file's input, which it keeps as a recipe {"shape", "low", "high"}. */
    public static NDArray input(NDManager manager, DataType type, JsonObject file, String name) {
        JsonObject recipe = file.getAsJsonObject("inputs").getAsJsonObject(name);
        return initializer(
                        name,
                        recipe.get("low").getAsDouble(),
                        recipe.get("high").getAsDouble())
                .initialize(manager, shape(recipe.get("shape")), type);
    }

    /** A list of sizes. */
    public static Shape shape(JsonElement sizes) {
        return new Shape(StreamSupport.stream(sizes.getAsJsonArray().spliterator(), false)
                .mapToLong(JsonElement::getAsLong)
                .toArray());
    }

    /**
     * Asserts that an array is what a golden file packed as {"shape", "data"}, up to a difference
     * relative to the largest of its numbers. The shape may differ by axes of size 1.
     */
    public static void assertGolden(NDArray actual, JsonObject packed, double tolerance) {
        assertThat(actual.getShape().size())
                .isEqualTo(shape(packed.get("shape")).size());
        JsonArray data = packed.getAsJsonArray("data");
        double[] expected = new double[data.size()];
        double largest = 0;
        for (int i = 0; i < expected.length; i++) {
            expected[i] = data.get(i).getAsDouble();
            largest = Math.max(largest, Math.abs(expected[i]));
        }
        assertThat(Tensors.doubles(actual)).containsExactly(expected, within(tolerance * largest));
    }
}
