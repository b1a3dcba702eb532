package io.github.remoe.evaluate;

import io.github.remoe.attack.AutoAttack;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The verdicts of an evaluation, or of a part of it, and the accuracies that they come to.
 *
 * <p>A verdict depends on the image, its index and the {@link EvaluationSettings}, so parts that were
 * evaluated by different processes {@link #merge} into what one process would have found.
 */
public final class Verdicts {

    private final EvaluationSettings settings;
    private final SortedMap<Long, Verdict> byIndex = new TreeMap<>();

    /**
     * Collects verdicts.
     *
     * @param settings what was evaluated and how
     * @param verdicts one verdict an image
     * @throws IllegalArgumentException if an image has two different verdicts, or one does not have
     *     a prediction for every attack and epsilon
     */
    public Verdicts(EvaluationSettings settings, Collection<Verdict> verdicts) {
        this.settings = settings;
        verdicts.forEach(this::add);
    }

    /**
     * Reads verdicts from a file that {@link #save} has written.
     *
     * @param file the file
     * @return the verdicts
     * @throws IOException if there is no such file, or it is cut off, garbled or no file of verdicts
     */
    public static Verdicts load(Path file) throws IOException {
        return VerdictFile.read(file);
    }

    /**
     * Writes the verdicts into a file: beside it first, then moved to its place, so that the file is
     * never half of one.
     *
     * <p>It is a table in CSV, of one line an image in the order of the indices: index, label, clean
     * prediction, and the prediction under each attack and epsilon, headed {@code attack@epsilon};
     * empty where an attack was not made. For an AutoAttack there follows a column {@code
     * attack@epsilon by} with the member that broke the image. The first line, {@code #} and JSON, holds the settings, the
     * last one, {@code #}, a SHA-256 of all lines before it.
     *
     * @param file the file
     * @throws IOException if it cannot be written
     */
    public void save(Path file) throws IOException {
        VerdictFile.write(this, file);
    }

    /**
     * Puts the verdicts of two parts of an evaluation together.
     *
     * @param other the other part; images may be in both
     * @return all verdicts
     * @throws IllegalArgumentException if the parts belong to different evaluations, or an image was
     *     judged differently in both
     */
    public Verdicts merge(Verdicts other) {
        List<String> differences = settings.differences(other.settings);
        if (!differences.isEmpty()) {
            throw new IllegalArgumentException(
                    "These verdicts belong to different evaluations and cannot be merged: "
                            + String.join("; ", differences)
                            + ".");
        }
        Verdicts merged = new Verdicts(settings, all());
        other.byIndex.values().forEach(merged::add);
        return merged;
    }

    void add(Verdict verdict) {
        List<List<Integer>> predictions = verdict.predictions();
        int epsilons = settings.epsilons().size();
        if (predictions.size() != settings.attacks().size()
                || verdict.brokenBy().size() != predictions.size()
                || predictions.stream().anyMatch(row -> row.size() != epsilons)
                || verdict.brokenBy().stream().anyMatch(row -> row.size() != epsilons)) {
            throw new IllegalArgumentException(String.format(
                    "Image %d has predictions %s, expected one for each of %d attacks and %d"
                            + " epsilons.",
                    verdict.index(), predictions, settings.attacks().size(), epsilons));
        }
        Verdict before = byIndex.putIfAbsent(verdict.index(), verdict);
        if (before != null && !before.equals(verdict)) {
            throw new IllegalArgumentException(String.format(
                    "Image %d was judged differently in two parts: %s and %s. One of them is not"
                            + " what the model says, or was made on another kind of device;"
                            + " evaluate this image again.",
                    verdict.index(), before, verdict));
        }
    }

    /** The verdicts on some images alone. */
    Verdicts of(Collection<Long> indices) {
        return new Verdicts(settings, indices.stream().map(byIndex::get).toList());
    }

    boolean contains(long index) {
        return byIndex.containsKey(index);
    }

    /**
     * Returns what was evaluated and how.
     *
     * @return the settings
     */
    public EvaluationSettings settings() {
        return settings;
    }

    /**
     * Returns the number of images.
     *
     * @return the number of verdicts
     */
    public int size() {
        return byIndex.size();
    }

    /**
     * Returns the verdicts.
     *
     * @return one an image, in the order of the indices
     */
    public List<Verdict> all() {
        return new ArrayList<>(byIndex.values());
    }

    /**
     * Returns the share of images that are right as they are.
     *
     * @return the clean accuracy
     * @throws IllegalArgumentException if there are no verdicts
     */
    public Accuracy clean() {
        return share(Verdict::isCleanCorrect);
    }

    /**
     * Returns the share of images that are right as they are and under one attack.
     *
     * <p>When only the worst case is measured, an attack does not see the images that others have
     * broken before, so no attack has a robust accuracy of its own. Then this is the share of images
     * that are right under this attack <em>and those before it</em>, which is what AutoAttack tells
     * after each of its attacks.
     *
     * @param attack the attack's position in the settings
     * @param epsilon the epsilon's position in the settings
     * @return the robust accuracy
     * @throws IllegalArgumentException if there are no verdicts
     */
    public Accuracy robust(int attack, int epsilon) {
        return share(verdict -> !isBroken(verdict, attack, epsilon));
    }

    /**
     * Tells whether an image counts as broken in {@link #robust}.
     *
     * @param verdict the verdict on it
     * @param attack the attack's position in the settings
     * @param epsilon the epsilon's position in the settings
     * @return true if it is wrong under this attack or, when only the worst case is measured, one of
     *     those before it
     */
    public boolean isBroken(Verdict verdict, int attack, int epsilon) {
        return settings.worstCase()
                ? verdict.isBrokenUpTo(attack, epsilon)
                : verdict.isBroken(attack, epsilon);
    }

    /**
     * Returns the share of images that are right as they are and under the first members of an
     * AutoAttack; if only the worst case is measured, also under the attacks before it.
     *
     * @param attack the attack's position in the settings
     * @param member the position of the last of these members
     * @param epsilon the epsilon's position in the settings
     * @return the robust accuracy after this member
     * @throws IllegalArgumentException if there are no verdicts
     */
    public Accuracy robustAfterMember(int attack, int member, int epsilon) {
        List<String> members = settings.attacks().get(attack).members();
        return share(verdict -> {
            boolean brokenBefore = settings.worstCase()
                    ? verdict.isBrokenUpTo(attack - 1, epsilon)
                    : !verdict.isCleanCorrect();
            String by = verdict.brokenBy().get(attack).get(epsilon);
            return !brokenBefore
                    && (!verdict.isBroken(attack, epsilon) || members.indexOf(by) > member);
        });
    }

    /**
     * Returns the share of images that are right as they are and under every attack.
     *
     * @param epsilon the epsilon's position in the settings
     * @return the robust accuracy in the worst case; the clean accuracy if there are no attacks
     * @throws IllegalArgumentException if there are no verdicts
     */
    public Accuracy worstCase(int epsilon) {
        return share(verdict -> !verdict.isBrokenByAny(epsilon));
    }

    /**
     * Divides the verdicts by the images' true classes.
     *
     * @return for each class with images its verdicts, in the order of the classes
     */
    public SortedMap<Integer, Verdicts> byClass() {
        Map<Integer, List<Verdict>> classes =
                byIndex.values().stream().collect(Collectors.groupingBy(Verdict::label));
        SortedMap<Integer, Verdicts> result = new TreeMap<>();
        classes.forEach((label, verdicts) -> result.put(label, new Verdicts(settings, verdicts)));
        return result;
    }

    /** What broke each image under an AutoAttack, in the words of {@link AutoAttack.Outcome}. */
    List<String> brokenBy(int attack, int epsilon) {
        return byIndex.values().stream()
                .map(verdict -> {
                    String by = verdict.brokenBy().get(attack).get(epsilon);
                    return !verdict.isCleanCorrect()
                            ? AutoAttack.CLEAN
                            : by.isEmpty() ? AutoAttack.NONE : by;
                })
                .toList();
    }

    private Accuracy share(Predicate<Verdict> right) {
        if (byIndex.isEmpty()) {
            throw new IllegalArgumentException("There are no images to evaluate.");
        }
        return new Accuracy(byIndex.values().stream().filter(right).count(), byIndex.size());
    }
}
