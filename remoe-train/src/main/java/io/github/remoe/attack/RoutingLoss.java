package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import io.github.remoe.autograd.Constants;
import io.github.remoe.loss.RegionAlignmentLoss;

import java.util.function.Function;

/**
 * An adaptive loss against ReMoE: a loss of the logits, plus {@code weight} times the angle in radians
 * between the region weights W of the clean and of the perturbed image, averaged over the ReMoE
 * layers. It is the reverse of the region alignment loss that robust networks are trained with, so it
 * looks for images that a network routes to other experts.
 *
 * <p>Targeted, the logits' part is targeted, and the angle still grows. The angle's gradient is 0 at
 * the clean image, where it has its minimum: a random start, which {@link Pgd} and {@link Apgd} make,
 * lets it have a say from the first step. With the attack's budget spent on two goals, fewer images
 * may be misclassified than by the logits' loss alone; an evaluation runs both.
 *
 * @param logitLoss the loss of the logits
 * @param weight how much an angle of 1 radian counts, finite and 0 or more; 0 is the loss of the
 *     logits alone
 */
public record RoutingLoss(AttackLoss logitLoss, float weight) implements AttackLoss {

    /**
     * Checks the settings.
     *
     * @throws IllegalArgumentException if the weight is negative or not finite
     */
    public RoutingLoss {
        if (!(weight >= 0 && Float.isFinite(weight))) {
            throw new IllegalArgumentException(
                    "The weight of the angle must be a finite number of 0 or more, got " + weight
                            + ". The loss is maximised: a larger weight misroutes more.");
        }
    }

    /**
     * Creates the loss with cross-entropy.
     *
     * @param weight how much an angle of 1 radian counts, finite and 0 or more
     */
    public RoutingLoss(float weight) {
        this(LogitLoss.CROSS_ENTROPY, weight);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the model gives no region weights
     */
    @Override
    public Function<NDList, NDArray> prepare(
            TargetModel model, NDArray images, NDArray labels, NDArray targets) {
        NDList clean = model.predict(images);
        if (clean.size() < 2) {
            throw new IllegalArgumentException("The model gives logits only, and this loss needs"
                    + " region weights after them. Attack a network with ReMoE blocks (not built with"
                    + " tokensOnly), or use a loss of the logits.");
        }
        Function<NDList, NDArray> ofLogits = logitLoss.prepare(model, images, labels, targets);
        return outputs -> {
            NDArray angle = angle(clean, outputs);
            return ofLogits.apply(outputs).add(angle.mul(Constants.scalar(angle, weight)));
        };
    }

    /**
     * Returns how far the region weights have moved.
     *
     * @param clean the model's outputs for clean images: logits, then W (B,K) of each ReMoE layer
     * @param perturbed its outputs for perturbed images
     * @return angles in radians, averaged over the layers (B)
     */
    static NDArray angle(NDList clean, NDList perturbed) {
        NDList both = new NDList(clean);
        both.addAll(perturbed);
        return RegionAlignmentLoss.angles(both).mean(new int[] {0});
    }
}
