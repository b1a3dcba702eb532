package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

/**
 * Mean softmax cross-entropy of the first prediction, the logits (B,C), with class indices (B).
 *
 * <p>Unlike DJL's {@code SoftmaxCrossEntropyLoss} it leaves aside what follows the logits, such as
 * region weights, and tells of a label that is out of range.
 */
public final class CrossEntropyLoss extends Loss {

    /** Creates the loss. */
    public CrossEntropyLoss() {
        super("CrossEntropyLoss");
    }

    /** {@inheritDoc} */
    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        return CrossEntropy.perImage(predictions.head(), labels.singletonOrThrow())
                .mean();
    }
}
