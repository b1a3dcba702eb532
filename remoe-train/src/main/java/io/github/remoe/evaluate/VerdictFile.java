package io.github.remoe.evaluate;

import io.github.remoe.file.AtomicFile;
import io.github.remoe.weights.Sha256;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/** The file format of {@link Verdicts}. */
final class VerdictFile {

    private static final String TITLE = "# remoe verdicts 1 ";
    private static final String CHECKSUM = "# sha256 ";

    private VerdictFile() {}

    static void write(Verdicts verdicts, Path file) throws IOException {
        EvaluationSettings settings = verdicts.settings();
        StringBuilder text = new StringBuilder(TITLE);
        text.append(settings.toJson()).append('\n');
        text.append("index,label,clean");
        for (EvaluationSettings.NamedAttack attack : settings.attacks()) {
            for (float epsilon : settings.epsilons()) {
                String column = attack.name() + "@" + epsilon;
                text.append(',').append(column);
                if (!attack.members().isEmpty()) {
                    text.append(',').append(column).append(" by");
                }
            }
        }
        text.append('\n');
        for (Verdict verdict : verdicts.all()) {
            text.append(verdict.index())
                    .append(',')
                    .append(verdict.label())
                    .append(',')
                    .append(verdict.cleanPrediction());
            for (int a = 0; a < settings.attacks().size(); a++) {
                boolean tells = !settings.attacks().get(a).members().isEmpty();
                for (int e = 0; e < settings.epsilons().size(); e++) {
                    int prediction = verdict.predictions().get(a).get(e);
                    text.append(',').append(prediction == Verdict.NOT_ATTACKED ? "" : prediction);
                    if (tells) {
                        text.append(',').append(verdict.brokenBy().get(a).get(e));
                    }
                }
            }
            text.append('\n');
        }
        byte[] content = text.toString().getBytes(StandardCharsets.UTF_8);
        text.append(CHECKSUM).append(sha256(content, content.length)).append('\n');
        AtomicFile.write(file, text.toString());
    }

    static Verdicts read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (!text.startsWith(TITLE)) {
            throw new IOException(String.format(
                    "%s is no file of verdicts of this version: it starts with '%s', expected"
                            + " '%s'. Choose another file, or delete it to start anew.",
                    file, text.lines().findFirst().map(VerdictFile::shortened).orElse(""), TITLE));
        }
        int end = lastLine(bytes);
        String last = new String(bytes, end, bytes.length - end, StandardCharsets.UTF_8);
        if (!last.equals(CHECKSUM + sha256(bytes, end) + "\n")) {
            throw new IOException(String.format(
                    "%s is %s. Restore it from a copy, or delete it to evaluate its images again.",
                    file,
                    last.startsWith(CHECKSUM)
                            ? "garbled: its contents do not have the SHA-256 of its last line"
                            : "cut off: its last line is not the SHA-256 of its contents"));
        }
        List<String> lines =
                text.lines().takeWhile(line -> !line.startsWith(CHECKSUM)).toList();
        try {
            EvaluationSettings settings =
                    EvaluationSettings.fromJson(lines.get(0).substring(TITLE.length()));
            return new Verdicts(
                    settings,
                    lines.stream().skip(2).map(line -> parse(line, settings)).toList());
        } catch (RuntimeException e) {
            throw new IOException(
                    String.format(
                            "%s cannot be read: %s. Delete it to evaluate its images again.",
                            file, e.getMessage()),
                    e);
        }
    }

    /** Where the last line starts. */
    private static int lastLine(byte[] bytes) {
        int start = bytes.length;
        while (start > 0 && (start == bytes.length || bytes[start - 1] != '\n')) {
            start--;
        }
        return start;
    }

    private static Verdict parse(String line, EvaluationSettings settings) {
        Iterator<String> cells = Arrays.asList(line.split(",", -1)).iterator();
        long index = Long.parseLong(cells.next());
        int label = Integer.parseInt(cells.next());
        int clean = Integer.parseInt(cells.next());
        List<List<Integer>> predictions = new ArrayList<>();
        List<List<String>> brokenBy = new ArrayList<>();
        for (EvaluationSettings.NamedAttack attack : settings.attacks()) {
            List<Integer> predicted = new ArrayList<>();
            List<String> by = new ArrayList<>();
            for (int e = 0; e < settings.epsilons().size(); e++) {
                String cell = cells.next();
                predicted.add(cell.isEmpty() ? Verdict.NOT_ATTACKED : Integer.parseInt(cell));
                by.add(attack.members().isEmpty() ? "" : cells.next());
            }
            predictions.add(predicted);
            brokenBy.add(by);
        }
        return new Verdict(index, label, clean, predictions, brokenBy);
    }

    private static String shortened(String line) {
        return line.length() > 40 ? line.substring(0, 40) + "..." : line;
    }

    private static String sha256(byte[] bytes, int length) {
        MessageDigest digest = Sha256.start();
        digest.update(bytes, 0, length);
        return Sha256.end(digest);
    }
}
