package io.github.remoe.run;

import org.apache.commons.text.similarity.LevenshteinDistance;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The settings that there are, and their values from text: YAML files, command lines.
 *
 * <p>Names, types, ranges, defaults and descriptions are those of {@link RunConfig}'s components.
 */
public final class Settings {

    private static final String RECIPE = "recipe";

    private Settings() {}

    /**
     * What a user has to know of a setting.
     *
     * @param name its name, as in YAML files
     * @param alias a shorter name, or empty
     * @param group what it belongs to
     * @param description what it means
     * @param byDefault its default
     * @param allowed what values it may have
     * @param flag whether it is true or false
     * @param path whether it is a path, or may be one
     */
    public record Info(
            String name,
            String alias,
            RunConfig.Group group,
            String description,
            String byDefault,
            String allowed,
            boolean flag,
            boolean path) {}

    /**
     * Returns all settings.
     *
     * @return the settings in the order of their groups
     */
    public static List<Info> all() {
        return Arrays.stream(RunConfig.class.getRecordComponents())
                .map(component -> {
                    Setting setting = component.getAnnotation(Setting.class);
                    return new Info(
                            component.getName(),
                            setting.alias(),
                            setting.group(),
                            setting.value(),
                            setting.byDefault(),
                            allowed(component),
                            component.getType() == boolean.class,
                            setting.path());
                })
                .toList();
    }

    /**
     * Returns the settings that are paths, or may be.
     *
     * @return their names
     */
    public static Set<String> paths() {
        return all().stream().filter(Info::path).map(Info::name).collect(Collectors.toSet());
    }

