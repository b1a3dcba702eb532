package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.data.Seeds;
import io.github.remoe.loss.CrossEntropy;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Auto-PGD (Croce and Hein 2020): projected gradient descent with momentum that finds its step sizes
 * by itself. They start at 2 epsilon; at checkpoints, each image whose loss no longer rises has its
 * step halved and goes on from its best point. There is nothing to tune but the number of steps.
 *
 * <p>Targeted, the attack goes for the most likely classes other than the true one, one after the
 * other; reaching any wrong class counts. An image is attacked until a run has broken it, and then
 * left alone.
 *
 * <p>The result of an image is the latest point of a run that is misclassified; if no run had one, the
 * point of the highest loss of all runs. So more restarts never lose an adversarial image, nor do more
 * target classes. More steps may: the checkpoints depend on the number of steps, so a longer run goes
 * another way from its first checkpoint on.
 *
 * <pre>{@code
 * ThreatModel threat = ThreatModel.linf(8 / 255f);
 * Attack apgdCe = Apgd.builder(threat).build();
 * Attack apgdT = Apgd.builder(threat).optLoss(LogitLoss.DLR).optTargetClasses(9).build();
 * }</pre>
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param targetClasses how many classes it tries to reach, or 0 to just leave the true one
 * @param steps the number of steps of a run, at least 1
 * @param restarts the number of runs, for each target class if there are any
 * @param rho the share of steps in which the loss has to rise lest the step be halved, 0 to 1
 * @param eotSteps the number of gradients that a step averages, at least 1
 */
