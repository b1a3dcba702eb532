package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import java.util.List;
import java.util.stream.IntStream;

/**
 * A loss's predictions, taken apart into the two passes that they come from.
 *
 * @param clean the network's outputs for the clean images
 * @param adversarial the network's outputs for the adversarial images, in the same order
 */
record CleanAndAdversarial(NDList clean, NDList adversarial) {

    static CleanAndAdversarial of(NDList predictions) {
        int half = predictions.size() / 2;
        if (half < 1 || predictions.size() % 2 != 0) {
            throw new IllegalArgumentException(String.format(
                    "The loss takes the network's outputs for clean, then for adversarial images,"
                            + " so twice as many as the network gives; got %d arrays. Train with a"
                            + " scheme that predicts both.",
                    predictions.size()));
        }
        if (!predictions.get(0).getShape().equals(predictions.get(half).getShape())) {
            throw new IllegalArgumentException(String.format(
                    "The logits for clean images are of shape %s, those for adversarial images of"
                            + " %s. Predict both with the same network.",
                    predictions.get(0).getShape(), predictions.get(half).getShape()));
        }
        return new CleanAndAdversarial(predictions.subNDList(0, half), predictions.subNDList(half));
    }

    List<RegionWeights> layers() {
        if (clean.size() < 2) {
            throw new IllegalArgumentException("A region loss takes logits and region weights for"
                    + " clean, then for adversarial images, got logits alone. Insert ReMoE blocks"
                    + " into the network, or train without the region losses.");
        }
        return IntStream.range(1, clean.size())
                .mapToObj(i -> new RegionWeights(clean.get(i), adversarial.get(i)))
                .toList();
    }

    /**
     * The region weights W of one ReMoE layer.
     *
     * @param clean for the clean images (B,K)
     * @param adversarial for the adversarial images (B,K)
     */
    record RegionWeights(NDArray clean, NDArray adversarial) {}
}
