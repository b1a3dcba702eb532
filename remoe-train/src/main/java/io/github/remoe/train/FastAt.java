package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.loss.RegionLosses;

/**
 * Fast adversarial training (Wong et al. 2020): {@link Sat} with one step of FGSM from a random point
 * of the ball, so that a training step costs one attack gradient.
 */
public final class FastAt implements TrainingScheme {

    private final Sat sat;

    /**
     * Creates the scheme.
     *
     * @param attack the training attack, such as {@link #attack}
     * @param regions which region losses are used
     */
    public FastAt(Attack attack, RegionLosses regions) {
        sat = new Sat(attack, regions);
    }

    /**
     * Creates the scheme's attack: one step on cross-entropy from a random point of the ball,
     * projected back onto it.
     *
     * @param threatModel what the attack may do to an image
     * @param stepSize the length of the step, in pixel values; the paper's is 1.25 epsilon, and longer
     *     ones end in catastrophic overfitting
     * @return the attack
     */
    public static Attack attack(ThreatModel threatModel, float stepSize) {
        return Sat.attack(threatModel, stepSize, 1);
    }

    /** {@inheritDoc} */
    @Override
    public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return sat.inputs(model, images, labels, seeds);
    }

    /** {@inheritDoc} */
    @Override
    public Loss getLoss() {
        return sat.getLoss();
    }

    /** {@inheritDoc} */
    @Override
    public boolean predictsClean() {
        return sat.predictsClean();
    }
}
