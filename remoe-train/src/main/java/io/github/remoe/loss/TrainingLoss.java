package io.github.remoe.loss;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.training.loss.Loss;

import java.util.Map;

/**
 * A loss that tells what it is made of.
 *
 * <p>A training step evaluates it once, with gradients. A log asks for {@link #parts} afterwards: they
 * come from the same outputs of the network, so they cost no further pass.
 */
public abstract class TrainingLoss extends Loss {

    /**
     * Creates the loss.
     *
     * @param name the name that DJL's listeners show
     */
    protected TrainingLoss(String name) {
        super(name);
    }

    /**
     * Returns what the loss comes from, by name: means over the batch, without the factors that they
     * have in the loss.
     *
     * @param labels as for {@link #evaluate(NDList, NDList)}
     * @param predictions as for {@link #evaluate(NDList, NDList)}
     * @return scalars; the names and their order are the same for every batch
     */
    public abstract Map<String, NDArray> parts(NDList labels, NDList predictions);
}
