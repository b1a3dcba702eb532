package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;

import java.util.function.Function;

/**
 * One run of {@link Apgd} from one start.
 *
 * <p>Its arrays outlive the scopes that it is used in and go with {@link #close()}.
 */
final class ApgdRun implements AutoCloseable {

    // How much of a step is the projected ascent; the rest goes on in the direction of the step
    // before.
    private static final float ASCENT = 0.75f;

    private final Apgd apgd;
    private final TargetModel model;
    private final NDArray images;
    private final Function<NDList, NDArray> objective;
    private final FoundAdversarials found;
    private final ApgdSchedule schedule;
    private NDArray previous;
    private NDArray point;
    private NDArray gradient;
    private NDArray best;
    private NDArray bestGradient;
    private boolean moved;

    /**
     * Looks at the start.
     *
     * @param apgd the attack's settings
     * @param model the model under attack
     * @param images the clean images (B,C,h,w)
     * @param labels true classes (B)
     * @param objective the model's outputs to one loss an image (B)
     * @param start where the run begins (B,C,h,w), within the threat model
     */
    ApgdRun(
            Apgd apgd,
            TargetModel model,
            NDArray images,
            NDArray labels,
            Function<NDList, NDArray> objective,
            NDArray start) {
        this.apgd = apgd;
        this.model = model;
        this.images = images;
        this.objective = objective;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            TargetModel.LossGradient at = apgd.gradient(model, start, objective);
            found = new FoundAdversarials(images, labels, null);
            found.offer(start, at.logits());
            schedule = new ApgdSchedule(
                    at.losses(), 2 * apgd.threatModel().epsilon(), apgd.steps(), apgd.rho());
            previous = start.duplicate();
            point = start.duplicate();
            best = start.duplicate();
            gradient = at.gradient();
            bestGradient = gradient.duplicate();
            NDScope.unregister(previous, point, best, gradient, bestGradient);
        }
    }

    /**
     * Takes a step.
     *
     * @return the losses after it (B)
     */
    NDArray step() {
        NDArray losses;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray next = next();
            previous = keep(previous, point.duplicate());
            point = keep(point, next);
            TargetModel.LossGradient at = apgd.gradient(model, point, objective);
            gradient = keep(gradient, at.gradient());
            found.offer(point, at.logits());
            losses = at.losses();
            NDArray higher = schedule.observe(losses);
            best = keep(best, Rows.where(higher, point, best));
            bestGradient = keep(bestGradient, Rows.where(higher, gradient, bestGradient));
            if (schedule.isCheckpoint()) {
                NDArray halved = schedule.halve();
                point = keep(point, Rows.where(halved, best, point));
                gradient = keep(gradient, Rows.where(halved, bestGradient, gradient));
            }
            NDScope.unregister(losses);
        }
        NDScope.register(losses);
        return losses;
    }

    private NDArray next() {
        ThreatModel threat = apgd.threatModel();
        NDArray ascent =
                threat.steepestAscent(gradient).muli(schedule.stepSizes()).addi(point);
        NDArray projected = threat.project(ascent, images);
        if (!moved) {
            moved = true;
            return projected;
        }
        NDArray onward = point.sub(previous).muli(1 - ASCENT);
        return threat.project(projected.sub(point).muli(ASCENT).addi(onward).addi(point), images);
    }

    /**
     * Returns the highest losses so far, the start's included.
     *
     * @return (B)
     */
    NDArray highestLosses() {
        return schedule.highest();
    }

    /**
     * Tells which images the model has misclassified at a point of the run.
     *
     * @return booleans (B)
     */
    NDArray broken() {
        return found.found();
    }

    /**
     * Returns the latest misclassified points; where there is none, the points of the highest loss.
     *
     * @return (B,C,h,w)
     */
    NDArray adversarial() {
        return found.orElse(best);
    }

    private static NDArray keep(NDArray old, NDArray next) {
        NDScope.unregister(next);
        old.close();
        return next;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        found.close();
        schedule.close();
        previous.close();
        point.close();
        gradient.close();
        best.close();
        bestGradient.close();
    }
}
