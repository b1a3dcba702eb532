package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import java.util.Map;

/**
 * Mean softmax cross-entropy of the first prediction, the logits (B,C), with class indices (B) or
 * soft labels (B,C).
 *
 * <p>Unlike DJL's {@code SoftmaxCrossEntropyLoss} it leaves aside what follows the logits, such as
 * region weights, and tells of a label that is out of range.
 */
public final class CrossEntropyLoss extends TrainingLoss {

    /** The name of the cross-entropy of clean images, here and in the parts of other losses. */
    public static final String CLEAN = "cleanCrossEntropy";

    /** The name of the cross-entropy of adversarial images, here and in the parts of other losses. */
    public static final String ADVERSARIAL = "adversarialCrossEntropy";

    private final String part;

    /**
     * Creates the loss.
     *
     * @param part the name of its only part: {@link #CLEAN} or {@link #ADVERSARIAL}
     */
    public CrossEntropyLoss(String part) {
        super("CrossEntropyLoss");
        this.part = part;
    }

    /** {@inheritDoc} */
    @Override
    public NDArray evaluate(NDList labels, NDList predictions) {
        return CrossEntropy.perImage(predictions.head(), labels.singletonOrThrow())
                .mean();
    }

    /** {@inheritDoc} */
    @Override
    public Map<String, NDArray> parts(NDList labels, NDList predictions) {
        return Map.of(part, evaluate(labels, predictions));
    }
}
