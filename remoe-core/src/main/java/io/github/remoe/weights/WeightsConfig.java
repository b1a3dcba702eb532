package io.github.remoe.weights;

import com.google.gson.Gson;
import com.google.gson.annotations.SerializedName;

import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
 * @param remoe the ReMoE blocks
 * @param pretrained where timm's files have mean, std and size
 */
record WeightsConfig(
        float[] mean,
        float[] std,
        @SerializedName("input_size") int[] inputSize,
        Integer numHeads,
        List<Blocks> remoe,
        @SerializedName("pretrained_cfg") WeightsConfig pretrained) {

    private static final WeightsConfig UNKNOWN =
            new WeightsConfig(null, null, null, null, null, null);
    private static final String NETWORK = "network";
    private static final long MAX_BYTES = 1_000_000;

    /**
     * ReMoE blocks of the same settings.
     *
     * @param layers the layers that have one, counted from 1
     * @param rows the regions below each other
     * @param columns the regions beside each other
     * @param centerRatio the side of the centre region over the patch grid's
     */
    record Blocks(List<Integer> layers, int rows, int columns, float centerRatio) {

        Blocks {
            layers = List.copyOf(layers);
        }
    }

    WeightsConfig {
        remoe = remoe == null ? null : List.copyOf(remoe);
    }

    /** Reads what there is to know about a file, an index or a folder of weights. */
    static WeightsConfig read(Path weights) throws IOException {
        String json = SafeTensors.loadMetadata(weights).get(NETWORK);
        Path file = weights.resolve("config.json");
        if (json == null && Files.exists(file)) {
            json = Files.size(file) > MAX_BYTES ? "too long" : Files.readString(file);
        }
        try {
            WeightsConfig config =
                    json == null ? UNKNOWN : new Gson().fromJson(json, WeightsConfig.class);
            return config.pretrained == null ? config : config.pretrained;
        } catch (RuntimeException e) {
            throw new IOException(
                    String.format(
                            "What %s tells of its network cannot be read: %s. Copy the weights again,"
                                    + " or leave out a config.json that is beside them.",
                            weights, e.getMessage()),
                    e);
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
