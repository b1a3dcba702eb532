package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.LogitLoss;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TradesPgd;
import io.github.remoe.loss.MartLoss;
import io.github.remoe.loss.RegionLosses;

/**
 * MART (Wang et al. 2020): cross-entropy and margin on adversarial images, and a divergence from the
 * predictions for clean ones that counts most where these are wrong.
 *
 * @see MartLoss
 */
public final class Mart implements TrainingScheme {

    private final Attack attack;
    private final Loss loss;

    /**
     * Creates the scheme.
     *
     * @param attack the training attack, such as {@link #attack}
     * @param beta the weight of the divergence, 0 or more; the paper's is 5
     * @param regions which region losses are used
     */
    public Mart(Attack attack, float beta, RegionLosses regions) {
        this.attack = attack;
        loss = new MartLoss(beta, regions);
    }

    /**
     * Creates the scheme's attack: PGD on cross-entropy from the image plus a little noise.
     *
     * @param threatModel what the attack may do to an image
     * @param stepSize the length of a step, in pixel values
     * @param steps the number of steps
     * @return the attack
     */
    public static Attack attack(ThreatModel threatModel, float stepSize, int steps) {
        return new TradesPgd(threatModel, LogitLoss.CROSS_ENTROPY, stepSize, steps);
    }

    /** {@inheritDoc} */
    @Override
    public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return new NDList(images, attack.perturb(model, images, labels, seeds));
    }

    /** {@inheritDoc} */
    @Override
    public Loss getLoss() {
        return loss;
    }
}
