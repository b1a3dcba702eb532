package io.github.remoe.inference;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;

import io.github.remoe.ReMoE;
import io.github.remoe.vit.VisionTransformer;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * All that a {@link VisionTransformer} is built from: the content of {@code network.json} in a {@link
 * ModelFolder}.
 *
 * @param version the version of this description, {@value #VERSION}
 * @param imageSize the height and width of the images in pixels
 * @param patchSize the height and width of a patch in pixels
 * @param embedDim the width D of the tokens
 * @param depth the number of layers
 * @param numHeads the number of attention heads of a layer
 * @param mlpRatio the hidden width of the feed-forward networks as a multiple of {@code embedDim}
 * @param classToken whether a class token is classified
 * @param distillationToken whether there is a distillation token with its own head
 * @param numClasses the number of classes
 * @param mean what is subtracted from the pixels in [0,1], for each of the three channels
 * @param std what they are divided by then
 * @param dropPathRate how likely the last layer leaves each of its branches out in training
 * @param remoe the ReMoE blocks, with the layers that they are in; empty if there are none
 */
public record NetworkConfig(
        int version,
        int imageSize,
        int patchSize,
        int embedDim,
        int depth,
        int numHeads,
        float mlpRatio,
        boolean classToken,
        boolean distillationToken,
        int numClasses,
        List<Float> mean,
        List<Float> std,
        float dropPathRate,
        List<ReMoE> remoe) {

    private static final int VERSION = 1;

    // What somebody else's file may ask for, far above any real network: 64 times ViT-G's sizes.
    private static final int MAX_SIZE = 1 << 17;
    private static final int MAX_DEPTH = 1 << 12;
    private static final int MAX_GRID = 1 << 10;

    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

    /**
     * Checks what building the network does not.
     *
     * @throws IllegalArgumentException if the version is another, a value is missing or its size is
     *     beyond reason
     */
    public NetworkConfig {
        require(
                version == VERSION,
                "version is %s, but this library reads version %s: use the one that wrote it.",
                version,
                VERSION);
        require(
                mean != null && std != null && remoe != null,
                "mean, std and remoe cannot be null.");
        require(
                !mean.contains(null) && !std.contains(null) && !remoe.contains(null),
                "mean, std and remoe cannot hold null.");
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        remoe = List.copyOf(remoe);
        atMost("imageSize", imageSize, MAX_SIZE);
        atMost("embedDim", embedDim, MAX_SIZE);
        atMost("numClasses", numClasses, 10 * MAX_SIZE);
        atMost("depth", depth, MAX_DEPTH);
        atMost("imageSize / patchSize", imageSize / Math.max(1, patchSize), MAX_GRID);
        require(mlpRatio > 0 && mlpRatio <= 100, "mlpRatio must be 0 to 100, is %s.", mlpRatio);
        require(
                std.stream().allMatch(value -> value > 0 && value < Float.POSITIVE_INFINITY)
                        && mean.stream().allMatch(Float::isFinite),
                "mean and std must be numbers, std above 0; they are %s and %s.",
                mean,
                std);
        for (ReMoE blocks : remoe) {
            require(blocks.gate() != null, "gate must be one of AEA, MLP and UNIFORM.");
            require(
                    blocks.layers() != null
                            && !blocks.layers().isEmpty()
                            && blocks.layers().stream().noneMatch(Objects::isNull),
                    "layers of a ReMoE block must name the layers, counted from 1.");
        }
    }

    /**
     * Describes a network.
     *
     * @param vit the network
     * @return what it is built from
     * @throws IllegalArgumentException if feed-forward networks or gates of the caller's own are in it,
     *     which this description has no words for
     */
    public static NetworkConfig of(VisionTransformer vit) {
        require(
                vit.getMlpRatio() > 0,
                "The network has feed-forward networks of its own, which a network.json cannot"
                        + " describe. Load it with a ai.djl.nn.BlockFactory of your own.");
        int depth = vit.getBlocks().size();
        return new NetworkConfig(
                VERSION,
                vit.getImageSize(),
                vit.getPatchSize(),
                vit.getEmbedDim(),
                depth,
                vit.getNumHeads(),
                vit.getMlpRatio(),
                vit.hasClassToken(),
                vit.hasDistillationToken(),
                vit.getNumClasses(),
                list(vit.getMean()),
                list(vit.getStd()),
                vit.getBlocks().get(depth - 1).getDropPathRate(),
                ReMoE.of(vit));
    }

    /**
     * Builds the network.
     *
     * @return the network, not yet initialised
     * @throws IllegalArgumentException if the values do not fit each other; the message says which
     */
    public VisionTransformer createNetwork() {
        VisionTransformer vit = VisionTransformer.builder()
                .optImageSize(imageSize)
                .optPatchSize(patchSize)
                .optEmbedDim(embedDim)
                .optDepth(depth)
                .optNumHeads(numHeads)
                .optMlpRatio(mlpRatio)
                .optClassToken(classToken)
                .optDistillationToken(distillationToken)
                .optNumClasses(numClasses)
                .optNormalization(array(mean), array(std))
                .optDropPathRate(dropPathRate)
                .build();
        remoe.forEach(blocks -> blocks.insertInto(vit));
        return vit;
    }

    /**
     * Returns this as JSON.
     *
     * @return an object with one member for each component
     */
    public String toJson() {
        return GSON.toJson(this);
    }

    /**
     * Reads what {@link #toJson()} wrote.
     *
     * @param json the text
     * @return the description
     * @throws IllegalArgumentException if it is no JSON object, a member is missing, unknown or of
     *     another type, or a value is out of range; the message says which
     */
    public static NetworkConfig fromJson(String json) {
        try {
            JsonElement element = JsonParser.parseString(json);
            JsonObject object = object(element, "the description");
            requireMembers(object, NetworkConfig.class, "the description");
            if (object.get("remoe").isJsonArray()) {
                object.getAsJsonArray("remoe").forEach(blocks -> {
                    requireMembers(object(blocks, "remoe"), ReMoE.class, "remoe");
                });
            }
            return GSON.fromJson(object, NetworkConfig.class);
        } catch (JsonParseException e) {
            // Gson wraps what a record's constructor throws.
            Throwable reason = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException(reason.getMessage(), e);
        } catch (RuntimeException e) {
            Throwable reason = e.getCause();
            throw reason instanceof IllegalArgumentException checked ? checked : e;
        }
    }

    private static JsonObject object(JsonElement element, String what) {
        require(
                element.isJsonObject(),
                "%s must be a JSON object; it is cut off or something else.",
                what);
        return element.getAsJsonObject();
    }

    private static void requireMembers(
            JsonObject object, Class<? extends Record> type, String what) {
        Set<String> expected = new TreeSet<>();
        Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getName)
                .forEach(expected::add);
        Set<String> missing = new TreeSet<>(expected);
        missing.removeAll(object.keySet());
        require(missing.isEmpty(), "%s lacks %s.", what, String.join(", ", missing));
        Set<String> unknown = new TreeSet<>(object.keySet());
        unknown.removeAll(expected);
        require(
                unknown.isEmpty(),
                "%s has %s, which this library does not know; it knows %s.",
                what,
                String.join(", ", unknown),
                String.join(", ", expected));
        for (RecordComponent component : type.getRecordComponents()) {
            requireType(component, object.get(component.getName()));
        }
    }

    /** Gson would take 4.5 for 4, and says of a word only that it is no number. */
    private static void requireType(RecordComponent component, JsonElement value) {
        String name = component.getName();
        Class<?> type = component.getType();
        if (type == boolean.class) {
            require(
                    value instanceof JsonPrimitive primitive && primitive.isBoolean(),
                    "%s must be true or false, is %s.",
                    name,
                    shown(value));
        } else if (type.isPrimitive()) {
            require(
                    value instanceof JsonPrimitive primitive && primitive.isNumber(),
                    "%s must be a number, is %s.",
                    name,
                    shown(value));
            require(
                    type != int.class || value.getAsDouble() == (int) value.getAsDouble(),
                    "%s must be a whole number below 2^31, is %s.",
                    name,
                    value);
        }
    }

    /** Without what is in an array or object: in somebody else's file that may be endless. */
    private static Object shown(JsonElement value) {
        return value.isJsonArray() ? "an array" : value.isJsonObject() ? "an object" : value;
    }

    private static void atMost(String name, int value, int largest) {
        require(value <= largest, "%s must be at most %s, is %s.", name, largest, value);
    }

    private static void require(boolean condition, String message, Object... values) {
        if (!condition) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

    private static List<Float> list(float[] values) {
        List<Float> list = new ArrayList<>();
        for (float value : values) {
            list.add(value);
        }
        return list;
    }

    private static float[] array(List<Float> values) {
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }
}
