package io.github.remoe.evaluate;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;

import io.github.remoe.attack.ThreatModel;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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
 */
public record MaskingReport(
        ThreatModel threatModel,
        Accuracy clean,
        List<Steps> steps,
        List<Epsilon> epsilons,
        List<Check> checks,
        List<String> notChecked) {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

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
            String finding) {}

    /**
     * The last points of PGD runs of some number of steps.
     *
     * @param steps the number of steps
     * @param loss the mean cross-entropy of the images that were classified rightly
     * @param accuracy the share of all images that still are
     */
    public record Steps(int steps, double loss, Accuracy accuracy) {}

    /**
     * The white-box attack at one radius.
     *
     * @param epsilon the radius, in pixel values
     * @param accuracy the share of all images that are classified rightly
     */
    public record Epsilon(float epsilon, Accuracy accuracy) {}

    /**
     * Reads a report.
     *
     * @param file a file with what {@link #toJson} gave
     * @return the report
     * @throws IOException if the file cannot be read or is no report
     */
    public static MaskingReport load(Path file) throws IOException {
        MaskingReport report;
        try {
            report = GSON.fromJson(Files.readString(file), MaskingReport.class);
        } catch (JsonParseException e) {
            throw new IOException(
                    file + " is cut off or no report of a check for gradient masking. Check again.",
                    e);
        }
        if (report == null || report.checks() == null || report.clean() == null) {
            throw new IOException(
                    file + " is no report of a check for gradient masking. Check again.");
        }
        return report;
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
