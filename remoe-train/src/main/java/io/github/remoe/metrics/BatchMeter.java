package io.github.remoe.metrics;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.training.loss.Loss;

import io.github.remoe.loss.RegionAlignmentLoss;
import io.github.remoe.loss.TrainingLoss;
import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.train.DataParallel;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Measures batches by their labels and predictions. */
final class BatchMeter {

    // Keeps 0 log 0 at 0.
    private static final double EPSILON = 1e-12;

    private final boolean clean;
    private final boolean adversarial;
    private final boolean validatesBoth;
    private final Loss loss;
    private final List<Layer> layers;

    /**
     * Creates the meter.
     *
     * @param clean whether predictions start with the outputs for clean images
     * @param adversarial whether they end with those for adversarial images
     * @param validatesBoth whether those of validation hold both, whatever a training step predicts
     * @param loss the loss; one that tells its parts is asked for them
     * @param network the network; its experts' load is measured if it is a vision transformer
     */
    BatchMeter(
            boolean clean, boolean adversarial, boolean validatesBoth, Loss loss, Block network) {
        this.clean = clean;
        this.adversarial = adversarial;
        this.validatesBoth = validatesBoth;
        this.loss = loss;
        layers = Layer.of(network);
    }

    /**
     * Measures a batch of a training step.
     *
     * @param labels classes (B), or soft labels (B,C)
     * @param predictions the network's outputs for the images of each pass; none, if the step was
     *     given up before
     * @return values by name, NaN where something does not apply; the loss's parts are left out where
     *     nothing was predicted
     */
    Map<String, Double> measure(NDList labels, NDList predictions) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList outputs = withoutGradient(predictions);
            Passes passes = passes(outputs, clean && adversarial);
            Readings readings = new Readings();
            if (loss instanceof TrainingLoss training && !outputs.isEmpty()) {
                training.parts(labels, outputs)
                        .forEach((name, part) -> readings.add(Measurement.LOSS_PART + name, part));
            }
            accuracies(labels, passes, readings);
            gates(passes, readings);
            return readings.values();
        }
    }

    /**
     * Measures a batch of validation.
     *
     * @param labels as in training
     * @param predictions as in training, or for clean and adversarial images where both are validated
     * @return {@link Measurement#CLEAN_ACCURACY} and {@link Measurement#ROBUST_ACCURACY}
     */
    Map<String, Double> validate(NDList labels, NDList predictions) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            Readings readings = new Readings();
            NDList outputs = withoutGradient(predictions);
            accuracies(labels, passes(outputs, validatesBoth || clean && adversarial), readings);
            return readings.values();
        }
    }

    private static NDList withoutGradient(NDList predictions) {
        NDList outputs = new NDList();
        for (NDArray prediction : predictions) {
            outputs.add(prediction.stopGradient().toType(DataType.FLOAT32, false));
        }
        return outputs;
    }

    private Passes passes(NDList outputs, boolean both) {
        if (both) {
            int half = outputs.size() / 2;
            return new Passes(outputs.subNDList(0, half), outputs.subNDList(half));
        }
        return clean ? new Passes(outputs, new NDList()) : new Passes(new NDList(), outputs);
    }

    private static void accuracies(NDList labels, Passes passes, Readings readings) {
        NDArray label = labels.singletonOrThrow();
        // Of mixed images the class that most of the image is of.
        NDArray classes = label.getShape().dimension() == 2
                ? label.argMax(1)
                : label.toType(DataType.INT64, false);
        NDArray clean = right(passes.clean(), classes);
        NDArray robust = right(passes.adversarial(), classes);
        if (passes.both()) {
            robust = robust.mul(clean);
        }
        readings.add(Measurement.CLEAN_ACCURACY, clean == null ? null : clean.mean());
        readings.add(Measurement.ROBUST_ACCURACY, robust == null ? null : robust.mean());
    }

    /** 1 for each image that is classified right, 0 for others. */
    private static NDArray right(NDList outputs, NDArray classes) {
        return outputs.isEmpty()
                ? null
                : outputs.head().argMax(1).eq(classes).toType(DataType.FLOAT32, false);
    }

    private void gates(Passes passes, Readings readings) {
        NDList weights = passes.regionWeights();
        NDArray angle = null;
        if (passes.both() && !weights.isEmpty()) {
            NDList both = new NDList(passes.clean()).addAll(passes.adversarial());
            angle = RegionAlignmentLoss.angles(both).mean().mul(180 / Math.PI);
        }
        readings.add(Measurement.ANGLE, angle);
        readings.add(Measurement.ENTROPY, weights.isEmpty() ? null : entropy(weights));
        for (int i = 0; i < layers.size(); i++) {
            layers.get(i)
                    .readLoad(weights.size() == layers.size() ? weights.get(i) : null, readings);
        }
    }

    private static NDArray entropy(NDList weights) {
        NDList entropies = new NDList();
        for (NDArray layer : weights) {
            NDArray shares = layer.div(layer.sum(new int[] {1}, true));
            entropies.add(shares.mul(shares.add(EPSILON).log())
                    .sum(new int[] {1})
                    .mean()
                    .neg());
        }
        return NDArrays.stack(entropies).mean();
    }

    /** The network's outputs for images of each kind; empty if those were not predicted. */
    private record Passes(NDList clean, NDList adversarial) {

        boolean both() {
            return !clean.isEmpty() && !adversarial.isEmpty();
        }

        /** W (B,K) of each ReMoE layer; of both passes one below the other. */
        NDList regionWeights() {
            if (!both()) {
                NDList only = clean.isEmpty() ? adversarial : clean;
                return only.isEmpty() ? only : only.subNDList(1);
            }
            NDList weights = new NDList();
            for (int i = 1; i < clean.size(); i++) {
                weights.add(clean.get(i).concat(adversarial.get(i), 0));
            }
            return weights;
        }
    }

    /** A layer that holds a ReMoE block, counted from 1. */
    private record Layer(int number, ReMoEBlock block) {

        static List<Layer> of(Block network) {
            if (network instanceof DataParallel parallel) {
                return of(parallel.getBlock());
            }
            List<Layer> layers = new ArrayList<>();
            if (network instanceof VisionTransformer vit) {
                for (int i = 0; i < vit.getBlocks().size(); i++) {
                    if (vit.getBlocks().get(i).getFeedForward() instanceof ReMoEBlock block) {
                        layers.add(new Layer(i + 1, block));
                    }
                }
            }
            return layers;
        }

        void readLoad(NDArray weights, Readings readings) {
            List<String> names = IntStream.rangeClosed(1, block.getGrid().size())
                    .mapToObj(region -> Measurement.expertLoad(number, region))
                    .toList();
            readings.add(
                    names,
                    weights == null
                            ? null
                            : block.route(weights)
                                    .gt(0)
                                    .toType(DataType.FLOAT32, false)
                                    .mean(new int[] {0}));
        }
    }

    /** Reads all numbers at once: on a GPU each reading waits until the device is done. */
    private static final class Readings {

        private final Map<String, Double> values = new LinkedHashMap<>();
        private final List<String> names = new ArrayList<>();
        private final NDList numbers = new NDList();

        void add(String name, NDArray scalar) {
            add(List.of(name), scalar);
        }

        void add(List<String> newNames, NDArray vector) {
            newNames.forEach(name -> values.put(name, Double.NaN));
            if (vector != null) {
                names.addAll(newNames);
                numbers.add(
                        vector.toType(DataType.FLOAT32, false).reshape(new Shape(newNames.size())));
            }
        }

        Map<String, Double> values() {
            if (numbers.isEmpty()) {
                return values;
            }
            float[] read = NDArrays.concat(numbers).toFloatArray();
            for (int i = 0; i < read.length; i++) {
                values.put(names.get(i), (double) read[i]);
            }
            return values;
        }
    }
}
