package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.autograd.Constants;
import io.github.remoe.loss.CrossEntropy;

import java.util.Locale;
import java.util.function.Function;

/**
 * The losses of the logits z that the literature's attacks maximise; y is the true class, t the
 * target class, and z(1) >= z(2) >= ... are the logits in descending order.
 */
public enum LogitLoss implements AttackLoss {

    /** {@code -log softmax(z)[y]}; targeted: {@code log softmax(z)[t]} (Goodfellow et al. 2015). */
    CROSS_ENTROPY {
        @Override
        NDArray perImage(NDArray logits, NDArray labels, NDArray targets) {
            return targets == null
                    ? CrossEntropy.perImage(logits, labels)
                    : CrossEntropy.perImage(logits, targets).neg();
        }
    },

    /**
     * {@code max over i != y of z_i - z_y}; targeted: {@code z_t - max over i != t of z_i} (Carlini and
     * Wagner 2017, f6 without its bound). Positive exactly where the attack has won.
     */
    MARGIN {
        @Override
        NDArray perImage(NDArray logits, NDArray labels, NDArray targets) {
            NDArray classes = targets == null ? labels : targets;
            NDArray margin = largestOther(logits, classes).sub(pick(logits, classes));
            return targets == null ? margin : margin.neg();
        }
    },

    /**
     * The difference of logits ratio (Croce and Hein 2020): {@code -(z_y - max over i != y of z_i) /
     * (z(1) - z(3))}; targeted: {@code -(z_y - z_t) / (z(1) - (z(3) + z(4)) / 2)}. Needs 3 classes,
     * targeted 4.
     */
    DLR {
        @Override
        NDArray perImage(NDArray logits, NDArray labels, NDArray targets) {
            long classes = logits.getShape().get(1);
            if (classes < (targets == null ? 3 : 4)) {
                throw new IllegalArgumentException(String.format(
                        "The %s loss needs at least %d classes, the model has %d. Use the margin"
                                + " or the cross-entropy loss.",
                        targets == null ? "DLR" : "targeted DLR",
                        targets == null ? 3 : 4,
                        classes));
            }
            NDArray sorted = logits.sort(1);
            NDArray first = sorted.get(":, -1");
            NDArray third = sorted.get(":, -3");
            NDArray truth = pick(logits, labels);
            if (targets == null) {
                return largestOther(logits, labels)
                        .sub(truth)
                        .div(first.sub(third).add(1e-12f));
            }
            NDArray middle = third.add(sorted.get(":, -4")).mul(Constants.scalar(logits, 0.5));
            return pick(logits, targets).sub(truth).div(first.sub(middle).add(1e-12f));
        }
    },

    /**
     * {@code KL(softmax(z of the clean image) || softmax(z))}, the inner loss of TRADES (Zhang et al.
     * 2019). It has no targeted form, and its gradient is 0 at the clean image: use a random start.
     */
    KL {
        @Override
        public Function<NDList, NDArray> prepare(
                TargetModel model, NDArray images, NDArray labels, NDArray targets) {
            if (targets != null) {
                throw new IllegalArgumentException(
                        "The KL loss has no targeted form. Use cross-entropy, margin or DLR.");
            }
            NDArray clean = model.predict(images).head().logSoftmax(1);
            NDArray probabilities = clean.exp();
            return out -> clean.sub(out.head().logSoftmax(1)).mul(probabilities).sum(new int[] {1});
        }

        @Override
        NDArray perImage(NDArray logits, NDArray labels, NDArray targets) {
            throw new UnsupportedOperationException("KL compares with the clean images.");
        }
    };

    /** {@inheritDoc} */
    @Override
    public Function<NDList, NDArray> prepare(
            TargetModel model, NDArray images, NDArray labels, NDArray targets) {
        return out -> perImage(out.head(), labels, targets);
    }

    /**
     * Returns the loss of logits.
     *
     * @param logits (B,K)
     * @param labels true classes (B)
     * @param targets target classes (B), or null
     * @return one loss an image (B)
     */
    abstract NDArray perImage(NDArray logits, NDArray labels, NDArray targets);

    /** Returns the name that command lines use. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static NDArray pick(NDArray logits, NDArray classes) {
        NDArray indices = classes.toType(DataType.INT64, false).expandDims(1);
        return logits.gather(indices, 1).squeeze(1);
    }

    private static NDArray largestOther(NDArray logits, NDArray classes) {
        NDArray picked = classes.toType(DataType.INT64, false)
                .oneHot(Math.toIntExact(logits.getShape().get(1)), logits.getDataType());
        // Far below any logit, yet finite, so that no NaN comes of it.
        return logits.sub(picked.muli(1e10f)).max(new int[] {1});
    }
}
