package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;

import java.util.stream.IntStream;

/**
 * APGD's step sizes: each image's starts at 2 epsilon and is halved at a checkpoint if, since the
 * checkpoint before,
 *
 * <ol>
 *   <li>the loss rose in no more than a share rho of the steps, or
 *   <li>the step size stayed as it was at that checkpoint, and the highest loss has not risen since.
 * </ol>
 *
 * <p>Its arrays outlive the scopes that it is used in and go with {@link #close()}.
 */
final class ApgdSchedule implements AutoCloseable {

    private final float rho;
    private final int[] checkpoints;
    private final NDArray stepSizes;
    private final NDArray rises;
    private NDArray losses;
    private NDArray highest;
    private NDArray highestAtCheckpoint;
    private NDArray halvedAtCheckpoint;
    private int step;
    private int passed;

    /**
     * Starts with the largest step size.
     *
     * @param startLosses the losses at the starting points (B)
     * @param stepSize the first step size, in pixel values
     * @param steps the number of steps of the run
     * @param rho the share of steps in which the loss has to rise
     */
    ApgdSchedule(NDArray startLosses, float stepSize, int steps, float rho) {
        this.rho = rho;
        checkpoints = checkpoints(steps);
        stepSizes = startLosses.onesLike().muli(stepSize).reshape(-1, 1, 1, 1);
        rises = startLosses.zerosLike();
        // The first step counts as a rise if its loss is above 0, whatever the start's was: so does
        // the authors' code, which the published numbers come from.
        losses = startLosses.zerosLike();
        highest = startLosses.duplicate();
        highestAtCheckpoint = startLosses.duplicate();
        // At the first checkpoint only the first condition counts.
        halvedAtCheckpoint = startLosses.eq(startLosses);
        NDScope.unregister(
                stepSizes, rises, losses, highest, highestAtCheckpoint, halvedAtCheckpoint);
    }

    /**
     * Returns the steps after which step sizes may be halved. The first of them takes 22 % of all
     * steps, each further one 3 % less than the one before, but at least 6 %.
     *
     * @param steps the number of steps of the run
     * @return the numbers of steps, ascending
     */
    static int[] checkpoints(int steps) {
        int first = Math.max((int) (0.22 * steps), 1);
        int least = Math.max((int) (0.06 * steps), 1);
        int shorter = Math.max((int) (0.03 * steps), 1);
        IntStream.Builder checkpoints = IntStream.builder();
        int period = first;
        for (int checkpoint = first; checkpoint <= steps; checkpoint += period) {
            checkpoints.add(checkpoint);
            period = Math.max(period - shorter, least);
        }
        return checkpoints.build().toArray();
    }

    /**
     * Takes note of the losses after a step.
     *
     * @param newLosses the losses (B)
     * @return which of them are the highest so far, booleans (B)
     */
    NDArray observe(NDArray newLosses) {
        step++;
        rises.addi(newLosses.gt(losses).toType(rises.getDataType(), false));
        NDArray higher = newLosses.gt(highest);
        highest = keep(highest, newLosses.maximum(highest));
        losses = keep(losses, newLosses.duplicate());
        return higher;
    }

    /** Tells whether the step observed last ends at a checkpoint. */
    boolean isCheckpoint() {
        return passed < checkpoints.length && checkpoints[passed] == step;
    }

    /**
     * Halves step sizes at a checkpoint.
     *
     * @return whose step size was halved, booleans (B)
     */
    NDArray halve() {
        int period = step - (passed == 0 ? 0 : checkpoints[passed - 1]);
        passed++;
        NDArray oscillates = rises.lte(period * rho);
        NDArray stands =
                halvedAtCheckpoint.logicalNot().logicalAnd(highest.lte(highestAtCheckpoint));
        NDArray halved = oscillates.logicalOr(stands);
        NDArray factors =
                halved.toType(stepSizes.getDataType(), false).muli(-0.5f).addi(1);
        stepSizes.muli(factors.reshape(-1, 1, 1, 1));
        rises.muli(0);
        highestAtCheckpoint = keep(highestAtCheckpoint, highest.duplicate());
        halvedAtCheckpoint = keep(halvedAtCheckpoint, halved.duplicate());
        return halved;
    }

    /**
     * Returns the step sizes, to multiply images by.
     *
     * @return in pixel values (B,1,1,1)
     */
    NDArray stepSizes() {
        return stepSizes;
    }

    /**
     * Returns the highest losses so far, the start's included.
     *
     * @return (B)
     */
    NDArray highest() {
        return highest;
    }

    private static NDArray keep(NDArray old, NDArray next) {
        NDScope.unregister(next);
        old.close();
        return next;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        stepSizes.close();
        rises.close();
        losses.close();
        highest.close();
        highestAtCheckpoint.close();
        halvedAtCheckpoint.close();
    }
}
