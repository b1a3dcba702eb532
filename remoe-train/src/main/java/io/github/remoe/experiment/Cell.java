package io.github.remoe.experiment;

import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.Settings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * One training run of an experiment.
 *
 * @param name what all runs of the same settings but the seed are called
 * @param config its settings
 * @param path its run folder, {@code NAME/seed-N}
 */
public record Cell(String name, RunConfig config, Path path) {

    /** How far a cell has come. */
    public enum State {
        /** There is no run. */
        NEW,
        /** The run has begun and has no results. */
        INTERRUPTED,
        /** It is trained, and was evaluated on other images or under fewer attacks. */
        UNMEASURED,
        /** It is trained and evaluated. */
        DONE
    }

    /** The end of the name of the naturally trained network that others start from. */
    static final String START = "start";

    /**
     * Returns whether this is the naturally trained network that others start from.
     *
     * @return true if it is
     */
    public boolean isStart() {
        return name.endsWith(START);
    }

    /**
     * Returns how far the cell has come.
     *
     * @param attacks the attacks that it should be evaluated under
     * @param testSamples the test images that it should be evaluated on; 0 for all, which those of
     *     any evaluation are taken for
     * @return the state
     * @throws IOException if the folder holds a run with other settings, or cannot be read
     */
    public State state(List<String> attacks, int testSamples) throws IOException {
        RunFolder folder = new RunFolder(path);
        if (!folder.exists()) {
            return State.NEW;
        }
        requireSameSettings(folder.readConfig());
        Optional<Results> results = results();
        if (results.isEmpty()) {
            return State.INTERRUPTED;
        }
        boolean measured = names(results.get()).containsAll(attacks)
                && (testSamples == 0 || results.get().dataset().images() == testSamples);
        return measured ? State.DONE : State.UNMEASURED;
    }

    private void requireSameSettings(RunConfig found) throws IOException {
        Map<String, Object> wanted = config.toMap();
        Map<String, Object> there = found.toMap();
        String differences = wanted.keySet().stream()
                .filter(name -> !same(name, wanted.get(name), there.get(name)))
                .map(name -> String.format(
                        "%s is %s there and %s here", name, there.get(name), wanted.get(name)))
                .collect(Collectors.joining(", "));
        if (!differences.isEmpty()) {
            throw new IOException(String.format(
                    "%s holds a run with other settings: %s. Choose another --out, give the settings"
                            + " that the run was made with, or delete it.",
                    path, differences));
        }
    }

    private static boolean same(String name, Object one, Object other) {
        if (one.equals(other) || !Settings.paths().contains(name)) {
            return one.equals(other);
        }
        Path here = Path.of(one.toString());
        Path there = Path.of(other.toString());
        // The start is known by the end of its path: the whole experiment may have been moved.
        return here.toAbsolutePath().normalize().equals(there.toAbsolutePath().normalize())
                || name.equals("initialRun")
                        && here.getNameCount() > 1
                        && there.getNameCount() > 1
                        && end(here).equals(end(there));
    }

    private static Path end(Path path) {
        return path.subpath(path.getNameCount() - 2, path.getNameCount());
    }

    /**
     * Returns the results of the evaluation.
     *
     * @return the results, empty if there are none
     * @throws IOException if they cannot be read
     */
    public Optional<Results> results() throws IOException {
        return Files.exists(path.resolve("results.json"))
                ? Optional.of(new RunFolder(path).readResults())
                : Optional.empty();
    }

    /**
     * Returns the attacks of an evaluation that replaces the one that there is, so that no figure is
     * lost.
     *
     * @param attacks the attacks that are wanted
     * @return those that there are, then those that are wanted besides
     * @throws IOException if the results cannot be read
     */
    public List<String> withMeasured(List<String> attacks) throws IOException {
        Set<String> all = new LinkedHashSet<>();
        results().ifPresent(results -> all.addAll(names(results)));
        all.addAll(attacks);
        return new ArrayList<>(all);
    }

    private static List<String> names(Results results) {
        return results.attacks().stream().map(NamedAttack::name).toList();
    }
}
