package io.github.remoe.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The recipes: settings by name, a dataset's and a scheme's put together, such as {@code
 * cifar10-trades}.
 *
 * <p>They are the paper's (section "Loss and Training"), from small YAML files beside this class, one
 * for each dataset and one for each scheme.
 */
public final class Recipes {

    private static final List<String> DATASETS =
            List.of("micro", "cifar10", "cifar100", "imagenette", "imagenet");
    private static final List<String> SCHEMES = List.of("nat", "sat", "trades", "mart", "fast-at");

    private Recipes() {}

    /**
     * Returns the names of the recipes.
     *
     * @return the names, those of one dataset together
     */
    public static List<String> names() {
        return DATASETS.stream()
                .flatMap(dataset -> SCHEMES.stream().map(scheme -> dataset + "-" + scheme))
                .toList();
    }

    /** The settings in which a recipe differs from the defaults. */
    static Map<String, Object> settings(String name) {
        if (!names().contains(name)) {
            throw new IllegalArgumentException(String.format(
                    "There is no recipe '%s'. Did you mean '%s'? Recipes are %s, each with %s.",
                    name,
                    Settings.nearest(name, names()),
                    String.join(", ", DATASETS),
                    String.join(", ", SCHEMES)));
        }
        int hyphen = name.indexOf('-');
        Map<String, Object> settings = new LinkedHashMap<>(read(name.substring(0, hyphen)));
        settings.putAll(read(name.substring(hyphen + 1)));
        return settings;
    }

    private static Map<String, Object> read(String name) {
        String file = "recipes/" + name + ".yaml";
        try (InputStream stream = Recipes.class.getResourceAsStream(file)) {
            if (stream == null) {
                throw new IllegalStateException("The recipe " + file + " is missing in the jar.");
            }
            return Settings.parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