    /** The configuration of these values, defaults for the rest. */
    static RunConfig config(Map<String, ?> values) {
        RecordComponent[] components = RunConfig.class.getRecordComponents();
        List<String> names =
                Arrays.stream(components).map(RecordComponent::getName).toList();
        for (Map.Entry<String, ?> entry : values.entrySet()) {
            String name = entry.getKey();
            if (entry.getValue() == null) {
                throw new IllegalArgumentException(
                        String.format("%s has no value. Give it one, or leave it out.", name));
            }
            if (!names.contains(name)) {
                throw new IllegalArgumentException(String.format(
                        "There is no setting '%s'. Did you mean '%s'?",
                        name, nearest(name, names)));
            }
        }
        Object[] arguments = Arrays.stream(components)
                .map(component -> {
                    Object value = values.get(component.getName());
                    return value == null
                            ? convert(component, defaultOf(component))
                            : convert(component, value);
                })
                .toArray();
        try {
            Class<?>[] types = Arrays.stream(components)
                    .map(RecordComponent::getType)
                    .toArray(Class<?>[]::new);
            return RunConfig.class.getDeclaredConstructor(types).newInstance(arguments);
        } catch (InvocationTargetException e) {
            throw new IllegalArgumentException(e.getCause().getMessage(), e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    static RunConfig read(Path file, RunConfig base) throws IOException {
        try {
            Map<String, Object> values = parse(Files.readString(file));
            Object recipe = values.remove(RECIPE);
            RunConfig start = recipe == null ? base : RunConfig.recipe(recipe.toString());
            if (!base.equals(start) && !base.equals(RunConfig.defaults())) {
                throw new IllegalArgumentException(String.format(
                        "It starts from the recipe '%s', but another start was given too. Leave out"
                                + " one of them.",
                        recipe));
            }
            return start.with(values);
        } catch (IllegalArgumentException | YamlEngineException e) {
            throw new IOException(
                    String.format("%s cannot be used: %s", file, e.getMessage().trim()), e);
        }
    }

    /**
     * Parses a YAML mapping.
     *
     * @param yaml the text
     * @return its values by name, in their order; none if the text is empty
     * @throws IllegalArgumentException if it holds something else
     */
    public static Map<String, Object> parse(String yaml) {
        Object content = new Load(LoadSettings.builder().build()).loadFromString(yaml);
        Map<String, Object> values = new LinkedHashMap<>();
        if (content instanceof Map<?, ?> map) {
            map.forEach((key, value) -> values.put(String.valueOf(key), value));
        } else if (content != null) {
            throw new IllegalArgumentException(
                    "It holds no settings: one a line is expected, such as 'epochs: 10'.");
        }
        return values;
    }

    static Map<String, Object> toMap(RunConfig config) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (RecordComponent component : RunConfig.class.getRecordComponents()) {
            try {
                values.put(component.getName(), plain(component.getAccessor().invoke(config)));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        return values;
    }

    static String toYaml(RunConfig config) {
        DumpSettings settings = DumpSettings.builder()
                .setDefaultFlowStyle(FlowStyle.BLOCK)
                .setWidth(Integer.MAX_VALUE)
                .build();
        return toMap(config).entrySet().stream()
                .map(entry -> entry.getKey() + ": " + inline(settings, entry.getValue()))
                .collect(Collectors.joining());
    }

    private static String inline(DumpSettings settings, Object value) {
        return value instanceof List<?> list
                ? list + System.lineSeparator()
                : new Dump(settings).dumpToString(value);
    }

    private static Object plain(Object value) {
        if (value instanceof Enum<?> constant) {
            return constant.name();
        }
        if (value instanceof Float number) {
            // By its digits: 0.1f as a double would be 0.10000000149011612.
            return Double.valueOf(number.toString());
        }
        return value instanceof List<?> list
                ? list.stream().map(Settings::plain).toList()
                : value;
    }

    /** The known name that takes the fewest changes. */
    static String nearest(String name, Collection<String> known) {
        LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
        return known.stream()
                .min(Comparator.comparing(candidate -> distance.apply(
                        candidate.toLowerCase(Locale.ROOT), name.toLowerCase(Locale.ROOT))))
                .orElse("");
    }

    private static Object defaultOf(RecordComponent component) {
        String text = component.getAnnotation(Setting.class).byDefault();
        return new Load(LoadSettings.builder().build()).loadFromString(text);
    }

    private static Object convert(RecordComponent component, Object value) {
        try {
            if (component.getType() != List.class) {
                return convert(component, component.getType(), value);
            }
            Type element =
                    ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
            return elements(value)
                    .map(item -> convert(component, (Class<?>) element, item))
                    .toList();
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    String.format(
                            "%s is '%s', allowed is %s.%s",
                            component.getName(),
                            value,
                            allowed(component),
                            e.getMessage() == null || !e.getMessage().startsWith(" ")
                                    ? ""
                                    : e.getMessage()),
                    e);
        }
    }

    private static Stream<?> elements(Object value) {
        if (value instanceof List<?> list) {
            return list.stream();
        }
        // Brackets as in YAML, or none.
        String text = value.toString().replaceAll("^\\[|]$", "").trim();
        return text.isEmpty() ? Stream.empty() : Arrays.stream(text.split(" *, *"));
    }

    private static Object convert(RecordComponent component, Class<?> type, Object value) {
        String text = value.toString().trim();
        if (type == String.class) {
            return text;
        }
        if (type == boolean.class) {
            if (!text.equalsIgnoreCase("true") && !text.equalsIgnoreCase("false")) {
                throw new IllegalArgumentException();
            }
            return Boolean.valueOf(text);
        }
        if (type.isEnum()) {
            return constant(type, text);
        }
        double number = type == float.class ? number(text) : Long.parseLong(text);
        Setting setting = component.getAnnotation(Setting.class);
        if (!(number >= setting.min() && number <= setting.max())
                || setting.above() && number == setting.min()
                || Double.isInfinite(number)) {
            throw new IllegalArgumentException();
        }
        if (type == float.class) {
            return (float) number;
        }
        return type == long.class ? (Object) Long.valueOf(text) : Integer.valueOf(text);
    }

    private static Object constant(Class<?> type, String text) {
        List<String> names =
                Arrays.stream(type.getEnumConstants()).map(Object::toString).toList();
        String name = text.toUpperCase(Locale.ROOT).replace('-', '_');
        for (Object constant : type.getEnumConstants()) {
            if (constant.toString().equals(name)) {
                return constant;
            }
        }
        throw new IllegalArgumentException(
                String.format(" Did you mean %s?", nearest(text, names)));
    }

    /** A decimal number, or a fraction as pixel values are written. */
    private static double number(String text) {
        String[] parts = text.split("/", 2);
        double number = Double.parseDouble(parts[0]);
        return parts.length == 1 ? number : number / Double.parseDouble(parts[1]);
    }

    private static String allowed(RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        Class<?> type = component.getType();
        if (type == List.class) {
            Class<?> element = (Class<?>)
                    ((ParameterizedType) component.getGenericType()).getActualTypeArguments()[0];
            return "a list of "
                    + (element.isEnum() ? names(element) : "whole numbers" + range(setting));
        }
        if (type == boolean.class) {
            return "true or false";
        }
        if (type.isEnum()) {
            return names(type);
        }
        if (type == String.class) {
            return "text";
        }
        return (type == float.class ? "a number" : "a whole number") + range(setting);
    }

    private static String range(Setting setting) {
        String from = Double.isInfinite(setting.min())
                ? ""
                : (setting.above() ? " above " : " of at least ") + plain(setting.min());
        String to = Double.isInfinite(setting.max())
                ? ""
                : (from.isEmpty() ? " of" : " and") + " at most " + plain(setting.max());
        return from + to;
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
    }

    private static String names(Class<?> type) {
        return Arrays.stream(type.getEnumConstants())
                .map(Object::toString)
                .collect(Collectors.joining(", "));
    }
}
