package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;

/**
 * The loss of standard adversarial training with region losses, which takes the clean pass too:
 *
 * <pre>
 * region-adaptive   L_rob = mean over the batch of beta~ CE(clean) + (1 - beta~) CE(adv)
 * otherwise         mean over the batch of CE(adv)
 * in total          + lambda_align L_align
 * </pre>
 *
 * <p>Without region losses, {@link CrossEntropyLoss} on adversarial images alone is the same and saves
 * the clean pass. See the package page for labels and predictions.
 */
public final class SatLoss extends AdversarialLoss {

    /**
     * Creates the loss.
     *
     * @param regions which region losses are used
     */
    public SatLoss(RegionLosses regions) {
        super("SatLoss", regions, 1);
    }

    @Override
    Terms terms(NDArray labels, NDArray clean, NDArray adversarial) {
        return new Terms(
                new Term(CrossEntropyLoss.CLEAN, CrossEntropy.perImage(clean, labels), 1),
                new Term(
                        CrossEntropyLoss.ADVERSARIAL,
                        CrossEntropy.perImage(adversarial, labels),
                        1));
    }
}
