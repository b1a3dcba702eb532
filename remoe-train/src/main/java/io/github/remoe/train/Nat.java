package io.github.remoe.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.loss.CrossEntropyLoss;

/** Natural training (NAT): cross-entropy on clean images. */
public final class Nat implements TrainingScheme {

    private final Loss loss = new CrossEntropyLoss(CrossEntropyLoss.CLEAN);

    /** {@inheritDoc} */
    @Override
    public NDList inputs(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        return new NDList(images);
    }

    /** {@inheritDoc} */
    @Override
    public Loss getLoss() {
        return loss;
    }

    /** {@inheritDoc} */
    @Override
    public boolean predictsAdversarial() {
        return false;
    }
}
