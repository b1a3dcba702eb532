package io.github.remoe.cli;

import io.github.remoe.attack.Apgd;
import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AttackLoss;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.Bim;
import io.github.remoe.attack.CwL2;
import io.github.remoe.attack.DeepFool;
import io.github.remoe.attack.Fab;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.MiFgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.RFgsm;
import io.github.remoe.attack.RegionPgd;
import io.github.remoe.attack.RoutingLoss;
import io.github.remoe.attack.Square;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.vit.VisionTransformer;

import org.apache.commons.text.similarity.LevenshteinDistance;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * An attack by the name that the literature's tables give it; the one place that knows these names.
 *
 * @param name the name in lower case; {@value #STEPS} in it stands for a number
 * @param meaning the settings that the name stands for
 * @param factory makes the attack
 */
record AttackName(String name, String meaning, Factory factory) {

    private static final String STEPS = "STEPS";
    private static final int WORST_TYPO = 4;

    private static final List<AttackName> ALL = List.of(
            new AttackName(
                    "fgsm",
                    "fast gradient sign method: one step of epsilon",
                    (threat, stepSize, steps, network) -> new Fgsm(threat)),
            new AttackName(
                    "rfgsm",
                    "FGSM after a random step of half of epsilon",
                    (threat, stepSize, steps, network) -> RFgsm.builder(threat).build()),
            new AttackName(
                    "bim",
                    "basic iterative method: 10 steps of --step-size or epsilon / 4",
                    (threat, stepSize, steps, network) -> Bim.builder(threat)
                            .optStepSize(stepSize != null ? stepSize : threat.epsilon() / 4)
                            .build()),
            new AttackName(
                    "mifgsm",
                    "FGSM with momentum: 10 steps of --step-size or epsilon / 10, decay 1",
                    (threat, stepSize, steps, network) -> MiFgsm.builder(threat)
                            .optStepSize(stepSize != null ? stepSize : threat.epsilon() / 10)
                            .build()),
            new AttackName(
                    "pgd-STEPS",
                    "PGD on cross-entropy, random start, --step-size",
                    (threat, stepSize, steps, network) ->
                            pgd(LogitLoss.CROSS_ENTROPY, threat, stepSize, steps)),
            new AttackName(
                    "cw-STEPS",
                    "PGD on the Carlini-Wagner margin loss",
                    (threat, stepSize, steps, network) ->
                            pgd(LogitLoss.MARGIN, threat, stepSize, steps)),
            new AttackName(
                    "apgd-ce",
                    "Auto-PGD on cross-entropy, 100 steps",
                    (threat, stepSize, steps, network) -> Apgd.builder(threat).build()),
            new AttackName(
                    "apgd-dlr",
                    "Auto-PGD on the difference of logits ratio, 100 steps",
                    (threat, stepSize, steps, network) ->
                            Apgd.builder(threat).optLoss(LogitLoss.DLR).build()),
            new AttackName(
                    "apgd-t",
                    "the same targeted at 9 classes, 100 steps each",
                    (threat, stepSize, steps, network) -> Apgd.builder(threat)
                            .optLoss(LogitLoss.DLR)
                            .optTargetClasses(9)
                            .build()),
            new AttackName(
                    "fab",
                    "fast adaptive boundary, untargeted, 100 steps",
                    (threat, stepSize, steps, network) ->
                            Fab.builder(threat).optTargeted(false).build()),
            new AttackName(
                    "fab-t",
                    "the same targeted at 9 classes, 100 steps each",
                    (threat, stepSize, steps, network) -> Fab.builder(threat).build()),
            new AttackName(
                    "deepfool",
                    "DeepFool, 50 steps, 10 candidates, overshoot 2 %",
                    (threat, stepSize, steps, network) ->
                            DeepFool.builder(threat).build()),
            new AttackName(
                    "cw-l2",
                    "Carlini-Wagner l2: 9 constants, up to 10000 steps each",
                    (threat, stepSize, steps, network) -> CwL2.builder(threat).build()),
            new AttackName(
                    "square",
                    "Square Attack, 5000 queries, no gradients",
                    (threat, stepSize, steps, network) -> Square.builder(threat).build()),
            new AttackName(
                    "autoattack",
                    "AutoAttack, standard: apgd-ce, apgd-t, fab-t, square",
                    (threat, stepSize, steps, network) -> AutoAttack.standard(threat)),
            new AttackName(
                    "autoattack-plus",
                    "AutoAttack with more attacks, each repeated",
                    (threat, stepSize, steps, network) -> AutoAttack.plus(threat)),
            new AttackName(
                    "autoattack-rand",
                    "AutoAttack for models that are random",
                    (threat, stepSize, steps, network) -> AutoAttack.rand(threat)),
            new AttackName(
                    "routing-STEPS",
                    "PGD on cross-entropy and the angle of ReMoE's region weights",
                    (threat, stepSize, steps, network) ->
                            pgd(new RoutingLoss(1), threat, stepSize, steps)),
            new AttackName(
                    "regions-high-STEPS",
                    "PGD on the region of ReMoE's highest weight alone",
                    (threat, stepSize, steps, network) ->
                            regions(true, threat, stepSize, steps, network)),
            new AttackName(
                    "regions-low-STEPS",
                    "PGD on the region of its lowest weight alone",
                    (threat, stepSize, steps, network) ->
                            regions(false, threat, stepSize, steps, network)));

    /** Makes an attack. */
    @FunctionalInterface
    interface Factory {

        /**
         * Makes an attack.
         *
         * @param threat what it may do to an image
         * @param stepSize the length of a step, or null for the attack's own
         * @param steps the number in the name, or 0
         * @param network the network under attack, or null if it is none of ours
         */
        Attack create(ThreatModel threat, Float stepSize, int steps, VisionTransformer network);
    }

    /**
     * Creates an attack from a name.
     *
     * @param name the name, in upper or lower case
     * @param threat what it may do to an image
     * @param stepSize the length of a step where the name leaves it open, or null for the default
     * @param network the network under attack, or null if it is none of ours
     * @return the attack
     * @throws IllegalArgumentException if there is no attack of that name, or it is made for other
     *     networks
     */
    static Attack create(
            String name, ThreatModel threat, Float stepSize, VisionTransformer network) {
        for (AttackName known : ALL) {
            Matcher matcher = known.pattern().matcher(name);
            if (matcher.matches()) {
                int steps = matcher.groupCount() == 0 ? 0 : Integer.parseInt(matcher.group(1));
                return known.factory.create(threat, stepSize, steps, network);
            }
        }
        throw new IllegalArgumentException(String.format(
                "Unknown attack '%s'.%s Known attacks: %s.",
                name,
                nearest(name).map(near -> " Did you mean " + near + "?").orElse(""),
                ALL.stream().map(AttackName::name).collect(Collectors.joining(", "))));
    }

    /** Tells all names and what they mean, as a format for the end of a command's help. */
    static String[] help() {
        Stream<String> lines = ALL.stream()
                .map(known ->
                        String.format("  %-16s  %s", known.name, known.meaning.replace("%", "%%")));
        return Stream.concat(Stream.of("", "Attacks:"), lines).toArray(String[]::new);
    }

    private static Attack pgd(AttackLoss loss, ThreatModel threat, Float stepSize, int steps) {
        Pgd.Builder builder = Pgd.builder(threat).optLoss(loss).optSteps(steps);
        return stepSize == null
                ? builder.build()
                : builder.optStepSize(stepSize).build();
    }

    private static Attack regions(
            boolean highest,
            ThreatModel threat,
            Float stepSize,
            int steps,
            VisionTransformer network) {
        if (network == null) {
            throw new IllegalArgumentException("The attacks on regions need a ReMoE network of"
                    + " ours, which tells its regions: give a run folder.");
        }
        RegionPgd.Builder builder =
                RegionPgd.builder(threat, network).optHighest(highest).optSteps(steps);
        return stepSize == null
                ? builder.build()
                : builder.optStepSize(stepSize).build();
    }

    private Pattern pattern() {
        return Pattern.compile(name.replace(STEPS, "(\\d{1,6})"), Pattern.CASE_INSENSITIVE);
    }

    private static Optional<String> nearest(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        String digits = lower.replaceAll("\\D", "");
        String ending = digits.isEmpty() ? "" : "-" + digits;
        Function<AttackName, Integer> distance = known -> LevenshteinDistance.getDefaultInstance()
                .apply(known.name.replace("-" + STEPS, ending), lower);
        return ALL.stream()
                .filter(known -> distance.apply(known) <= Math.min(WORST_TYPO, lower.length() - 1))
                .min(Comparator.comparing(distance))
                .map(known -> known.name.replace(STEPS, digits.isEmpty() ? "20" : digits));
    }
}
