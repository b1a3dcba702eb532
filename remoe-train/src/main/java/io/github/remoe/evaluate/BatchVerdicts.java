package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.AutoAttack;
import io.github.remoe.attack.AutoAttack.Outcome;
import io.github.remoe.attack.Rows;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Seeds;
import io.github.remoe.loss.CrossEntropy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** The verdicts on one batch while they are being found. */
final class BatchVerdicts {

    private final TargetModel model;
    private final NDArray images;
    private final NDArray labels;
    private final long[] indices;
    private final int[] classes;
    private final int[] clean;
    private final boolean keepsImages;
    private final EvaluationListener listener;
    private final List<int[][]> predictions = new ArrayList<>();
    private final List<String[][]> brokenBy = new ArrayList<>();
    private final List<NDArray> adversarial = new ArrayList<>();

    /**
     * Predicts the clean images.
     *
     * @param model the model
     * @param images (B,C,h,w)
     * @param labels (B)
     * @param indices the images' indices
     * @param keepsImages whether {@link #adversarial} will be asked for
     * @param listener is told of the members of an AutoAttack
     */
    BatchVerdicts(
            TargetModel model,
            NDArray images,
            NDArray labels,
            long[] indices,
            boolean keepsImages,
            EvaluationListener listener) {
        this.listener = listener;
        this.keepsImages = keepsImages;
        this.model = model;
        this.images = images;
        this.labels = labels;
        this.indices = indices;
        NDArray logits = model.predict(images).head();
        // Also checks that every label is a class of the model.
        CrossEntropy.perImage(logits, labels);
        classes = ints(labels);
        clean = ints(logits.argMax(1));
    }

    /** The number of images. */
    int size() {
        return indices.length;
    }

    /** Sets up the predictions of the next attack: unknown but for the images that are wrong. */
    void addAttack(int epsilons) {
        int[][] unknown = new int[epsilons][size()];
        for (int[] row : unknown) {
            Arrays.setAll(row, i -> clean[i] == classes[i] ? Verdict.NOT_ATTACKED : clean[i]);
        }
        predictions.add(unknown);
        String[][] nobody = new String[epsilons][size()];
        for (String[] row : nobody) {
            Arrays.fill(row, "");
        }
        brokenBy.add(nobody);
        adversarial.add(images);
    }

    /** The rows whose images the attack has not broken at this or a smaller epsilon. */
    int[] unbroken(int attack, int epsilon) {
        return IntStream.range(0, size())
                .filter(row -> !isBroken(attack, epsilon, row))
                .toArray();
    }

    /** The same rows, less those that any attack has broken. */
    int[] unbrokenByAny(int epsilon) {
        return IntStream.range(0, size())
                .filter(row -> IntStream.range(0, predictions.size())
                        .noneMatch(attack -> isBroken(attack, epsilon, row)))
                .toArray();
    }

    private boolean isBroken(int attack, int epsilon, int row) {
        int prediction = predictions.get(attack)[epsilon][row];
        return prediction != Verdict.NOT_ATTACKED && prediction != classes[row];
    }

