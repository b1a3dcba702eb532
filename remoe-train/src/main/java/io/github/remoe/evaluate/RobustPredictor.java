package io.github.remoe.evaluate;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.translate.BasicTranslator;
import ai.djl.translate.TranslateException;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.ImageFiles;
import io.github.remoe.evaluate.RobustReport.Attacked;
import io.github.remoe.inference.ClassificationTranslator;
import io.github.remoe.inference.RegionClassifications;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Classifies images and attacks them at once: one {@link RobustReport} an image.
 *
 * <pre>{@code
 * try (ZooModel<Image, Classifications> model = criteria.loadModel();
 *         RobustPredictor predictor =
 *                 RobustPredictor.builder(model, ThreatModel.linf(8 / 255f)).build()) {
 *     RobustReport report = predictor.predict(photo);
 *     System.out.println(report.isBroken() + " " + report.smallestNorm());
 * }
 * }</pre>
 *
 * <p>Without a label the class that the network gives the image as it is counts as right: what is
 * measured then is whether the answer can be changed, not whether it is true. What becomes of an image
 * does not depend on the others of a batch.
 *
 * <p>A predictor is for one thread. Several may share a model; they take their gradients in turns.
 */
public final class RobustPredictor extends Predictor<Image, RobustReport> {

    /** Stands for a class that is not known: the network's own answer counts as right. */
    public static final int UNLABELLED = ImageFiles.UNLABELLED;

    private static final int USUAL_STEPS = 20;

    private final ClassificationTranslator images;
    private final ThreatModel threatModel;
    private final Map<String, Attack> attacks;
    private final long seed;
    private final TargetModel target;

    private RobustPredictor(Builder builder, ClassificationTranslator images) {
        super(
                builder.model,
                new BasicTranslator<>(
                        images,
                        (ctx, list) -> {
                            throw new UnsupportedOperationException("Reports are made of batches.");
                        },
                        images.getBatchifier()),
                builder.model.getNDManager().getDevice(),
                false);
        this.images = images;
        threatModel = builder.threatModel;
        attacks = builder.attacks.isEmpty()
                ? Map.of(
                        "pgd-" + USUAL_STEPS,
                        Pgd.builder(threatModel).optSteps(USUAL_STEPS).build())
                : Collections.unmodifiableMap(new LinkedHashMap<>(builder.attacks));
        seed = builder.seed;
        target = new TargetModel(block, manager);
    }

    /**
     * Creates a builder.
     *
     * @param model the model, whose network is a {@link io.github.remoe.vit.VisionTransformer}
     * @param threatModel what the attacker may do
     * @return a new builder
     */
    public static Builder builder(Model model, ThreatModel threatModel) {
        return new Builder(model, threatModel);
    }

    /**
     * Classifies and attacks an image of a known class.
     *
     * @param image the image
     * @param label its class, counted from 0, or {@link #UNLABELLED}
     * @return what the network says of it, as it is and under attack
     * @throws TranslateException if the image cannot be brought to the network's size
     * @throws IllegalArgumentException if there is no such class
     */
    public RobustReport predict(Image image, int label) throws TranslateException {
        return batchPredict(List.of(image), new int[] {label}).get(0);
    }

    /** {@inheritDoc} */
    @Override
    public List<RobustReport> batchPredict(List<Image> inputs) throws TranslateException {
        int[] labels = new int[inputs.size()];
        Arrays.fill(labels, UNLABELLED);
        return batchPredict(inputs, labels);
    }

    /**
     * Classifies and attacks a batch of images.
     *
     * @param inputs the images, of any sizes
     * @param labels the class of each, counted from 0, or {@link #UNLABELLED}
     * @return one report an image
     * @throws TranslateException if an image cannot be brought to the network's size
     * @throws IllegalArgumentException if there is not one label an image, or no such class
     */
    public List<RobustReport> batchPredict(List<Image> inputs, int[] labels)
            throws TranslateException {
        checkLabels(inputs.size(), labels);
        if (inputs.isEmpty()) {
            return List.of();
        }
        try (NDManager batch = manager.newSubManager();
                NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray pixels = pixels(inputs, batch);
            NDList clean = target.predict(pixels);
            long[] predicted = clean.head().argMax(1).toLongArray();
            long[] truth = new long[labels.length];
            for (int i = 0; i < truth.length; i++) {
                truth[i] = labels[i] == UNLABELLED ? predicted[i] : labels[i];
            }
            List<RegionClassifications> found = classifications(clean);
            List<List<Attacked>> attacked = new ArrayList<>();
            inputs.forEach(image -> attacked.add(new ArrayList<>()));
            attacks.forEach((name, attack) -> {
                List<Attacked> results = attack(name, attack, pixels, truth, found);
                for (int i = 0; i < truth.length; i++) {
                    attacked.get(i).add(results.get(i));
                }
            });
            List<RobustReport> reports = new ArrayList<>();
            for (int i = 0; i < truth.length; i++) {
                int label = (int) truth[i];
                reports.add(new RobustReport(
                        label,
                        images.getClassNames().get(label),
                        (int) predicted[i],
                        found.get(i),
                        threatModel,
                        attacked.get(i)));
            }
            return reports;
        }
    }

