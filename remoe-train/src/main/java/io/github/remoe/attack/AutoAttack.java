package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.data.Seeds;
import io.github.remoe.loss.CrossEntropy;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * AutoAttack (Croce and Hein 2020): several attacks without parameters to tune, one after the other,
 * each on the images that those before have not broken. An image is robust if it withstands all.
 *
 * <p>{@link #standard} is the version that the literature reports. Shorter and other lists are made
 * with the constructor:
 *
 * <pre>{@code
 * ThreatModel threat = ThreatModel.linf(8 / 255f);
 * NDArray adversarial = AutoAttack.standard(threat).perturb(model, images, labels, seed);
 *
 * AutoAttack gradientsOnly = new AutoAttack(threat, List.of(
 *         new AutoAttack.Member("apgd-ce", Apgd.builder(threat).optSteps(50).build()),
 *         new AutoAttack.Member("pgd", Pgd.builder(threat).build())));
 * }</pre>
 *
 * <p>{@link #perturb} also makes the checks of {@link AutoAttackCheck} and logs what they find. For an
 * evaluation of many batches make the checks once and call {@link #attack}, which tells which member
 * broke an image.
 *
 * <p>Where a model has too few classes for the DLR loss, 2 or, targeted, 3, APGD maximises the margin
 * loss instead, the same difference of logits without the DLR's scale; targeted attacks go for all
 * other classes if there are fewer than they ask for. So every version runs on every classifier. With
 * 10 classes or more it is the published one.
 *
 * @param threatModel what the attack may do to an image
 * @param members the attacks in order, all for this threat model
 */
public record AutoAttack(ThreatModel threatModel, List<Member> members) implements Attack {

    /** What {@link Outcome#brokenBy} says of an image that is misclassified as it is. */
    public static final String CLEAN = "clean";

    /** What {@link Outcome#brokenBy} says of an image that withstands all members. */
    public static final String NONE = "none";

    private static final Logger LOG = LoggerFactory.getLogger(AutoAttack.class);

    /**
     * Checks the list.
     *
     * @throws IllegalArgumentException if it is empty or two members have the same name
     */
    public AutoAttack {
        members = List.copyOf(members);
        if (members.isEmpty()) {
            throw new IllegalArgumentException(
                    "AutoAttack needs at least one attack. For the usual four use"
                            + " AutoAttack.standard(threatModel).");
        }
        Set<String> names = new HashSet<>();
        for (Member member : members) {
            if (!names.add(member.name)) {
                throw new IllegalArgumentException(String.format(
                        "Two attacks are called '%s'. Give each a name of its own.", member.name));
            }
        }
    }

    /**
     * The standard version: APGD-CE, targeted APGD on the DLR loss, targeted FAB (9 target classes
     * each) and Square with 5000 queries; one run each, the first three of 100 steps.
     *
     * @param threatModel what the attack may do to an image
     * @return the attack
     */
    public static AutoAttack standard(ThreatModel threatModel) {
        return new AutoAttack(
                threatModel,
                List.of(
                        new Member("apgd-ce", Apgd.builder(threatModel).build()),
                        apgdT(threatModel),
                        fabT(threatModel),
                        square(threatModel)));
    }

    /**
     * The larger version: APGD-CE, APGD-DLR and untargeted FAB with 5 runs each, Square, and then
     * targeted APGD and FAB as in the standard version.
     *
     * @param threatModel what the attack may do to an image
     * @return the attack
     */
    public static AutoAttack plus(ThreatModel threatModel) {
        Apgd.Builder apgd = Apgd.builder(threatModel).optRestarts(5);
        return new AutoAttack(
                threatModel,
                List.of(
                        new Member("apgd-ce", apgd.build()),
                        new Member("apgd-dlr", apgd.optLoss(LogitLoss.DLR).build()),
                        new Member(
                                "fab",
                                Fab.builder(threatModel)
                                        .optTargeted(false)
                                        .optRestarts(5)
                                        .build()),
                        square(threatModel),
                        apgdT(threatModel),
                        fabT(threatModel)));
    }

    /**
     * The version for models whose logits are random: APGD-CE and APGD-DLR, whose steps average 20
     * gradients.
     *
     * @param threatModel what the attack may do to an image
     * @return the attack
     */
    public static AutoAttack rand(ThreatModel threatModel) {
        Apgd.Builder apgd = Apgd.builder(threatModel).optEotSteps(20);
        return new AutoAttack(
                threatModel,
                List.of(
                        new Member("apgd-ce", apgd.build()),
                        new Member("apgd-dlr", apgd.optLoss(LogitLoss.DLR).build())));
    }

    private static Member apgdT(ThreatModel threatModel) {
        return new Member(
                "apgd-t",
                Apgd.builder(threatModel)
                        .optLoss(LogitLoss.DLR)
                        .optTargetClasses(9)
                        .build());
    }

    private static Member fabT(ThreatModel threatModel) {
        return new Member(
                "fab-t",
                Fab.builder(threatModel).optTargeted(true).optTargetClasses(9).build());
    }

    private static Member square(ThreatModel threatModel) {
        return new Member("square", Square.builder(threatModel).optQueries(5000).build());
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        AutoAttackCheck.before(this, model, images, labels, seeds).values().forEach(LOG::warn);
        Outcome outcome = attack(model, images, labels, seeds, (member, attacked, robust) -> {});
        AutoAttackCheck.after(this, outcome.brokenBy).values().forEach(LOG::warn);
        return outcome.adversarial;
    }

    /**
     * Attacks a batch and tells what broke its images.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w) in the threat model's pixel range; they are left as they
     *     are
     * @param labels true classes (B)
     * @param seeds one seed an image; each member gets seeds of its own made from them
     * @param listener is told how it goes on
     * @return adversarial images and what broke them
     * @throws IllegalArgumentException if shapes do not fit, a pixel value is NaN or out of range, or
     *     a label is no class of the model
     * @throws ArithmeticException if the model gives logits or gradients that are not finite
     */
    public Outcome attack(
            TargetModel model, NDArray images, NDArray labels, long[] seeds, Listener listener) {
        threatModel.check(images, labels, seeds);
        String[] brokenBy = new String[seeds.length];
        Arrays.fill(brokenBy, CLEAN);
        long[] predictions;
        NDArray adversarial;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            adversarial = images.duplicate();
            NDArray logits = model.predict(images).head();
            // Also checks that every label is a class of the model.
            CrossEntropy.perImage(logits, labels);
            predictions = logits.argMax(1).toLongArray();
            int[] robust = Rows.of(right(logits, labels));
            for (int row : robust) {
                brokenBy[row] = NONE;
            }
            for (Member member : forClasses(logits.getShape().get(1)).members) {
                if (robust.length > 0) {
                    adversarial = attackRows(
                            member,
                            model,
                            adversarial,
                            labels,
                            seeds,
                            robust,
                            brokenBy,
                            predictions);
                    int attacked = robust.length;
                    robust = Arrays.stream(robust)
                            .filter(row -> brokenBy[row].equals(NONE))
                            .toArray();
                    listener.attacked(member.name, attacked, robust.length);
                }
            }
            NDScope.unregister(adversarial);
        }
        NDScope.register(adversarial);
        return new Outcome(
                adversarial,
                List.of(brokenBy),
                Arrays.stream(predictions).boxed().toList());
    }

    /**
     * Makes one attack on some rows, whose images are still the clean ones.
     *
     * @return the images (B,C,h,w), those adversarial that are broken now
     */
    private static NDArray attackRows(
            Member member,
            TargetModel model,
            NDArray images,
            NDArray labels,
            long[] seeds,
            int[] rows,
            String[] brokenBy,
            long[] predictions) {
        NDArray next;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray targets = Rows.select(images, rows);
            NDArray truth = Rows.select(labels, rows);
            long[] chosen = Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray();
            NDArray points = member.attack.perturb(model, targets, truth, member.seeds(chosen));
            NDArray logits = model.predict(points).head();
            NDArray withstands = right(logits, truth);
            boolean[] withstood = withstands.toBooleanArray();
            long[] predicted = logits.argMax(1).toLongArray();
            for (int i = 0; i < rows.length; i++) {
                if (!withstood[i]) {
                    brokenBy[rows[i]] = member.name;
                    predictions[rows[i]] = predicted[i];
                }
            }
            next = Rows.replace(images, rows, Rows.where(withstands, targets, points));
            NDScope.unregister(next);
        }
        NDScope.register(next);
        images.close();
        return next;
    }

    private static NDArray right(NDArray logits, NDArray labels) {
        return logits.argMax(1).eq(labels.toType(DataType.INT64, false));
    }

    /**
     * Returns the same attacks as far as a number of classes allows: APGD on the margin loss where the
     * DLR loss is not defined.
     *
     * @param classes the number of the model's classes
     * @return attacks that a model of so many classes can be attacked with
     */
    public AutoAttack forClasses(long classes) {
        return new AutoAttack(
                threatModel,
                members.stream()
                        .map(member -> member.attack instanceof Apgd apgd
                                ? new Member(member.name, apgd.forClasses(classes))
                                : member)
                        .toList());
    }

    /**
     * Counts the images that stay robust after each member.
     *
     * @param brokenBy what broke each image of an evaluation, from the {@link Outcome outcomes} of all
     *     its batches
     * @return the numbers of robust images by member, in order; the first is that of the images that
     *     are classified rightly as they are, named {@value #CLEAN}
     */
    public Map<String, Long> robustAfter(Collection<String> brokenBy) {
        Map<String, Long> robust = new LinkedHashMap<>();
        long left = brokenBy.size() - Collections.frequency(brokenBy, CLEAN);
        robust.put(CLEAN, left);
        for (Member member : members) {
            left -= Collections.frequency(brokenBy, member.name);
            robust.put(member.name, left);
        }
        return robust;
    }

    /**
     * One of the attacks.
     *
     * @param name what it is called in results
     * @param attack the attack
     */
    public record Member(String name, Attack attack) {

        /**
         * Checks the name.
         *
         * @throws IllegalArgumentException if it is one of the two that stand for no attack
         */
        public Member {
            if (name.equals(CLEAN) || name.equals(NONE)) {
                throw new IllegalArgumentException(String.format(
                        "'%s' stands for no attack at all. Call the attack something else.", name));
            }
        }

        /** The seeds that this member makes of an attack's. */
        long[] seeds(long[] seeds) {
            return Arrays.stream(seeds).map(seed -> Seeds.of(name, seed)).toArray();
        }
    }

    /**
     * What became of a batch.
     *
     * @param adversarial the images (B,C,h,w): adversarial ones of those that are broken, all others as
     *     they were; attached to the manager of the clean images
     * @param brokenBy the name of the member that broke each image, {@value AutoAttack#CLEAN} if the
     *     model misclassifies it as it is, or {@value AutoAttack#NONE}
     * @param predictions the class that the model took each image for when that was decided: a model
     *     with random logits may take it for another when asked again
     */
    public record Outcome(NDArray adversarial, List<String> brokenBy, List<Long> predictions) {}

    /** Is told how an attack goes on. */
    @FunctionalInterface
    public interface Listener {

        /**
         * A member is done with a batch; those that no image is left for are not told of.
         *
         * @param member its name
         * @param attacked how many images it attacked
         * @param robust how many of them withstood it
         */
        void attacked(String member, int attacked, int robust);
    }
}
