package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Signs that AutoAttack's verdict is not to be trusted, or is not the one that others publish (those
 * of the authors' code and of its notes on "flags").
 *
 * <p>A check that strikes gives a warning, one sentence or two on what is wrong and what to do.
 *
 * <pre>{@code
 * Map<AutoAttackCheck, String> warnings =
 *         AutoAttackCheck.before(autoAttack, model, images, labels, seeds);
 * }</pre>
 */
public enum AutoAttackCheck {

    /**
     * Five passes do not give the same logits: each divided by its length, they differ by more than
     * 1e-4, or the number of right predictions does. Not made if an APGD among the attacks averages
     * gradients ({@link Apgd#eotSteps}).
     */
    RANDOMISED_DEFENCE,

    /** All outputs lie in [0,1] and sum to 1, up to 1e-5: a softmax comes after the logits. */
    PROBABILITIES,

    /** The model has too few classes for the DLR loss, or for the number of target classes. */
    FEW_CLASSES,

    /**
     * An image's gradient is 0 where APGD starts on the DLR loss. The margin that this loss is made of
     * rarely is that flat, so the model hides its gradients.
     */
    ZERO_GRADIENTS,

    /**
     * Square lowers the robust accuracy that the attacks before it have left by more than 0.2 points
     * of 100, though it sees no gradients.
     */
    SQUARE_LOWERS_ACCURACY;

    private static final int PASSES = 5;
    private static final double LOGITS_DIFFER = 1e-4;
    private static final float PROBABILITY_TOLERANCE = 1e-5f;
    private static final double SQUARE_TOLERANCE = 0.002;

