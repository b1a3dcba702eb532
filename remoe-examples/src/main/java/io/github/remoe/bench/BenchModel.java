package io.github.remoe.bench;

import io.github.remoe.vit.Presets;

import java.util.Map;

/**
 * A network to measure, and how many images its rows take: a row should take seconds on two cores,
 * not minutes, and fit their memory.
 *
 * @param name what it is called in tables
 * @param preset its name among {@link Presets}
 * @param stepBatch the batch of an attack step and of a training step
 * @param evaluationImages the images of an evaluation
 * @param evaluationBatch the batch of an evaluation
 * @param autoAttackImages the images of AutoAttack
 * @param autoAttackByDefault whether AutoAttack is measured without being asked for by name
 */
public record BenchModel(
        String name,
        String preset,
        int stepBatch,
        int evaluationImages,
        int evaluationBatch,
        int autoAttackImages,
        boolean autoAttackByDefault) {

    /** The number of classes of every network. */
    static final int CLASSES = 10;

    private static final Map<String, String> SHORT = Map.of(
            "micro", "vit_micro_patch4_32",
            "deit-t-32", "deit_tiny_patch4_32",
            "deit-t-224", "deit_tiny_patch16_224");

    /**
     * Returns a network by name.
     *
     * @param name {@code micro}, {@code deit-t-32}, {@code deit-t-224} or a preset's name
     * @return the network with the usual numbers of images
     * @throws IllegalArgumentException if the name is unknown
     */
    public static BenchModel of(String name) {
        String preset = SHORT.getOrDefault(name, name);
        int imageSize;
        try {
            imageSize = Presets.builder(preset).build().getImageSize();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    String.format("%s Short names: micro, deit-t-32, deit-t-224.", e.getMessage()),
                    e);
        }
        if (imageSize > 32) {
            return new BenchModel(name, preset, 8, 32, 16, 16, false);
        }
        int autoAttackImages = preset.equals(SHORT.get("micro")) ? 64 : 16;
        return new BenchModel(name, preset, 128, 512, 128, autoAttackImages, true);
    }
}
