package io.github.remoe.report;

import io.github.remoe.evaluate.EvaluationSettings;
import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.metrics.CsvMetrics;
import io.github.remoe.metrics.Measurement;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.RunInfo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A run, as far as its folder holds it: what is missing is null or empty.
 *
 * @param number which of the page's runs it is, counted from 1
 * @param name what the page calls it
 * @param path its folder
 * @param config the settings
 * @param info what it was trained on
 * @param results the results of the last evaluation
 * @param verdicts the verdicts on single images of the same evaluation
 * @param epochs what was measured of each epoch
 * @param steps what was measured of each step
 * @param masking the check for gradient masking
 * @param unreadable files that are there and cannot be read, and why
 */
record ReportedRun(
        int number,
        String name,
        Path path,
        RunConfig config,
        RunInfo info,
        Results results,
        Verdicts verdicts,
        List<Measurement> epochs,
        List<Measurement> steps,
        MaskingReport masking,
        Map<String, String> unreadable) {

    private static final int STEPS_OF_A_CURVE = 1000;

    static final String RESULTS = "results.json";
    static final String CONFIG = "config.yaml";
    static final String VERDICTS = "verdicts.csv";
    static final String EPOCHS = "epochs.csv";
    static final String STEPS = "log.csv";
    static final String MASKING = "masking.json";

    /** Reads what a folder holds. */
    static ReportedRun read(int number, String name, Path path) throws IOException {
        boolean trained = Files.exists(path.resolve(CONFIG));
        boolean evaluated = Files.exists(path.resolve(RESULTS));
        if (!trained && !evaluated) {
            throw new IOException(String.format(
                    "%s holds no run: it has neither %s nor %s. Name the folder of a training run, or"
                            + " one that 'evaluate --out' wrote.",
                    path, CONFIG, RESULTS));
        }
        RunFolder folder = new RunFolder(path);
        Map<String, String> unreadable = new LinkedHashMap<>();
        Results results = evaluated ? attempt(RESULTS, folder::readResults, unreadable) : null;
        Path masking = path.resolve("masking").resolve(MASKING);
        List<Measurement> epochs =
                orEmpty(attempt(EPOCHS, () -> CsvMetrics.readEpochs(path), unreadable));
        return new ReportedRun(
                number,
                name,
                path,
                trained ? attempt(CONFIG, folder::readConfig, unreadable) : null,
                trained ? attempt("run.json", folder::readInfo, unreadable) : null,
                results,
                results == null || results.verdicts() == null
                        ? null
                        : attempt(
                                VERDICTS,
                                () -> verdicts(path.resolve(results.verdicts()), results),
                                unreadable),
                epochs,
                TrainingSection.isCurve(epochs)
                        ? List.of()
                        : orEmpty(attempt(
                                STEPS,
                                () -> CsvMetrics.readSteps(path, STEPS_OF_A_CURVE),
                                unreadable)),
                Files.exists(masking)
                        ? attempt(MASKING, () -> MaskingReport.load(masking), unreadable)
                        : null,
                unreadable);
    }

    private static List<Measurement> orEmpty(List<Measurement> list) {
        return Objects.requireNonNullElse(list, List.of());
    }

    private static Verdicts verdicts(Path file, Results results) throws IOException {
        Verdicts verdicts = Verdicts.load(file);
        if (verdicts.size() != results.dataset().images()
                || !verdicts.settings().model().equals(results.model().checksum())
                || !verdicts.settings().attacks().equals(results.attacks())) {
            throw new IOException(
                    file + " is of another evaluation than results.json. Evaluate again.");
        }
        return verdicts;
    }

    /** Something that reads a file. */
    private interface Reading<T> {
        T read() throws IOException;
    }

    private static <T> T attempt(String file, Reading<T> reading, Map<String, String> unreadable) {
        try {
            return reading.read();
        } catch (IOException | RuntimeException e) {
            unreadable.put(file, String.format("%s cannot be read. %s", file, e.getMessage()));
            return null;
        }
    }

    /** Says why something of a file is missing: it cannot be read, or is not there. */
    String why(String file, String notThere) {
        return unreadable.containsKey(file)
                ? file + " cannot be read, for the reason above."
                : notThere;
    }

    /** What ids of this run begin with. */
    String id() {
        return "run" + number;
    }

    /** The names of the classes by label. */
    List<String> classes() {
        if (results != null && !results.dataset().classes().isEmpty()) {
            return results.dataset().classes();
        }
        return info == null ? List.of() : info.classes();
    }

    /** What the page calls a class. */
    String className(int label) {
        return label < classes().size() ? classes().get(label) : "class " + label;
    }

    /**
     * Which of the evaluation's epsilons figures are about that show one: that of the training if it is
     * among them, else the largest.
     */
    int mainEpsilon() {
        List<Float> epsilons = results.threatModel().epsilons();
        int trained = config == null ? -1 : epsilons.indexOf(config.epsilon());
        return trained < 0 ? epsilons.size() - 1 : trained;
    }

    /** An epsilon as people write it. */
    String epsilon(int position) {
        return results.threatModel()
                .at(results.threatModel().epsilons().get(position))
                .epsilonText();
    }

    /** The names of the attacks. */
    List<String> attacks() {
        return results.attacks().stream()
                .map(EvaluationSettings.NamedAttack::name)
                .toList();
    }

    /** The robust accuracy under one attack at one epsilon. */
    Results.RobustAccuracy robust(int attack, int epsilon) {
        return results.robust().get(attack * results.threatModel().epsilons().size() + epsilon);
    }
}
