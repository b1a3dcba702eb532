package io.github.remoe.metrics;

import ai.djl.training.Trainer;
import ai.djl.training.listener.TrainingListener;

/**
 * A listener of a trainer that is also told what {@link TrainingMetrics}, another listener of the same
 * trainer, has measured.
 */
public interface MetricsListener extends TrainingListener {

    /**
     * Steps and epochs are measured from a number on: the run starts, goes on from a checkpoint or goes
     * back to one. What was measured of that step, that epoch and later ones is void. An epoch whose
     * last step is made may be measured without another step.
     *
     * @param step the step that is measured next, counted from 1
     * @param epoch the epoch that is measured next, counted from 1
     */
    default void onMeasuringFrom(long step, int epoch) {}

    /**
     * A step has been measured.
     *
     * @param measurement the step's values
     */
    default void onStepMeasured(Measurement measurement) {}

    /**
     * An epoch has been measured, validation included.
     *
     * @param measurement the means over the epoch's steps, and the validation's values
     */
    default void onEpochMeasured(Measurement measurement) {}

    /** {@inheritDoc} */
    @Override
    default void onTrainingBegin(Trainer trainer) {}

    /** {@inheritDoc} */
    @Override
    default void onTrainingBatch(Trainer trainer, BatchData batchData) {}

    /** {@inheritDoc} */
    @Override
    default void onValidationBatch(Trainer trainer, BatchData batchData) {}

    /** {@inheritDoc} */
    @Override
    default void onEpoch(Trainer trainer) {}

    /** {@inheritDoc} */
    @Override
    default void onTrainingEnd(Trainer trainer) {}
}