    private void checkLabels(int inputs, int[] labels) {
        if (labels.length != inputs) {
            throw new IllegalArgumentException(
                    String.format("There are %d labels for %d images.", labels.length, inputs));
        }
        int classes = images.getClassNames().size();
        for (int label : labels) {
            if (label != UNLABELLED && (label < 0 || label >= classes)) {
                throw new IllegalArgumentException(String.format(
                        "There is no class %d: classes count from 0 to %d, and %d stands for none.",
                        label, classes - 1, UNLABELLED));
            }
        }
    }

    private NDArray pixels(List<Image> inputs, NDManager batch) throws TranslateException {
        NDList rows = new NDList();
        for (Image input : inputs) {
            try {
                rows.add(images.processInput(batch, input).head());
            } catch (RuntimeException e) {
                throw new TranslateException("An image cannot be used: " + e.getMessage(), e);
            }
        }
        return NDArrays.stack(rows);
    }

    private List<Attacked> attack(
            String name,
            Attack attack,
            NDArray pixels,
            long[] truth,
            List<RegionClassifications> clean) {
        List<Attacked> results = new ArrayList<>();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            // The same for all images: one's fate must not depend on its place in the batch.
            long[] seeds = new long[truth.length];
            Arrays.fill(seeds, seed);
            NDArray labels = pixels.getManager().create(truth);
            NDArray adversarial = attack.perturb(target, pixels, labels, seeds);
            NDList outputs = target.predict(adversarial);
            long[] predicted = outputs.head().argMax(1).toLongArray();
            List<RegionClassifications> found = classifications(outputs);
            float[] norms = threatModel.distance(adversarial, pixels).toFloatArray();
            for (int i = 0; i < truth.length; i++) {
                results.add(Attacked.of(
                        name,
                        predicted[i] != truth[i],
                        clean.get(i),
                        found.get(i),
                        norms[i],
                        adversarial.get(i).toFloatArray(),
                        images.getImageSize()));
            }
        }
        return results;
    }

    private List<RegionClassifications> classifications(NDList outputs) {
        List<RegionClassifications> found = new ArrayList<>();
        for (long i = 0; i < outputs.head().getShape().get(0); i++) {
            long row = i;
            found.add(images.processRegions(
                    new NDList(outputs.stream().map(output -> output.get(row)).toList())));
        }
        return found;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        target.close();
        super.close();
    }

    /** The Builder to construct a {@link RobustPredictor}. */
    public static final class Builder {

        private final Model model;
        private final ThreatModel threatModel;
        private final Map<String, Attack> attacks = new LinkedHashMap<>();
        private ClassificationTranslator images;
        private long seed;

        private Builder(Model model, ThreatModel threatModel) {
            this.model = model;
            this.threatModel = threatModel;
        }

        /**
         * Adds an attack; default is PGD with 20 steps alone.
         *
         * @param name what it is called in reports
         * @param attack the attack, for the builder's threat model: {@code
         *     AutoAttack.standard(threatModel)}, for one
         * @return this builder
         * @throws IllegalArgumentException if there is an attack of this name already
         */
        public Builder addAttack(String name, Attack attack) {
            if (attacks.putIfAbsent(name, attack) != null) {
                throw new IllegalArgumentException(String.format(
                        "There is an attack \"%s\" already: reports tell attacks by their names.",
                        name));
            }
            return this;
        }

        /**
         * Sets what brings images to the network's size and knows the names of the classes; default is
         * that of the folder that the model was loaded from.
         *
         * @param images a translator for the model's network
         * @return this builder
         */
        public Builder optTranslator(ClassificationTranslator images) {
            this.images = images;
            return this;
        }

        /**
         * Sets what the attacks' random choices come from; default 0.
         *
         * @param seed any number
         * @return this builder
         */
        public Builder optSeed(long seed) {
            this.seed = seed;
            return this;
        }

        /**
         * Builds the predictor.
         *
         * @return the predictor, to be closed before its model
         * @throws IOException if no translator was set, and the folder of the model has no names
         *     of classes
         * @throws IllegalArgumentException if the network is no vision transformer, or holds numbers
         *     that are not finite, or no translator was set and the model is not from a folder
         */
        public RobustPredictor build() throws IOException {
            return new RobustPredictor(
                    this,
                    images == null ? ClassificationTranslator.builder(model).build() : images);
        }
    }
}