    /**
     * Makes the checks that come before the attacks: all but {@link #SQUARE_LOWERS_ACCURACY}. They take
     * about ten passes over the images.
     *
     * @param autoAttack the attacks
     * @param model the model under attack
     * @param images clean images (B,C,h,w); one batch of the data will do
     * @param labels true classes (B)
     * @param seeds the seeds that the images are attacked with
     * @return the warnings of the checks that strike; empty if all is well
     * @throws IllegalArgumentException if shapes do not fit or a pixel value is NaN or out of range
     */
    public static Map<AutoAttackCheck, String> before(
            AutoAttack autoAttack,
            TargetModel model,
            NDArray images,
            NDArray labels,
            long[] seeds) {
        autoAttack.threatModel().check(images, labels, seeds);
        Map<AutoAttackCheck, String> warnings = new EnumMap<>(AutoAttackCheck.class);
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray logits = model.predict(images).head();
            long classes = logits.getShape().get(1);
            boolean forRandomised = autoAttack.members().stream()
                    .anyMatch(m -> m.attack() instanceof Apgd apgd && apgd.eotSteps() > 1);
            if (!forRandomised) {
                randomised(model, images, labels)
                        .ifPresent(warning -> warnings.put(RANDOMISED_DEFENCE, warning));
            }
            probabilities(logits).ifPresent(warning -> warnings.put(PROBABILITIES, warning));
            fewClasses(autoAttack, classes)
                    .ifPresent(warning -> warnings.put(FEW_CLASSES, warning));
            int[] right = Rows.of(logits.argMax(1).eq(labels.toType(DataType.INT64, false)));
            if (right.length > 0) {
                zeroGradients(
                                autoAttack.forClasses(classes),
                                model,
                                Rows.select(images, right),
                                Rows.select(labels, right),
                                Arrays.stream(right).mapToLong(i -> seeds[i]).toArray())
                        .ifPresent(warning -> warnings.put(ZERO_GRADIENTS, warning));
            }
        }
        return warnings;
    }

    /**
     * Makes the check that comes after the attacks, {@link #SQUARE_LOWERS_ACCURACY}.
     *
     * @param autoAttack the attacks
     * @param brokenBy what broke each image of an evaluation, as {@link AutoAttack#robustAfter} takes
     *     it
     * @return the warning if the check strikes; else empty
     */
    public static Map<AutoAttackCheck, String> after(
            AutoAttack autoAttack, Collection<String> brokenBy) {
        Map<AutoAttackCheck, String> warnings = new EnumMap<>(AutoAttackCheck.class);
        Map<String, Long> robust = autoAttack.robustAfter(brokenBy);
        String previous = null;
        for (AutoAttack.Member member : autoAttack.members()) {
            if (previous != null && member.attack() instanceof Square) {
                double before = robust.get(previous);
                double after = robust.get(member.name());
                if (before - after > SQUARE_TOLERANCE * brokenBy.size()) {
                    warnings.put(
                            SQUARE_LOWERS_ACCURACY,
                            String.format(
                                    Locale.ROOT,
                                    "%s lowered the robust accuracy from %.1f %% to %.1f %%. That an"
                                            + " attack without gradients finds what those before it"
                                            + " have missed suggests that the gradients mislead"
                                            + " them, and that the accuracy is still too high. Give"
                                            + " Square more queries and restarts, or attack this"
                                            + " model with an attack made for it.",
                                    member.name(),
                                    100 * before / brokenBy.size(),
                                    100 * after / brokenBy.size()));
                }
            }
            previous = member.name();
        }
        return warnings;
    }

    private static Optional<String> randomised(TargetModel model, NDArray images, NDArray labels) {
        List<NDArray> passes = new ArrayList<>();
        Set<Long> right = new HashSet<>();
        for (int pass = 0; pass < PASSES; pass++) {
            NDArray logits = model.predict(images).head();
            NDArray length = logits.square().sum(new int[] {1}, true).sqrt().addi(1e-10f);
            passes.add(logits.div(length));
            right.add(logits.argMax(1)
                    .eq(labels.toType(DataType.INT64, false))
                    .countNonzero()
                    .getLong());
        }
        double largest = 0;
        for (int i = 0; i < PASSES; i++) {
            for (int j = 0; j < i; j++) {
                NDArray differences = passes.get(i).sub(passes.get(j)).square().sum(new int[] {1});
                NDArray max = differences.max().sqrt();
                largest = Math.max(largest, max.toType(DataType.FLOAT64, false).getDouble());
            }
        }
        if (right.size() == 1 && largest <= LOGITS_DIFFER) {
            return Optional.empty();
        }
        return Optional.of(String.format(
                Locale.ROOT,
                "The same images give other logits in every pass (they differ by up to %.1e of their"
                        + " length), so this seems to be a randomised defence. Use AutoAttack.rand,"
                        + " whose steps average the gradients of 20 passes.",
                largest));
    }

    private static Optional<String> probabilities(NDArray outputs) {
        NDArray sums = outputs.sum(new int[] {1}).sub(1).abs();
        boolean probabilities = outputs.min().toType(DataType.FLOAT32, false).getFloat()
                        > -PROBABILITY_TOLERANCE
                && outputs.max().toType(DataType.FLOAT32, false).getFloat()
                        < 1 + PROBABILITY_TOLERANCE
                && sums.max().toType(DataType.FLOAT32, false).getFloat() < PROBABILITY_TOLERANCE;
        return probabilities
                ? Optional.of("The model's outputs are probabilities: they lie in [0, 1] and sum to"
                        + " 1. The attacks need logits; a softmax after them flattens the gradients"
                        + " that they follow. Take it off the model.")
                : Optional.empty();
    }

    private static Optional<String> fewClasses(AutoAttack autoAttack, long classes) {
        List<String> consequences = new ArrayList<>();
        for (AutoAttack.Member member : autoAttack.members()) {
            long targets = 0;
            if (member.attack() instanceof Apgd apgd) {
                targets = apgd.targetClasses();
                if (!apgd.forClasses(classes).equals(apgd)) {
                    consequences.add(String.format(
                            "%s maximises the margin, as the%s DLR loss needs %d classes",
                            member.name(), targets == 0 ? "" : " targeted", targets == 0 ? 3 : 4));
                }
            } else if (member.attack() instanceof Fab fab && fab.targeted()) {
                targets = fab.targetClasses();
            }
            if (targets > classes - 1) {
                consequences.add(String.format(
                        "%s has %d target classes, not %d", member.name(), classes - 1, targets));
            }
        }
        return consequences.isEmpty()
                ? Optional.empty()
                : Optional.of(String.format(
                        "The model has only %d classes: %s. Compare the accuracy with others"
                                + " measured in the same way only.",
                        classes, String.join("; ", consequences)));
    }

    private static Optional<String> zeroGradients(
            AutoAttack autoAttack,
            TargetModel model,
            NDArray images,
            NDArray labels,
            long[] seeds) {
        List<String> findings = new ArrayList<>();
        for (AutoAttack.Member member : autoAttack.members()) {
            if (member.attack() instanceof Apgd apgd && apgd.loss() == LogitLoss.DLR) {
                NDArray gradient = apgd.firstGradient(model, images, labels, member.seeds(seeds));
                long zero = Norm.LINF.of(gradient).eq(0).countNonzero().getLong();
                if (zero > 0) {
                    findings.add(String.format(
                            "%d of %d images at the start of %s",
                            zero, seeds.length, member.name()));
                }
            }
        }
        return findings.isEmpty()
                ? Optional.empty()
                : Optional.of("The DLR loss has a gradient of zero: " + String.join("; ", findings)
                        + ". Attacks that follow gradients may fail there, and the accuracy may be"
                        + " too high. Look for what stops the gradient in the model (rounding,"
                        + " saturation), or trust attacks without gradients only.");
    }
}
