package io.github.remoe.evaluate;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What was evaluated and how. Verdicts may be put together if and only if these are equal.
 *
 * @param model what names the model for good, such as {@link
 *     io.github.remoe.weights.ParameterChecksum}
 * @param dataset the dataset's name
 * @param datasetChecksum the checksum of its images and labels
 * @param norm the norm of the perturbations
 * @param pixelMin the smallest pixel value
 * @param pixelMax the largest pixel value
 * @param epsilons the radii in pixel values, ascending
 * @param attacks the attacks in the order in which they are made
 * @param worstCase whether an image that one attack has broken is left out by those after it
 * @param seed what the attacks' random choices come from
 */
public record EvaluationSettings(
        String model,
        String dataset,
        String datasetChecksum,
        Norm norm,
        float pixelMin,
        float pixelMax,
        List<Float> epsilons,
        List<NamedAttack> attacks,
        boolean worstCase,
        long seed) {

    // They are part of file names and of the columns of a table.
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._+-]*");

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    // The toString of a class that has none of its own.
    private static final Pattern ADDRESS = Pattern.compile("[\\w$]@[0-9a-f]{1,8}\\b");

    /**
     * An attack by name.
     *
     * @param name the name
     * @param settings what the attack's {@code toString} tells, at each epsilon
     * @param members the names of the attacks that an AutoAttack consists of, in order; none for all
     *     other attacks
     */
    public record NamedAttack(String name, List<String> settings, List<String> members) {

        /** Checks the name. */
        public NamedAttack {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(String.format(
                        "The name of an attack has letters, digits and . _ + - in it, got '%s'.",
                        name));
            }
            settings = List.copyOf(settings);
            members = List.copyOf(members);
        }

        /**
         * Names an attack without members.
         *
         * @param name the name
         * @param settings what the attack's {@code toString} tells, at each epsilon
         */
        public NamedAttack(String name, List<String> settings) {
            this(name, settings, List.of());
        }
    }

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if there is no epsilon, they do not ascend, or two attacks
     *     have one name
     * @throws NullPointerException if one is missing; the message says which
     */
    public EvaluationSettings {
        Objects.requireNonNull(model, "model is missing");
        Objects.requireNonNull(dataset, "dataset is missing");
        Objects.requireNonNull(datasetChecksum, "datasetChecksum is missing");
        Objects.requireNonNull(norm, "norm is missing");
        epsilons = List.copyOf(Objects.requireNonNull(epsilons, "epsilons are missing"));
        attacks = List.copyOf(Objects.requireNonNull(attacks, "attacks are missing"));
        checkAscending(epsilons);
        Set<String> names = new HashSet<>();
        for (NamedAttack attack : attacks) {
            if (!names.add(attack.name())) {
                throw new IllegalArgumentException(String.format(
                        "Two attacks are called '%s'. Give each a name of its own.",
                        attack.name()));
            }
            if (attack.settings().size() != epsilons.size()) {
                throw new IllegalArgumentException(String.format(
                        "The attack '%s' has settings for %d epsilons, expected %d.",
                        attack.name(), attack.settings().size(), epsilons.size()));
            }
        }
    }

    private static void checkAscending(List<Float> epsilons) {
        if (epsilons.isEmpty()) {
            throw new IllegalArgumentException("An evaluation needs at least one epsilon.");
        }
        for (int i = 1; i < epsilons.size(); i++) {
            if (epsilons.get(i) <= epsilons.get(i - 1)) {
                throw new IllegalArgumentException(String.format(
                        "Epsilons must ascend, got %s. Sort them and leave each in once.",
                        epsilons));
            }
        }
    }

    /**
     * Returns what the attacker may do at one epsilon.
     *
     * @param epsilon the epsilon's position
     * @return the threat model
     */
    public ThreatModel threatModel(int epsilon) {
        return new ThreatModel(norm, epsilons.get(epsilon), pixelMin, pixelMax);
    }

    /**
     * Tells where two settings differ.
     *
     * @param other the other settings
     * @return one line for each difference: what differs, the value here and the value there
     */
    public List<String> differences(EvaluationSettings other) {
        List<String> lines = new ArrayList<>();
        differ(lines, "model", model, other.model);
        differ(lines, "dataset", dataset, other.dataset);
        differ(lines, "dataset checksum", datasetChecksum, other.datasetChecksum);
        differ(lines, "norm", norm, other.norm);
        differ(lines, "smallest pixel value", pixelMin, other.pixelMin);
        differ(lines, "largest pixel value", pixelMax, other.pixelMax);
        differ(lines, "epsilons", epsilons, other.epsilons);
        List<String> names = attacks.stream().map(NamedAttack::name).toList();
        List<String> otherNames = other.attacks.stream().map(NamedAttack::name).toList();
        differ(lines, "attacks", names, otherNames);
        if (names.equals(otherNames) && epsilons.equals(other.epsilons)) {
            for (int i = 0; i < attacks.size(); i++) {
                for (int e = 0; e < epsilons.size(); e++) {
                    differ(
                            lines,
                            "attack " + names.get(i),
                            attacks.get(i).settings().get(e),
                            other.attacks.get(i).settings().get(e));
                }
            }
        }
        differ(lines, "worst case", worstCase, other.worstCase);
        differ(lines, "seed", seed, other.seed);
        return lines;
    }

    private static void differ(List<String> lines, String what, Object here, Object there) {
        if (!here.equals(there)) {
            lines.add(String.format("%s: %s and %s", what, here, there));
        }
    }

    /** Everything in one line. */
    String toJson() {
        return GSON.toJson(this);
    }

    /** The settings that {@link #toJson} has written. */
    static EvaluationSettings fromJson(String json) {
        return GSON.fromJson(json, EvaluationSettings.class);
    }

    /** Checks that no attack tells an object's address, which would be another in each run. */
    void requireDescriptions() {
        for (NamedAttack attack : attacks) {
            for (String told : attack.settings()) {
                if (told.contains("$$Lambda") || ADDRESS.matcher(told).find()) {
                    throw new IllegalArgumentException(String.format(
                            "The attack '%s' does not tell its settings, so an evaluation could not"
                                    + " go on later: its toString is '%s'. Make the attack and all"
                                    + " that it consists of records or enums, or override"
                                    + " toString.",
                            attack.name(), told));
                }
            }
        }
    }
}
