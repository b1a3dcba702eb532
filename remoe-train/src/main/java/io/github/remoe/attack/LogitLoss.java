package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.autograd.Constants;
import io.github.remoe.loss.CrossEntropy;
import io.github.remoe.loss.KlDivergence;

import java.util.Locale;
import java.util.function.Function;

/**
 * The losses of the logits z that the literature's attacks maximise; y is the true class, t the
 * target class, and z(1) >= z(2) >= ... are the logits in descending order.
 */
public enum LogitLoss implements AttackLoss {

    /**
     * {@code -log softmax(z)[y]}; targeted: {@code log softmax(z)[t]} (Goodfellow et al. 2015). It
     * alone takes soft labels (B,C) too, for training.
     */
    CROSS_ENTROPY {
        @Override
        public Function<NDList, NDArray> prepare(
                TargetModel model, NDArray images, NDArray labels, NDArray targets) {
            return targets == null
                    ? outputs -> CrossEntropy.perImage(outputs.head(), labels)
                    : outputs -> CrossEntropy.perImage(outputs.head(), targets).neg();
        }
    },

    /**
     * {@code max over i != y of z_i - z_y}; targeted: {@code z_t - max over i != t of z_i} (Carlini and
     * Wagner 2017, f6 without its bound). Positive exactly where the attack has won. Needs 2 classes.
     */
    MARGIN {
        @Override
        public Function<NDList, NDArray> prepare(
                TargetModel model, NDArray images, NDArray labels, NDArray targets) {
            return targets == null
                    ? outputs -> margin(outputs.head(), labels)
                    : outputs -> margin(outputs.head(), targets).neg();
        }

        private NDArray margin(NDArray logits, NDArray classes) {
            needs(2, "margin", logits);
            return largestOther(logits, classes).sub(pick(logits, classes));
        }
    },

    /**
     * The difference of logits ratio (Croce and Hein 2020): {@code -(z_y - max over i != y of z_i) /
     * (z(1) - z(3))}; targeted: {@code -(z_y - z_t) / (z(1) - (z(3) + z(4)) / 2)}. Needs 3 classes,
     * targeted 4.
     */
    DLR {
        @Override
        public Function<NDList, NDArray> prepare(
                TargetModel model, NDArray images, NDArray labels, NDArray targets) {
            return targets == null
                    ? outputs -> dlr(outputs.head(), labels)
                    : outputs -> targetedDlr(outputs.head(), labels, targets);
        }

        private NDArray dlr(NDArray logits, NDArray labels) {
            needs(3, "DLR", logits);
            NDArray sorted = logits.sort(1);
            NDArray spread = sorted.get(":, -1").sub(sorted.get(":, -3"));
            return largestOther(logits, labels).sub(pick(logits, labels)).div(spread.add(1e-12f));
        }

        private NDArray targetedDlr(NDArray logits, NDArray labels, NDArray targets) {
            needs(4, "targeted DLR", logits);
            NDArray sorted = logits.sort(1);
            NDArray middle =
                    sorted.get(":, -3").add(sorted.get(":, -4")).mul(Constants.scalar(logits, 0.5));
            NDArray spread = sorted.get(":, -1").sub(middle);
            return pick(logits, targets).sub(pick(logits, labels)).div(spread.add(1e-12f));
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
                throw new IllegalArgumentException(KL_IS_UNTARGETED);
            }
            NDArray clean = model.predict(images).head();
            return outputs -> KlDivergence.perImage(clean, outputs.head());
        }
    };

    static final String KL_IS_UNTARGETED =
            "The KL loss has no targeted form. Use cross-entropy, margin or DLR.";

    /** Returns the name that command lines use. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static void needs(int classes, String loss, NDArray logits) {
        long has = logits.getShape().get(1);
        if (has < classes) {
            throw new IllegalArgumentException(String.format(
                    "The %s loss needs at least %d classes, the model has %d. Use the cross-entropy"
                            + " loss%s.",
                    loss, classes, has, has < 2 ? "" : ", or the margin loss"));
        }
    }

    private static NDArray pick(NDArray logits, NDArray classes) {
        NDArray indices = CrossEntropy.classes(logits, classes);
        return logits.gather(indices.expandDims(1), 1).squeeze(1);
    }

    private static NDArray largestOther(NDArray logits, NDArray classes) {
        NDArray picked = CrossEntropy.classes(logits, classes)
                .oneHot(Math.toIntExact(logits.getShape().get(1)), DataType.BOOLEAN);
        NDArray lowest = logits.getManager()
                .full(logits.getShape(), Float.NEGATIVE_INFINITY, logits.getDataType());
        return NDArrays.where(picked, lowest, logits).max(new int[] {1});
    }
}
