package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;
import ai.djl.training.loss.SimpleCompositeLoss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.loss.CrossEntropyLoss;
import io.github.remoe.loss.RegionAdaptiveLoss;
import io.github.remoe.loss.RegionAlignmentLoss;

/**
 * Standard adversarial training (SAT, Madry et al. 2018): cross-entropy on adversarial images, made
 * anew in every step.
 *
 * <p>{@link #withRegionLosses} trains a ReMoE network with the paper's total objective instead, L_rob
 * + lambda_align L_align, which compares clean and adversarial images.
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
        this(attack, false, new CrossEntropyLoss());
    }

    private Sat(Attack attack, boolean predictsClean, Loss loss) {
        this.attack = attack;
        this.predictsClean = predictsClean;
        this.loss = loss;
    }

    /**
     * Creates the scheme with the region-adaptive and the region alignment loss.
     *
     * @param attack the training attack
     * @param beta the weight of the clean term where no region weight moves, 0 to 1
     * @param lambdaAlign the weight of the alignment loss
     * @return the scheme
     */
    public static Sat withRegionLosses(Attack attack, float beta, float lambdaAlign) {
        return new Sat(
                attack,
                true,
                new SimpleCompositeLoss("RegionLoss")
                        .addLoss(new RegionAdaptiveLoss(beta))
                        .addLoss(new RegionAlignmentLoss(lambdaAlign)));
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
}
