package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.loss.CrossEntropyLoss;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.loss.SatLoss;

/**
 * Standard adversarial training (SAT, Madry et al. 2018): cross-entropy on adversarial images, made
 * anew in every step.
 *
 * <p>With region losses it compares clean and adversarial images, so a step predicts both: see {@link
 * SatLoss}.
 */
public final class Sat implements TrainingScheme {

    private final Attack attack;
    private final boolean predictsClean;
    private final Loss loss;

    /**
     * Creates the scheme with plain cross-entropy on adversarial images.
     *
     * @param attack the training attack
     */
    public Sat(Attack attack) {
        this(attack, RegionLosses.NONE);
    }

    /**
     * Creates the scheme.
     *
     * @param attack the training attack, such as {@link #attack}
     * @param regions which region losses are used
     */
    public Sat(Attack attack, RegionLosses regions) {
        this.attack = attack;
        predictsClean = regions.any();
        loss = predictsClean
                ? new SatLoss(regions)
                : new CrossEntropyLoss(CrossEntropyLoss.ADVERSARIAL);
    }

    /**
     * Creates the scheme's attack: PGD on cross-entropy from a random point of the ball.
     *
     * @param threatModel what the attack may do to an image
     * @param stepSize the length of a step, in pixel values
     * @param steps the number of steps
     * @return the attack
     */
    public static Attack attack(ThreatModel threatModel, float stepSize, int steps) {
        return Pgd.builder(threatModel)
                .optStepSize(stepSize)
                .optSteps(steps)
                .optLastPoint(true)
                .build();
    }

    /** {@inheritDoc} */
    @Override
    public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray adversarial = attack.perturb(model, images, labels, seeds);
        return predictsClean ? new NDList(images, adversarial) : new NDList(adversarial);
    }

    /** {@inheritDoc} */
    @Override
    public Loss getLoss() {
        return loss;
    }

    /** {@inheritDoc} */
    @Override
    public boolean predictsClean() {
        return predictsClean;
    }
}
