package io.github.remoe.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.autograd.Constants;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.train.TrainingScheme;

/**
 * A training scheme of one's own, adversarial logit pairing (Kannan et al. 2018): cross-entropy on
 * adversarial images, and the squared distance between the logits of an image and its adversarial one.
 */
public final class LogitPairing implements TrainingScheme {

    private final Attack attack;
    private final Loss loss;

    /**
     * Creates the scheme.
     *
     * @param attack the training attack
     * @param weight the weight of the distance
     */
    public LogitPairing(Attack attack, float weight) {
        this.attack = attack;
        loss = new PairingLoss(weight);
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

    /** The mean over the batch of CE(adv) + weight ||clean - adv||^2. */
    private static final class PairingLoss extends Loss {

        private final float weight;

        PairingLoss(float weight) {
            super("PairingLoss");
            this.weight = weight;
        }

        @Override
        public NDArray evaluate(NDList labels, NDList predictions) {
            // The outputs for clean images come first; in each half, region weights follow the
            // logits.
            NDArray clean = predictions.head();
            NDArray adversarial = predictions.get(predictions.size() / 2);
            NDArray difference = clean.sub(adversarial);
            NDArray distance = difference.mul(difference).sum(new int[] {1});
            NDArray crossEntropy = CrossEntropy.perImage(adversarial, labels.singletonOrThrow());
            // Not mul(weight): a backward pass needs the factor to stay.
            return crossEntropy
                    .add(distance.mul(Constants.scalar(distance, weight)))
                    .mean();
        }
    }
}
