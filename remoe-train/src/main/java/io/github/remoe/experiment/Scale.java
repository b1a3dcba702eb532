package io.github.remoe.experiment;

import io.github.remoe.run.Settings;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How large an experiment's networks, data and trainings are; one small YAML file each, beside this
 * class.
 *
 * @param name its name
 * @param recipe the first part of the recipes that cells start from, the dataset's
 * @param model the network, or null for that of each of the paper's tables
 * @param backbones whether there are networks to compare with each other
 * @param settings the settings in which all cells but the start differ from the recipe
 * @param start the settings in which the start differs from the recipe: a naturally trained network
 *     that all others start from; null if they start from random weights
 * @param attacks the attacks of the evaluation, by their names on the command line
 * @param testSamples how many test images are evaluated; 0 means all
 */
public record Scale(
        String name,
        String recipe,
        String model,
        boolean backbones,
        Map<String, Object> settings,
        Map<String, Object> start,
        List<String> attacks,
        int testSamples) {

    private static final List<String> NAMES = List.of("micro", "small", "paper");

    /**
     * Returns the names of the scales.
     *
     * @return the names, smallest first
     */
    public static List<String> names() {
        return NAMES;
    }

    /**
     * Reads a scale.
     *
     * @param name one of {@link #names()}
     * @return the scale
     * @throws IllegalArgumentException if there is no such scale
     */
    public static Scale of(String name) {
        if (!NAMES.contains(name)) {
            throw new IllegalArgumentException(String.format(
                    "There is no scale '%s'. Choose one of %s.", name, String.join(", ", NAMES)));
        }
        try (InputStream stream = Scale.class.getResourceAsStream(name + ".yaml")) {
            Map<String, Object> file =
                    Settings.parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
            return new Scale(
                    name,
                    (String) file.get("recipe"),
                    (String) file.get("model"),
                    (Boolean) file.get("backbones"),
                    settings(file.get("settings")),
                    file.containsKey("start") ? settings(file.get("start")) : null,
                    ((List<?>) file.get("attacks"))
                            .stream().map(String::valueOf).toList(),
                    (Integer) file.get("testSamples"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Map<String, Object> settings(Object content) {
        Map<String, Object> settings = new LinkedHashMap<>();
        if (content instanceof Map<?, ?> map) {
            map.forEach((key, value) -> settings.put(String.valueOf(key), value));
        }
        return settings;
    }
}
