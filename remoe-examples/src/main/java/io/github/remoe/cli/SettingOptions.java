package io.github.remoe.cli;

import io.github.remoe.run.RunConfig;
import io.github.remoe.run.Settings;

import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** One option for each setting of a run: {@code --attack-steps} for {@code attackSteps}. */
final class SettingOptions {

    private SettingOptions() {}

    /** Adds the options of some groups to a command, under a heading each. */
    static void addTo(CommandSpec command, RunConfig.Group... groups) {
        addTo(command, Set.of(), groups);
    }

    /** The same with some settings left out of the help, for commands that refuse them by name. */
    static void addTo(CommandSpec command, Set<String> hidden, RunConfig.Group... groups) {
        for (RunConfig.Group group : groups) {
            ArgGroupSpec.Builder options = ArgGroupSpec.builder()
                    .exclusive(false)
                    .multiplicity("0..1")
                    .heading(String.format("%n%s%n", heading(group, hidden)))
                    .order(group.ordinal());
            for (Settings.Info setting : in(group)) {
                options.addArg(option(setting, hidden.contains(setting.name())));
            }
            command.addArgGroup(options.build());
        }
    }

    private static String heading(RunConfig.Group group, Set<String> hidden) {
        return switch (group) {
            case MODEL -> "Network:";
            case REMOE ->
                hidden.contains("remoe")
                        ? "ReMoE blocks:"
                        : "ReMoE blocks (one of these options implies --remoe):";
            case DATA -> "Data:";
            case SCHEME -> "Training scheme:";
            case OPTIMIZATION -> "Optimization:";
            case AVERAGE -> "Weight averaging:";
            case RUN -> "Run:";
        };
    }

    private static OptionSpec option(Settings.Info setting, boolean hidden) {
        String description = String.format(
                "%s Default: %s.",
                setting.description(),
                setting.byDefault().matches("''|\\[]") ? "none" : setting.byDefault());
        OptionSpec.Builder option = setting.alias().isEmpty()
                ? OptionSpec.builder(name(setting))
                : OptionSpec.builder(name(setting), "--" + setting.alias());
        option.type(String.class).description(description.replace("%", "%%")).hidden(hidden);
        if (setting.flag()) {
            return option.arity("0..1")
                    .fallbackValue("true")
                    .paramLabel("true|false")
                    .build();
        }
        return option.paramLabel(label(setting)).build();
    }

    private static String label(Settings.Info setting) {
        String names = setting.allowed().replace("a list of ", "");
        boolean list = names.length() < setting.allowed().length();
        String one = names.matches("[A-Z_]+(, [A-Z_]+)*")
                ? names.replace(", ", "|")
                : names.contains("number") ? "N" : "VALUE";
        return list ? one + ",..." : one;
    }

    private static String name(Settings.Info setting) {
        return "--"
                + setting.name().replaceAll("(?<=[a-z])(?=[A-Z0-9])", "-").toLowerCase(Locale.ROOT);
    }

    private static List<Settings.Info> in(RunConfig.Group group) {
        return Settings.all().stream()
                .filter(setting -> setting.group() == group)
                .toList();
    }

    /** The settings that were given on the command line, by name. */
    static Map<String, Object> given(CommandSpec command) {
        ParseResult parsed = command.commandLine().getParseResult();
        Map<String, Object> given = new LinkedHashMap<>();
        boolean aboutReMoE = false;
        for (Settings.Info setting : Settings.all()) {
            if (parsed.hasMatchedOption(name(setting))) {
                given.put(setting.name(), parsed.matchedOptionValue(name(setting), ""));
                aboutReMoE |= setting.group() == RunConfig.Group.REMOE;
            }
        }
        if (aboutReMoE) {
            given.putIfAbsent("remoe", true);
        }
        return given;
    }

    /** The options that make a configuration out of the defaults. */
    static List<String> arguments(RunConfig config) {
        Map<String, Object> defaults = RunConfig.defaults().toMap();
        Map<String, Object> values = config.toMap();
        return Settings.all().stream()
                .filter(setting -> !values.get(setting.name()).equals(defaults.get(setting.name())))
                .map(setting -> name(setting) + "=" + text(values.get(setting.name())))
                .toList();
    }

    private static String text(Object value) {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).collect(Collectors.joining(","))
                : value.toString();
    }

    /** All groups. */
    static RunConfig.Group[] all() {
        return Arrays.copyOf(RunConfig.Group.values(), RunConfig.Group.values().length);
    }
}