    /** Attacks the images of some rows, at least one. */
    void attack(
            int attack,
            int epsilon,
            String name,
            Attack method,
            ThreatModel threatModel,
            int[] rows,
            long seed) {
        NDArray kept;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            Outcome outcome = perturb(name, method, threatModel, rows, seed);
            NDArray found = outcome.adversarial();
            int[] predicted =
                    outcome.predictions().stream().mapToInt(Long::intValue).toArray();
            record(attack, epsilon, rows, predicted, outcome.brokenBy());
            if (!keepsImages) {
                return;
            }
            kept = Rows.replace(adversarial.get(attack), rows, found);
            NDScope.unregister(kept);
        }
        NDScope.register(kept);
        NDArray before = adversarial.set(attack, kept);
        if (before != images) {
            before.close();
        }
    }

    private Outcome perturb(
            String name, Attack method, ThreatModel threatModel, int[] rows, long seed) {
        long[] chosen = Arrays.stream(rows).mapToLong(row -> indices[row]).toArray();
        long[] seeds = Arrays.stream(chosen)
                .map(index -> Seeds.of("attack", seed, index))
                .toArray();
        NDArray clean = Rows.select(images, rows);
        NDArray truth = Rows.select(labels, rows);
        // A copy, so that an attack which changes what it is given is found out.
        NDArray given = clean.duplicate();
        Outcome byMembers = method instanceof AutoAttack autoAttack
                ? autoAttack.attack(model, given, truth, seeds, listener::onMember)
                : null;
        NDArray found = byMembers != null
                ? byMembers.adversarial()
                : method.perturb(model, given, truth, seeds);
        AdversarialCheck.violation(threatModel, found, clean, chosen).ifPresent(wrong -> {
            throw new IllegalStateException(String.format(
                    "The attack '%s' returned %s. Its verdicts mean nothing; correct the attack: %s",
                    name, wrong, method));
        });
        return byMembers != null ? byMembers : outcome(found);
    }

    /** What an attack without members has come to. */
    private Outcome outcome(NDArray found) {
        long[] predicted = model.predict(found).head().argMax(1).toLongArray();
        return new Outcome(
                found,
                Collections.nCopies(predicted.length, ""),
                Arrays.stream(predicted).boxed().toList());
    }

    private void record(int attack, int epsilon, int[] rows, int[] predicted, List<String> by) {
        int[][] known = predictions.get(attack);
        for (int i = 0; i < rows.length; i++) {
            int row = rows[i];
            known[epsilon][row] = predicted[i];
            if (predicted[i] != classes[row]) {
                // Its ball lies in the larger ones.
                for (int larger = epsilon; larger < known.length; larger++) {
                    known[larger][row] = predicted[i];
                    brokenBy.get(attack)[larger][row] = by.get(i);
                }
            }
        }
    }

    /** The adversarial images of all rows that the attack has a prediction of; none: an empty list. */
    NDList adversarial(int attack, int epsilon) {
        int[] predicted = predictions.get(attack)[epsilon];
        int[] rows = IntStream.range(0, size())
                .filter(row -> predicted[row] != Verdict.NOT_ATTACKED)
                .toArray();
        if (rows.length == 0) {
            return new NDList();
        }
        NDManager manager = images.getManager();
        NDArray chosen = Rows.select(adversarial.get(attack), rows).toType(DataType.FLOAT32, true);
        NDArray numbers = manager.create(
                Arrays.stream(rows).mapToLong(row -> indices[row]).toArray());
        NDArray truth = manager.create(
                Arrays.stream(rows).mapToLong(row -> classes[row]).toArray());
        NDArray taken = manager.create(
                Arrays.stream(rows).mapToLong(row -> predicted[row]).toArray());
        chosen.setName(AdversarialSet.IMAGES);
        numbers.setName(AdversarialSet.INDICES);
        truth.setName(AdversarialSet.LABELS);
        taken.setName(AdversarialSet.PREDICTIONS);
        return new NDList(chosen, numbers, truth, taken);
    }

    /** What was found. */
    List<Verdict> verdicts() {
        return IntStream.range(0, size())
                .mapToObj(row -> new Verdict(
                        indices[row],
                        classes[row],
                        clean[row],
                        predictions.stream()
                                .map(byEpsilon -> Arrays.stream(byEpsilon)
                                        .map(byRow -> byRow[row])
                                        .toList())
                                .toList(),
                        brokenBy.stream()
                                .map(byEpsilon -> Arrays.stream(byEpsilon)
                                        .map(byRow -> byRow[row])
                                        .toList())
                                .toList()))
                .toList();
    }

    private static int[] ints(NDArray array) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            return array.toType(DataType.INT32, false).toIntArray();
        }
    }
}
