package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;

import io.github.remoe.loss.CrossEntropy;

import java.util.Arrays;
import java.util.function.BiPredicate;
import java.util.function.Function;
import java.util.stream.IntStream;

/**
 * Steps up a loss, each projected onto the ball and the pixel range: what FGSM, BIM, PGD, R+FGSM and
 * MI-FGSM share. They differ in their start, their momentum and the number of their runs.
 *
 * <p>An image gets the latest point on the way at which the attack has won. Without one, it gets the
 * last point of the run with the highest loss. Images that one run wins are left out of the next; with
 * {@code earlyStop} they leave at once, with the first point at which the attack has won.
 *
 * @param threatModel what the attack may do to an image
 * @param loss what it maximises
 * @param target the class that it tries to reach, or null for any but the true one
 * @param stepSize the length of a step, in pixel values
 * @param steps the number of steps of a run
 * @param restarts the number of runs
 * @param start where a run starts
 * @param decay the share of the momentum that a step keeps; 0 for none
 * @param earlyStop whether an image is left alone once the attack has won it
 */
record GradientAscent(
        ThreatModel threatModel,
        AttackLoss loss,
        TargetClass target,
        float stepSize,
        int steps,
        int restarts,
        Start start,
        float decay,
        boolean earlyStop) {

    /** The point that a run starts from. */
    @FunctionalInterface
    interface Start {

        /** The image itself. */
        Start AT_IMAGE = (images, seeds, restart) -> images.duplicate();

        /**
         * Returns new points in the balls.
         *
         * @param images the balls' centres (B,C,h,w)
         * @param seeds one seed an image
         * @param restart the number of the run
         * @return (B,C,h,w)
         */
        NDArray points(NDArray images, long[] seeds, int restart);
    }

    /** Checks what all these attacks are set up with. */
    static void check(AttackLoss loss, TargetClass target, float stepSize, int steps) {
        if (loss == LogitLoss.KL && target != null) {
            throw new IllegalArgumentException(LogitLoss.KL_IS_UNTARGETED);
        }
        if (!(stepSize >= 0 && Float.isFinite(stepSize))) {
            throw new IllegalArgumentException(String.format(
                    "stepSize is in pixel values, finite and 0 or more, got %s.", stepSize));
        }
        if (steps < 1) {
            throw new IllegalArgumentException(
                    String.format("An attack takes at least 1 step, got %d.", steps));
        }
    }

    /** Checks the loss of an attack that starts at the image itself. */
    static void checkStartAtImage(AttackLoss loss) {
        if (loss == LogitLoss.KL) {
            throw new IllegalArgumentException("The KL loss has no gradient at the image itself:"
                    + " use PGD with a random start, or another loss.");
        }
    }

    /** As {@link Attack#perturb}. */
    NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.check(images, labels, seeds);
        return inScope(model, images, labels, seeds, this::search);
    }

    /**
     * As {@link #perturb}, but an image gets the last point of the first run whatever the model makes
     * of it, and the labels may be soft (B,K) if the loss takes such.
     */
    NDArray lastPoint(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        threatModel.checkTraining(images, labels, seeds);
        return inScope(model, images, labels, seeds, this::climb);
    }

    private static NDArray inScope(
            TargetModel model, NDArray images, NDArray labels, long[] seeds, Attack attack) {
        NDArray result;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            result = attack.perturb(model, images, labels, seeds);
            NDScope.unregister(result);
        }
        NDScope.register(result);
        return result;
    }

    private NDArray climb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray targets =
                target == null ? null : target.choose(model.predict(images).head(), labels, seeds);
        Function<NDList, NDArray> objective = loss.prepare(model, images, labels, targets);
        return climb(model, images, begin(images, seeds, 0), objective, (point, logits) -> true)
                .point();
    }

    private NDArray search(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray clean = model.predict(images).head();
        NDArray classes = CrossEntropy.classes(clean, labels);
        NDArray targets = target == null ? null : target.choose(clean, classes, seeds);
        try (FoundAdversarials found = new FoundAdversarials(images, classes, targets, earlyStop)) {
            found.offer(images, clean);
            int[] rows = IntStream.range(0, seeds.length).toArray();
            for (int restart = 0; restart < restarts && rows.length > 0; restart++) {
                try (NDScope scope = new NDScope()) {
                    scope.suppressNotUsedWarning();
                    run(model, images, classes, targets, seeds, restart, rows, found);
                }
                rows = found.missing();
            }
            return found.points();
        }
    }

    private void run(
            TargetModel model,
            NDArray images,
            NDArray labels,
            NDArray targets,
            long[] seeds,
            int restart,
            int[] rows,
            FoundAdversarials found) {
        NDArray own = Rows.select(images, rows);
        NDArray ownLabels = Rows.select(labels, rows);
        NDArray ownTargets = targets == null ? null : Rows.select(targets, rows);
        long[] ownSeeds = Arrays.stream(rows).mapToLong(row -> seeds[row]).toArray();
        try (FoundAdversarials inRun =
                new FoundAdversarials(own, ownLabels, ownTargets, earlyStop)) {
            ascend(model, own, ownLabels, ownTargets, begin(own, ownSeeds, restart), inRun);
            found.take(rows, inRun);
        }
    }

    /** Goes on with a run, and with fewer images as soon as that makes a smaller batch. */
    private void ascend(
            TargetModel model,
            NDArray images,
            NDArray labels,
            NDArray targets,
            Climber from,
            FoundAdversarials found) {
        Function<NDList, NDArray> objective = loss.prepare(model, images, labels, targets);
        long size = TargetModel.batchSize(images.getShape().get(0));
        Climber climber = climb(model, images, from, objective, (point, logits) -> {
            found.offer(point, logits);
            return !earlyStop || TargetModel.batchSize(found.missing().length) == size;
        });
        if (climber.stepsLeft() == 0) {
            NDList outputs = model.predict(climber.point());
            found.offerLast(climber.point(), outputs.head(), objective.apply(outputs));
            return;
        }
        int[] rest = found.missing();
        if (rest.length == 0) {
            return;
        }
        NDArray restImages = Rows.select(images, rest);
        NDArray restLabels = Rows.select(labels, rest);
        NDArray restTargets = targets == null ? null : Rows.select(targets, rest);
        try (FoundAdversarials foundOfRest =
                new FoundAdversarials(restImages, restLabels, restTargets, earlyStop)) {
            ascend(model, restImages, restLabels, restTargets, climber.of(rest), foundOfRest);
            found.take(rest, foundOfRest);
        }
    }

    /** Takes steps as long as whoever is shown a point before the last, with its logits, agrees. */
    private Climber climb(
            TargetModel model,
            NDArray images,
            Climber from,
            Function<NDList, NDArray> objective,
            BiPredicate<NDArray, NDArray> goesOn) {
        Climber climber = from;
        boolean going = true;
        while (going && climber.stepsLeft() > 0) {
            NDArray nextPoint;
            NDArray nextMomentum;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                TargetModel.LossGradient at = model.gradient(climber.point(), objective);
                going = goesOn.test(climber.point(), at.logits());
                nextMomentum = climber.momentum().mul(decay).addi(ofMeanOne(at.gradient()));
                nextPoint = threatModel.project(
                        threatModel
                                .steepestAscent(nextMomentum)
                                .muli(stepSize)
                                .addi(climber.point()),
                        images);
                NDScope.unregister(nextPoint, nextMomentum);
            }
            NDScope.register(nextPoint);
            NDScope.register(nextMomentum);
            climber.point().close();
            climber.momentum().close();
            climber = new Climber(nextPoint, nextMomentum, climber.stepsLeft() - 1);
        }
        return climber;
    }

    private Climber begin(NDArray images, long[] seeds, int restart) {
        return new Climber(start.points(images, seeds, restart), images.zerosLike(), steps);
    }

    /** Where a run is: a point and a momentum an image (B,C,h,w), and the steps that are left. */
    private record Climber(NDArray point, NDArray momentum, int stepsLeft) {

        Climber of(int[] rows) {
            return new Climber(Rows.select(point, rows), Rows.select(momentum, rows), stepsLeft);
        }
    }

    /** Scales each image's gradient, so that its entries are 1 on average but for their signs. */
    private static NDArray ofMeanOne(NDArray gradient) {
        NDArray mean = gradient.abs().reshape(gradient.getShape().get(0), -1).mean(new int[] {1});
        // Not 0, however flat the loss: 0 / 0 is NaN.
        return gradient.div(mean.maximum(Float.MIN_NORMAL).reshape(-1, 1, 1, 1));
    }
}
