package io.github.remoe.vit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;

/**
 * Networks by name, with timm's names and sizes.
 *
 * <p>The {@code patch4_32} variants are the same networks for 32 x 32 images (CIFAR): 8 x 8 patches
 * of 4 x 4 pixels. Each keeps the normalisation of the network that it varies, since pretrained
 * weights expect it.
 */
public final class Presets {

    private static final float[] HALF = {0.5f, 0.5f, 0.5f};

    private static final Map<String, Supplier<VisionTransformer.Builder>> BUILDERS =
            new TreeMap<>(Map.of(
                    "deit_tiny_patch16_224", () -> deit(192),
                    "deit_small_patch16_224", () -> deit(384),
                    "vit_small_patch16_224", () -> vit(384),
                    "deit_tiny_distilled_patch16_224", () -> deit(192).optDistillationToken(true),
                    "deit_small_distilled_patch16_224", () -> deit(384).optDistillationToken(true),
                    "deit_tiny_patch4_32", () -> patch4(deit(192)),
                    "deit_small_patch4_32", () -> patch4(deit(384)),
                    "vit_small_patch4_32", () -> patch4(vit(384)),
                    "vit_micro_patch4_32", () -> patch4(vit(64)).optDepth(6)));

    private Presets() {}

    /**
     * Returns the known names in alphabetical order.
     *
     * @return the names
     */
    public static List<String> names() {
        return new ArrayList<>(BUILDERS.keySet());
    }

    /**
     * Starts a network from a named size.
     *
     * @param name one of {@link #names()}
     * @return a builder with the sizes of that name
     * @throws IllegalArgumentException if the name is unknown
     */
    public static VisionTransformer.Builder builder(String name) {
        Supplier<VisionTransformer.Builder> builder = BUILDERS.get(name);
        if (builder == null) {
            throw new IllegalArgumentException(String.format(
                    "Unknown model '%s'. Known models: %s.", name, String.join(", ", names())));
        }
        return builder.get();
    }

    // Heads are 64 wide in ViT-S and DeiT; the micro network's are 32.
    private static VisionTransformer.Builder deit(int embedDim) {
        return VisionTransformer.builder()
                .optEmbedDim(embedDim)
                .optNumHeads(Math.max(2, embedDim / 64));
    }

    private static VisionTransformer.Builder vit(int embedDim) {
        return deit(embedDim).optNormalization(HALF, HALF);
    }

    private static VisionTransformer.Builder patch4(VisionTransformer.Builder builder) {
        return builder.optImageSize(32).optPatchSize(4);
    }
}
