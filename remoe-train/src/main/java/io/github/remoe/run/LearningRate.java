package io.github.remoe.run;

import ai.djl.training.Trainer;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.metrics.MetricsListener;

/**
 * The schedule's learning rate times a factor, which falls when a run goes back to its checkpoint; it
 * tells the rate to the trainer's metrics.
 */
final class LearningRate implements Tracker, MetricsListener {

    private final Tracker schedule;
    private float factor = 1;
    private float latest = Float.NaN;

    LearningRate(Tracker schedule) {
        this.schedule = schedule;
    }

    void setFactor(float factor) {
        this.factor = factor;
    }

    @Override
    public float getNewValue(int numUpdate) {
        latest = factor * schedule.getNewValue(numUpdate);
        return latest;
    }

    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        trainer.getMetrics().addMetric("learningRate", latest);
    }
}
