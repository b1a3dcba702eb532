package io.github.remoe.report;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.data.ImageFiles;
import io.github.remoe.inference.RegionInspector;
import io.github.remoe.inference.RegionRouting;
import io.github.remoe.report.InspectedImage.Answer;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;

/**
 * Looks at what a network makes of images, and at what its ReMoE layers do meanwhile: answers, region
 * weights and saliency are those of one forward pass.
 *
 * <pre>{@code
 * try (Inspector inspector = new Inspector(vit, manager)) {
 *     for (InspectedImage image : inspector.inspect(clean, adversarial, labels)) {
 *         System.out.println(image.clean().margin() + " " + image.angles());
 *     }
 * }
 * }</pre>
 *
 * <p>Images go through the network in batches of at most 64, as in an evaluation: what becomes of one
 * does not depend on the others.
 */
public final class Inspector implements AutoCloseable {

    /** Stands for a class that is not known: the network's own answer counts as right. */
    public static final int UNLABELLED = ImageFiles.UNLABELLED;

    private static final int BATCH_SIZE = 64;

    private final RegionInspector network;
    private final TargetModel target;

    /**
     * Creates an inspector.
     *
     * @param network an initialised network, with ReMoE layers or without
     * @param manager the parent of the inspector's own manager, such as that of the model
     * @throws IllegalArgumentException if a parameter holds NaN or an infinity
     */
    public Inspector(VisionTransformer network, NDManager manager) {
        this.network = new RegionInspector(network);
        target = new TargetModel(this.network, manager);
    }

    /**
     * Looks at images.
     *
     * @param clean the images as they are (B,3,h,w) in [0,1]
     * @param attacked the same images attacked (B,3,h,w), or null
     * @param labels the class of each that counts as right, or {@link #UNLABELLED}
     * @return one for each image
     * @throws IllegalArgumentException if there are not as many of each, or a label is no class
     */
    public List<InspectedImage> inspect(NDArray clean, NDArray attacked, long[] labels) {
        if (clean.getShape().get(0) != labels.length
                || attacked != null && !attacked.getShape().equals(clean.getShape())) {
            throw new IllegalArgumentException(String.format(
                    "There are clean images %s, attacked images %s and %d labels: give one of each.",
                    clean.getShape(),
                    attacked == null ? "(none)" : attacked.getShape(),
                    labels.length));
        }
        List<InspectedImage> images = new ArrayList<>();
        for (int from = 0; from < labels.length; from += BATCH_SIZE) {
            int to = Math.min(labels.length, from + BATCH_SIZE);
            List<Seen> before = look(clean, from, to);
            List<Seen> after = attacked == null ? null : look(attacked, from, to);
            for (int i = 0; i < to - from; i++) {
                int label = label(labels[from + i], before.get(i));
                images.add(new InspectedImage(
                        label,
                        labels[from + i] != UNLABELLED,
                        before.get(i).answer(label),
                        after == null ? null : after.get(i).answer(label)));
            }
        }
        return images;
    }

    private static int label(long label, Seen clean) {
        if (label == UNLABELLED) {
            return clean.prediction();
        }
        if (label < 0 || label >= clean.logits.length) {
            throw new IllegalArgumentException(String.format(
                    "There is no class %d: classes count from 0 to %d, and %d stands for none.",
                    label, clean.logits.length - 1, UNLABELLED));
        }
        return (int) label;
    }

    private List<Seen> look(NDArray images, int from, int to) {
        List<Seen> seen = new ArrayList<>();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDList outputs = target.predict(images.get(new NDIndex("{}:{}", from, to)));
            List<List<RegionRouting>> layers = network.read(outputs);
            NDArray probabilities = outputs.head().softmax(1);
            for (int i = 0; i < to - from; i++) {
                seen.add(new Seen(
                        outputs.head().get(i).toFloatArray(),
                        probabilities.get(i).toFloatArray(),
                        layers.get(i)));
            }
        }
        return seen;
    }

    /** One picture's way through the network. */
    private record Seen(float[] logits, float[] probabilities, List<RegionRouting> layers) {

        int prediction() {
            int best = 0;
            for (int i = 1; i < logits.length; i++) {
                best = logits[i] > logits[best] ? i : best;
            }
            return best;
        }

        Answer answer(int label) {
            float highestOther = Float.NEGATIVE_INFINITY;
            for (int i = 0; i < logits.length; i++) {
                highestOther = i == label ? highestOther : Math.max(highestOther, logits[i]);
            }
            return new Answer(
                    prediction(),
                    probabilities[prediction()],
                    probabilities[label],
                    logits[label] - highestOther,
                    layers);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        target.close();
    }
}
