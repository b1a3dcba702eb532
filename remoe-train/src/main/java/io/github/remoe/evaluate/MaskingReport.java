package io.github.remoe.evaluate;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;

import io.github.remoe.attack.ThreatModel;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Whether a model's robustness may come from gradients that lead attacks nowhere: what {@link
 * GradientMaskingCheck} found.
 *
 * @param threatModel the threat that the model was checked under
 * @param clean the images that are classified rightly as they are; the checks are made on these
 * @param steps loss and accuracy under PGD, by its number of steps
 * @param epsilons accuracy under the white-box attack, by epsilon
 * @param checks what was checked
 * @param notChecked what was not, and why
 * @param model the checksum of the model, or null if that is not known
 * @param datasetChecksum what names the dataset's images and labels for good, or null if that is not
 *     known
 * @param command the command line that made the check, or null if that is not known
 */
public record MaskingReport(
        ThreatModel threatModel,
        Accuracy clean,
        List<Steps> steps,
        List<Epsilon> epsilons,
        List<Check> checks,
        List<String> notChecked,
        String model,
        String datasetChecksum,
        String command) {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    /**
     * Checks that nothing is missing.
     *
     * @throws IllegalArgumentException if something but the last three is null, or there is no point
     *     of a curve
     */
    public MaskingReport {
        present(threatModel, "threatModel");
        present(threatModel.norm(), "threatModel.norm");
        present(clean, "clean");
        all(checks, "checks");
        all(notChecked, "notChecked");
        if (all(steps, "steps").isEmpty() || all(epsilons, "epsilons").isEmpty()) {
            throw new IllegalArgumentException(
                    "steps and epsilons are the points of curves, one at least; got none");
        }
    }

    /**
     * Tells what was found of a model and data that nothing is known of.
     *
     * @param threatModel the threat that the model was checked under
     * @param clean the images that are classified rightly as they are
     * @param steps loss and accuracy under PGD, by its number of steps
     * @param epsilons accuracy under the white-box attack, by epsilon
     * @param checks what was checked
     * @param notChecked what was not, and why
     */
    public MaskingReport(
            ThreatModel threatModel,
            Accuracy clean,
            List<Steps> steps,
            List<Epsilon> epsilons,
            List<Check> checks,
            List<String> notChecked) {
        this(threatModel, clean, steps, epsilons, checks, notChecked, null, null, null);
    }

    /**
     * Tells which model was checked on which data.
     *
     * @param model the checksum of the model, as in {@link Results.Model}
     * @param datasetChecksum the checksum of the dataset, as in {@link Results.Dataset}
     * @param command the command line that made the check, or null
     * @return the same report with these
     */
    public MaskingReport about(String model, String datasetChecksum, String command) {
        return new MaskingReport(
                threatModel,
                clean,
                steps,
                epsilons,
                checks,
                notChecked,
                model,
                datasetChecksum,
                command);
    }

    /** What a check says. */
    public enum Outcome {
        /** As it is with gradients that can be relied upon. */
        PASS,
        /** As it is with masked gradients. */
        FAIL,
        /** Too few images to tell, or neither. */
        INCONCLUSIVE
    }

    /**
     * One check.
     *
     * @param name what was checked
     * @param outcome what it says
     * @param value the number measured
     * @param lower the lower end of its 95 % interval
     * @param upper the upper end of its 95 % interval
     * @param finding the measurement in words
     */
    public record Check(
            String name,
            Outcome outcome,
            double value,
            double lower,
            double upper,
            String finding) {

        /**
         * Checks that nothing is missing.
         *
         * @throws IllegalArgumentException if name, outcome or finding is null
         */
        public Check {
            present(name, "the name of a check");
            // Gson gives null for an outcome that it does not know.
            present(outcome, "the outcome (PASS, FAIL or INCONCLUSIVE) of the check " + name);
            present(finding, "the finding of the check " + name);
        }
    }

    /**
     * The last points of PGD runs of some number of steps.
     *
     * @param steps the number of steps
     * @param loss the mean cross-entropy of the images that were classified rightly
     * @param accuracy the share of all images that still are
     */
    public record Steps(int steps, double loss, Accuracy accuracy) {

        /**
         * Checks the number of steps.
         *
         * @throws IllegalArgumentException if it is less than 1, or the accuracy null
         */
        public Steps {
            present(accuracy, "the accuracy after " + steps + " steps");
            if (steps < 1) {
                throw new IllegalArgumentException("steps must be at least 1, got " + steps);
            }
        }
    }

    /**
     * The white-box attack at one radius.
     *
     * @param epsilon the radius, in pixel values
     * @param accuracy the share of all images that are classified rightly
     */
    public record Epsilon(float epsilon, Accuracy accuracy) {

        /**
         * Checks the radius.
         *
         * @throws IllegalArgumentException if it is not greater than 0, or the accuracy null
         */
        public Epsilon {
            present(accuracy, "the accuracy at epsilon " + epsilon);
            if (!(epsilon > 0)) {
                throw new IllegalArgumentException(
                        "epsilon must be greater than 0, got " + epsilon);
            }
        }
    }

    /**
     * Reads a report.
     *
     * @param file a file with what {@link #toJson} gave
     * @return the report
     * @throws IOException if the file cannot be read or is no report
     */
    public static MaskingReport load(Path file) throws IOException {
        try {
            MaskingReport report = GSON.fromJson(Files.readString(file), MaskingReport.class);
            if (report == null) {
                throw new IllegalArgumentException("it is empty");
            }
            return report;
        } catch (CharacterCodingException e) {
            throw unreadable(file, "it is no text in UTF-8", e);
        } catch (JsonParseException e) {
            throw unreadable(file, "it is cut off or no JSON", e);
        } catch (RuntimeException e) {
            // Gson wraps what a record's constructor throws.
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw unreadable(file, cause.getMessage(), e);
        }
    }

    private static IOException unreadable(Path file, String reason, Exception cause) {
        return new IOException(
                String.format(
                        "%s is no report of a check for gradient masking: %s. Check again.",
                        file, reason),
                cause);
    }

    private static <T> T present(T value, String name) {
        if (value == null) {
            throw new IllegalArgumentException(name + " is missing");
        }
        return value;
    }

    private static <T> List<T> all(List<T> list, String name) {
        if (present(list, name).stream().anyMatch(Objects::isNull)) {
            throw new IllegalArgumentException(name + " has null in it");
        }
        return list;
    }

    /**
     * Tells whether gradients look masked: whether a check failed.
     *
     * @return true if one did
     */
    public boolean masked() {
        return checks.stream().anyMatch(check -> check.outcome() == Outcome.FAIL);
    }

    /**
     * Returns the result in plain words.
     *
     * @return a sentence or more on one line
     */
    public String verdict() {
        if (masked()) {
            return "Gradients look masked: " + findings(Outcome.FAIL) + ".";
        }
        String result = String.format("No sign of gradient masking in %d images", clean.correct());
        String open = findings(Outcome.INCONCLUSIVE);
        return open.isEmpty()
                ? String.format("%s: all %d checks pass.", result, checks.size())
                : String.format("%s, but not all checks could tell: %s.", result, open);
    }

    private String findings(Outcome outcome) {
        return checks.stream()
                .filter(check -> check.outcome() == outcome)
                .map(Check::finding)
                .collect(Collectors.joining("; "));
    }

    /**
     * Returns the report as text for a terminal.
     *
     * @return the verdict and a line for each check
     */
    public String toText() {
        StringBuilder text = new StringBuilder();
        text.append(String.format(
                Locale.ROOT,
                "Gradient masking, %s, epsilon %.3f, on the %d of %d images classified rightly:%n",
                threatModel.norm(),
                threatModel.epsilon(),
                clean.correct(),
                clean.total()));
        for (Check check : checks) {
            text.append(String.format(
                    "  %-12s  %s: %s%n",
                    check.outcome().name().toLowerCase(Locale.ROOT),
                    check.name(),
                    check.finding()));
        }
        notChecked.forEach(reason -> text.append(String.format("  %-12s  %s%n", "-", reason)));
        return text.append(verdict()).append(System.lineSeparator()).toString();
    }

    /**
     * Returns the report as JSON: the components of this record, {@code masked} and {@code verdict}.
     *
     * @return the JSON text
     */
    public String toJson() {
        JsonObject json = GSON.toJsonTree(this).getAsJsonObject();
        json.addProperty("masked", masked());
        json.addProperty("verdict", verdict());
        return GSON.toJson(json);
    }
}
