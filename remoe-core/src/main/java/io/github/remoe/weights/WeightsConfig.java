package io.github.remoe.weights;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.NetworkConfig;
import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What is known of the network that weights come from and cannot be seen from them: of this project's
 * files from their metadata, of a Hugging Face folder from timm's {@code config.json}. What is not
 * known is null.
 *
 * @param mean the pixel mean of each channel
 * @param std the pixel standard deviation of each channel
 * @param inputSize channels, height and width of the images
 * @param numHeads the attention heads
 * @param remoe the ReMoE blocks, with the layers that they are in
 */
record WeightsConfig(
        float[] mean, float[] std, int[] inputSize, Integer numHeads, List<ReMoE> remoe) {

    private static final String NETWORK = "network";
    // A parser makes some thirty bytes of memory of each of these.
    private static final int MAX_NETWORK = 1 << 16;
    // It may name ten thousands of classes, of which nothing is kept.
    private static final long MAX_CONFIG = 1_000_000;
    private static final int CHANNELS = 3;

    WeightsConfig {
        check(mean == null || mean.length <= CHANNELS, "mean has more than 3 numbers");
        check(std == null || std.length <= CHANNELS, "std has more than 3 numbers");
    }

    /**
     * Reads what there is to know about weights.
     *
     * @param weights a file, an index or a folder
     * @param metadata the texts in its first file
     */
    static WeightsConfig read(Path weights, Map<String, String> metadata) throws IOException {
        String network = metadata.get(NETWORK);
        if (network != null) {
            try {
                return ofNetwork(network);
            } catch (RuntimeException e) {
                throw new IOException(
                        String.format(
                                "What the metadata of %s tell of its network cannot be read: %s Export"
                                        + " the weights again.",
                                weights, sentence(e)),
                        e);
            }
        }
        Path file = weights.resolve("config.json");
        if (!Files.exists(file)) {
            return new WeightsConfig(null, null, null, null, null);
        }
        long size = Files.size(file);
        try {
            check(size <= MAX_CONFIG, "it has %d bytes, expected are at most %d", size, MAX_CONFIG);
            return ofTimm(Files.readString(file));
        } catch (IOException | RuntimeException e) {
            throw new IOException(
                    String.format(
                            "%s cannot be read: %s Copy it again, or delete it.",
                            file, sentence(e)),
                    e);
        }
    }

    private static String sentence(Exception e) {
        return e.getMessage() + (String.valueOf(e.getMessage()).endsWith(".") ? "" : ".");
    }

    private static WeightsConfig ofNetwork(String json) {
        check(
                json.length() <= MAX_NETWORK,
                "it has %d letters, expected are at most %d",
                json.length(),
                MAX_NETWORK);
        NetworkConfig network = NetworkConfig.fromJson(json);
        return new WeightsConfig(
                array(network.mean()),
                array(network.std()),
                new int[] {CHANNELS, network.imageSize(), network.imageSize()},
                network.numHeads(),
                network.remoe());
    }

    private static float[] array(List<Float> values) {
        float[] array = new float[values.size()];
        for (int i = 0; i < array.length; i++) {
            array[i] = values.get(i);
        }
        return array;
    }

    private record Timm(
            float[] mean,
            float[] std,
            @SerializedName("input_size") int[] inputSize) {}

    private record TimmModel(
            @SerializedName("pretrained_cfg") Timm config) {}

    /** timm keeps it under {@code pretrained_cfg}; earlier versions did not. */
    private static WeightsConfig ofTimm(String json) {
        Gson gson = new Gson();
        TimmModel model = gson.fromJson(json, TimmModel.class);
        check(model != null, "it is empty");
        Timm timm = model.config() == null ? gson.fromJson(json, Timm.class) : model.config();
        return new WeightsConfig(timm.mean(), timm.std(), timm.inputSize(), null, null);
    }

    private static void check(boolean right, String message, Object... values) {
        if (!right) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

    /** Says if the pixels were normalised in another way than the network does. */
    Optional<String> otherPixels(VisionTransformer vit) {
        if (mean == null
                || std == null
                || Arrays.equals(mean, vit.getMean()) && Arrays.equals(std, vit.getStd())) {
            return Optional.empty();
        }
        return Optional.of(String.format(
                "the weights expect pixels of mean %s and standard deviation %s, the network"
                        + " normalises with %s and %s: another model may fit better",
                Arrays.toString(mean),
                Arrays.toString(std),
                Arrays.toString(vit.getMean()),
                Arrays.toString(vit.getStd())));
    }
}