public record Apgd(
        ThreatModel threatModel,
        AttackLoss loss,
        int targetClasses,
        int steps,
        int restarts,
        float rho,
        int eotSteps)
        implements Attack {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if one is out of range
     */
    public Apgd {
        if (targetClasses < 0) {
            throw new IllegalArgumentException(String.format(
                    "targetClasses is the number of classes to go for, or 0 for an untargeted"
                            + " attack, got %d.",
                    targetClasses));
        }
        if (steps < 1 || restarts < 1 || eotSteps < 1) {
            throw new IllegalArgumentException(String.format(
                    "APGD needs at least 1 step, 1 run and 1 gradient a step, got %d steps, %d runs"
                            + " and %d gradients.",
                    steps, restarts, eotSteps));
        }
        if (!(rho >= 0 && rho <= 1)) {
            throw new IllegalArgumentException(
                    String.format("rho is a share of steps from 0 to 1, got %s.", rho));
        }
    }

    /**
     * Creates a builder: untargeted, on cross-entropy, one run of 100 steps.
     *
     * @param threatModel what the attack may do to an image
     * @return a new builder
     */
    public static Builder builder(ThreatModel threatModel) {
        return new Builder(threatModel);
    }

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.check(images, labels, seeds);
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            result = search(model, images, labels, seeds);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private NDArray search(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray logits = model.predict(images).head();
        // Also checks that every label is a class of the model.
        CrossEntropy.perImage(logits, labels);
        NDArray right = logits.argMax(1).eq(labels.toType(DataType.INT64, false));
        NDArray scores = right.toType(logits.getDataType(), false).muli(-2).addi(1);
        Best best = new Best(images.duplicate(), scores.muli(Float.POSITIVE_INFINITY));
        List<NDArray> goals = goals(logits, labels);
        int[] robust = Rows.of(right);
        for (int goal = 0; goal < goals.size(); goal++) {
            for (int restart = 0; restart < restarts && robust.length > 0; restart++) {
                Best better;
                try (NDScope scope = new NDScope()) {
                    scope.suppressNotUsedWarning();
                    long[] runSeeds = runSeeds(seeds, goal, restart);
                    better = run(model, images, labels, goals.get(goal), runSeeds, robust, best);
                    robust = Rows.of(better.scores.lt(Float.POSITIVE_INFINITY));
                    NDScope.unregister(better.points, better.scores);
                }
                NDScope.register(better.points);
                NDScope.register(better.scores);
                best.points.close();
                best.scores.close();
                best = better;
            }
        }
        return best.points;
    }

    /** The classes (B) that runs go for, one array after the other; null for any but the true one. */
    private List<NDArray> goals(NDArray logits, NDArray labels) {
        if (targetClasses == 0) {
            return Collections.singletonList(null);
        }
        NDArray byLogit = Hyperplane.otherClasses(logits, labels);
        return IntStream.range(
                        0, (int) Math.min(targetClasses, byLogit.getShape().get(1)))
                .mapToObj(goal -> byLogit.get(":, " + goal))
                .toList();
    }

    private static long[] runSeeds(long[] seeds, int goal, int restart) {
        return Arrays.stream(seeds)
                .map(seed -> Seeds.of("apgd", seed, goal, restart))
                .toArray();
    }

    /** Attacks some rows and returns what is best now. */
    private Best run(
            TargetModel model,
            NDArray images,
            NDArray labels,
            NDArray targets,
            long[] seeds,
            int[] rows,
            Best best) {
        NDArray attacked = Rows.select(images, rows);
        NDArray truth = Rows.select(labels, rows);
        NDArray goal = targets == null ? null : Rows.select(targets, rows);
        NDArray start =
                start(attacked, Arrays.stream(rows).mapToLong(i -> seeds[i]).toArray());
        Function<NDList, NDArray> objective = loss.prepare(model, attacked, truth, goal);
        try (ApgdRun run = new ApgdRun(this, model, attacked, truth, objective, start)) {
            for (int step = 0; step < steps; step++) {
                run.step().close();
            }
            NDArray losses = run.highestLosses();
            NDArray broken = losses.onesLike().muli(Float.POSITIVE_INFINITY);
            NDArray scores = Rows.where(run.broken(), broken, losses);
            NDArray before = Rows.select(best.scores, rows);
            NDArray points = Rows.where(
                    scores.gt(before), run.adversarial(), Rows.select(best.points, rows));
            return new Best(
                    Rows.replace(best.points, rows, points),
                    Rows.replace(best.scores, rows, scores.maximum(before)));
        }
    }

    /**
     * Returns a random point on the surface of each image's ball, clipped to the pixel range.
     *
     * @param images the balls' centres (B,C,h,w)
     * @param seeds one seed an image
     * @return (B,C,h,w)
     */
    NDArray start(NDArray images, long[] seeds) {
        NDArray direction = switch (threatModel.norm()) {
            case LINF -> Noise.uniform(images, seeds, 0);
            case L2 -> Noise.gaussian(images, seeds, 0);
        };
        direction.divi(threatModel.norm().perPixel(direction));
        return threatModel.clip(direction.muli(threatModel.epsilon()).addi(images));
    }

    /**
     * Returns logits, losses and the gradient at a point.
     *
     * <p>The gradient is the mean over {@code eotSteps} passes, expectation over transformation for
     * models that are randomised (Athalye et al. 2018). Logits and losses are those of the last pass,
     * as in the authors' code.
     *
     * @param model the model under attack
     * @param point where (B,C,h,w)
     * @param objective the model's outputs to one loss an image (B)
     * @return with the mean gradient
     */
    TargetModel.LossGradient gradient(
            TargetModel model, NDArray point, Function<NDList, NDArray> objective) {
        TargetModel.LossGradient last = model.gradient(point, objective);
        if (eotSteps == 1) {
            return last;
        }
        NDArray sum = last.gradient();
        for (int pass = 1; pass < eotSteps; pass++) {
            last = model.gradient(point, objective);
            sum.addi(last.gradient());
            last.gradient().close();
        }
        return new TargetModel.LossGradient(last.outputs(), last.losses(), sum.divi(eotSteps));
    }

    /**
     * Returns the gradient that the first run's first step follows.
     *
     * @param model the model under attack
     * @param images clean images (B,C,h,w)
     * @param labels true classes (B)
     * @param seeds one seed an image
     * @return (B,C,h,w)
     */
    NDArray firstGradient(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray targets = goals(model.predict(images).head(), labels).get(0);
        Function<NDList, NDArray> objective = loss.prepare(model, images, labels, targets);
        NDArray start = start(images, runSeeds(seeds, 0, 0));
        return gradient(model, start, objective).gradient();
    }

    /**
     * Returns this attack if its loss is defined for a number of classes; otherwise the same attack
     * on the margin loss, which the DLR loss is a scaled form of.
     *
     * @param classes the number of the model's classes
     * @return an attack that the model can be attacked with
     */
    Apgd forClasses(long classes) {
        boolean defined = loss != LogitLoss.DLR || classes >= (targetClasses == 0 ? 3 : 4);
        return defined
                ? this
                : new Apgd(
                        threatModel,
                        LogitLoss.MARGIN,
                        targetClasses,
                        steps,
                        restarts,
                        rho,
                        eotSteps);
    }

    /**
     * The best point of each image so far.
     *
     * @param points (B,C,h,w)
     * @param scores the losses there (B), infinite where the model misclassifies the image
     */
    private record Best(NDArray points, NDArray scores) {}

    /** The Builder to construct an {@link Apgd}. */
    public static final class Builder {

        private final ThreatModel threatModel;
        private AttackLoss loss = LogitLoss.CROSS_ENTROPY;
        private int targetClasses;
        private int steps = 100;
        private int restarts = 1;
        private float rho = 0.75f;
        private int eotSteps = 1;

        private Builder(ThreatModel threatModel) {
            this.threatModel = threatModel;
        }

        /**
         * Sets what the attack maximises; default cross-entropy.
         *
         * @param loss the loss; with target classes, one that has a targeted form
         * @return this builder
         */
        public Builder optLoss(AttackLoss loss) {
            this.loss = loss;
            return this;
        }

        /**
         * Sets how many classes the attack tries to reach, the most likely ones first; default 0, an
         * untargeted attack. AutoAttack's APGD-T goes for 9, with the DLR loss.
         *
         * @param targetClasses 0 or more; no more than the model has besides the true one are used
         * @return this builder
         */
        public Builder optTargetClasses(int targetClasses) {
            this.targetClasses = targetClasses;
            return this;
        }

        /**
         * Sets the number of steps of a run; default 100.
         *
         * @param steps at least 1
         * @return this builder
         */
        public Builder optSteps(int steps) {
            this.steps = steps;
            return this;
        }

        /**
         * Sets the number of runs, each from a start of its own and for each target class; default 1.
         *
         * @param restarts at least 1
         * @return this builder
         */
        public Builder optRestarts(int restarts) {
            this.restarts = restarts;
            return this;
        }

        /**
         * Sets in what share of the steps between two checkpoints the loss has to rise lest the step
         * be halved; default 0.75.
         *
         * @param rho 0 to 1
         * @return this builder
         */
        public Builder optRho(float rho) {
            this.rho = rho;
            return this;
        }

        /**
         * Sets the number of gradients that a step averages; default 1. More than 1 is for models
         * whose logits are random; AutoAttack takes 20.
         *
         * @param eotSteps at least 1
         * @return this builder
         */
        public Builder optEotSteps(int eotSteps) {
            this.eotSteps = eotSteps;
            return this;
        }

        /**
         * Builds the attack.
         *
         * @return the attack
         * @throws IllegalArgumentException if a setting is out of range
         */
        public Apgd build() {
            return new Apgd(threatModel, loss, targetClasses, steps, restarts, rho, eotSteps);
        }
    }
}
