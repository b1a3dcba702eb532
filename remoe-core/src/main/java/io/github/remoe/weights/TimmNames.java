package io.github.remoe.weights;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Translates the names of a {@link io.github.remoe.vit.VisionTransformer}'s parameters into timm's:
 * {@code 02block_04mlp_01Linear_weight} is {@code blocks.0.mlp.fc1.weight}.
 *
 * <p>What timm does not have is named in timm's style: the first layer of ReMoE's regional experts in
 * the third block is {@code blocks.2.mlp.regional_experts.fc1.weight}. {@link TimmTensors} gives the
 * arrays under these names.
 */
public final class TimmNames {

    // The network's first child is its patch embedding, and children are counted from 1.
    private static final int FIRST_BLOCK = 2;

    private TimmNames() {}

    /**
     * Translates a name.
     *
     * @param parameter a name as {@code VisionTransformer.getParameters()} gives it
     * @return timm's name
     */
    public static String of(String parameter) {
        List<String> path = new ArrayList<>();
        for (String part : parameter.split("_")) {
            String plain = part.replaceFirst("^\\d+", "");
            path.add(
                    switch (plain) {
                        case "block" -> {
                            String place = part.substring(0, part.length() - plain.length());
                            yield "blocks." + (Integer.parseInt(place) - FIRST_BLOCK);
                        }
                        case "Linear" -> part.startsWith("01") ? "fc1" : "fc2";
                        case "gamma" -> "weight";
                        case "beta" -> "bias";
                        case "weight1", "bias1" -> "fc1." + plain.substring(0, plain.length() - 1);
                        case "weight2", "bias2" -> "fc2." + plain.substring(0, plain.length() - 1);
                        default -> plain.replaceAll("([A-Z])", "_$1").toLowerCase(Locale.ROOT);
                    });
        }
        return String.join(".", path);
    }
}
