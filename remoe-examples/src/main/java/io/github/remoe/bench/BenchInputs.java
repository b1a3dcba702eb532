package io.github.remoe.bench;

import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.Dataset;

import io.github.remoe.ModelSummary;
import io.github.remoe.ReMoE;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.Pretrained;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * What both sides are given: weights and images in files.
 *
 * <p>A network of random weights knows no classes. So that there is something to break, its labels are
 * its own predictions, but for some images a wrong class, and epsilon is such that about half of the
 * images hold. With given weights and data, labels are the data's and epsilon is 8/255.
 */
final class BenchInputs implements AutoCloseable {

    static final String IMAGES = "images";
    static final String LABELS = "labels";
    static final String SHIFTED = "shifted";

    private static final int DATA_SIDE = 32;
    private static final int PREDICTED_AT_A_TIME = 16;
    private static final float EXPERT_STD = 0.02f;

    // Every 20 images 3, as of a network with 85 % clean accuracy.
    private static final int WRONG_OF = 20;
    private static final int WRONG_FROM = 17;

    private static final int TRIED_IMAGES = 16;
    private static final int TRIED_EPSILONS = 7;
    private static final int TRIED_STEPS = 10;
    private static final float LEAST_EPSILON = 0.01f / 255;
    private static final float LARGEST_EPSILON = 64f / 255;

    private static final int CIFAR_FILES = 5;
    private static final int CIFAR_RECORD = 3073;

    private final BenchPlan plan;
    private final BenchModel benchModel;
    private final Path folder;
    private final Model model;
    private final VisionTransformer vit;
    private final TargetModel target;
    private final Variant plain;
    private final Variant remoe;
    private NDArray images;
    private NDArray labels;
    private Float epsilon;

    /**
     * A network as workers get it.
     *
     * @param network its description
     * @param weights the file of its weights
     * @param macs the multiply-adds that it computes for one image
     */
    record Variant(Network network, Path weights, long macs) {}

    /**
     * Makes the weights.
     *
     * @param plan says where weights and images come from
     * @param benchModel the network
     * @param folder where the files go
     */
    BenchInputs(BenchPlan plan, BenchModel benchModel, Path folder) throws IOException {
        this.plan = plan;
        this.benchModel = benchModel;
        this.folder = folder;
        Engine.getInstance().setRandomSeed((int) plan.seed());
        model = Model.newInstance(benchModel.name(), Worker.device(plan.device()));
        vit = create();
        model.setBlock(vit);
        plain = save(vit, "plain");
        VisionTransformer mixture = create();
        ReMoE.builder().build().insertInto(mixture);
        Pretrained.builder().build().load(mixture, plain.weights());
        fillZeroWeights(mixture);
        remoe = save(mixture, "remoe");
        target = new TargetModel(model);
    }

    private VisionTransformer create() throws IOException {
        VisionTransformer created = Presets.builder(benchModel.preset())
                .optNumClasses(BenchModel.CLASSES)
                .build();
        created.initialize(model.getNDManager(), DataType.FLOAT32, created.inputShape(1));
        if (plan.weights() != null) {
            Pretrained.builder().build().load(created, plan.weights());
        }
        return created;
    }

    /** New experts add nothing, and a check of both sides would not see them. */
    private void fillZeroWeights(VisionTransformer mixture) {
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            mixture.getParameters().forEach(entry -> {
                NDArray values = entry.getValue().getArray().stopGradient();
                boolean weight = entry.getValue().getType() == Parameter.Type.WEIGHT;
                if (weight && values.abs().max().getFloat() == 0) {
                    values.set(
                            new NDIndex("..."),
                            model.getNDManager()
                                    .randomNormal(
                                            0, EXPERT_STD, values.getShape(), DataType.FLOAT32));
                }
            });
        }
    }

    private Variant save(VisionTransformer network, String name) throws IOException {
        Path file = folder.resolve(benchModel.name() + "-" + name + ".safetensors");
        try (NDList tensors = TimmTensors.of(network, model.getNDManager())) {
            SafeTensors.save(file, tensors, Map.of());
        }
        long macs = ModelSummary.of(network).macs() - ModelSummary.unreadMacs(network);
        return new Variant(Network.of(network), file, macs);
    }

    Variant plain() {
        return plain;
    }

    Variant remoe() {
        return remoe;
    }

    /** Writes the first images, so that no worker reads more than it needs. */
    Path file(int size) throws IOException {
        Path file = folder.resolve(benchModel.name() + "-inputs-" + size + ".safetensors");
        if (!Files.exists(file)) {
            ensure(size);
            try (NDManager manager = model.getNDManager().newSubManager()) {
                NDIndex first = new NDIndex("0:{}", size);
                NDArray part = images.get(first);
                part.attach(manager);
                NDArray classes = labels.get(first);
                classes.attach(manager);
                NDArray shifted = shifted(part);
                part.setName(IMAGES);
                classes.setName(LABELS);
                shifted.setName(SHIFTED);
                SafeTensors.save(file, new NDList(part, classes, shifted), Map.of());
            }
        }
        return file;
    }

    /** Moves each pixel up or down by 8/255: for a loss, as good as adversarial images. */
    private NDArray shifted(NDArray part) {
        Random random = new Random(plan.seed());
        float[] moves = new float[Math.toIntExact(part.size())];
        for (int i = 0; i < moves.length; i++) {
            moves[i] = random.nextBoolean() ? 8 / 255f : -8 / 255f;
        }
        return part.add(part.getManager().create(moves, part.getShape())).clip(0, 1);
    }

    /** Returns the radius of the attacks in pixel values. */
    float epsilon() throws IOException {
        if (epsilon == null) {
            epsilon = hasRealLabels() ? Subject.THREAT.epsilon() : epsilonThatBreaksHalf();
        }
        return epsilon;
    }

    private boolean hasRealLabels() {
        return plan.weights() != null && plan.data() != null;
    }

    private float epsilonThatBreaksHalf() throws IOException {
        ensure(TRIED_IMAGES);
        // The first of them are labelled as they are predicted.
        NDIndex first = new NDIndex("0:{}", TRIED_IMAGES);
        double low = LEAST_EPSILON;
        double high = LARGEST_EPSILON;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray some = images.get(first);
            NDArray classes = labels.get(first);
            for (int i = 0; i < TRIED_EPSILONS; i++) {
                double middle = Math.sqrt(low * high);
                NDArray adversarial = Pgd.builder(ThreatModel.linf((float) middle))
                        .optSteps(TRIED_STEPS)
                        .build()
                        .perturb(
                                target,
                                some,
                                classes,
                                LongStream.range(0, TRIED_IMAGES).toArray());
                float holding = target.predict(adversarial)
                        .head()
                        .argMax(1)
                        .eq(classes)
                        .toType(DataType.FLOAT32, false)
                        .mean()
                        .getFloat();
                if (holding > 0.5) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
        }
        return (float) Math.sqrt(low * high);
    }

    /** Makes at least so many images and their labels. */
    private void ensure(int size) throws IOException {
        if (images != null && images.getShape().get(0) >= size) {
            return;
        }
        if (images != null) {
            images.close();
            labels.close();
        }
        PixelDataset dataset = Datasets.builder(
                        plan.data() == null ? Datasets.SYNTHETIC : plan.data().toString(),
                        Dataset.Usage.TEST,
                        DATA_SIDE)
                .setSampling(1, false)
                .build();
        long[] positions =
                IntStream.range(0, size).mapToLong(i -> i % dataset.size()).toArray();
        try (Batch batch = dataset.getByIndices(model.getNDManager().newSubManager(), positions)) {
            int side = vit.getImageSize();
            float[] pixels = resized(batch.getData().head().toFloatArray(), side);
            images = model.getNDManager().create(pixels, new Shape(size, 3, side, side));
            long[] classes = hasRealLabels()
                    ? batch.getLabels().head().toType(DataType.INT64, false).toLongArray()
                    : predictions(size);
            labels = model.getNDManager().create(classes);
        }
    }

    /** The nearest pixels: how fast a network is does not depend on what it sees. */
    private static float[] resized(float[] planes, int side) {
        if (side == DATA_SIDE) {
            return planes;
        }
        int count = planes.length / (DATA_SIDE * DATA_SIDE);
        float[] resized = new float[count * side * side];
        for (int i = 0; i < resized.length; i++) {
            int plane = i / (side * side);
            int row = i / side % side * DATA_SIDE / side;
            int column = i % side * DATA_SIDE / side;
            resized[i] = planes[(plane * DATA_SIDE + row) * DATA_SIDE + column];
        }
        return resized;
    }

    private long[] predictions(int size) {
        long[] classes = new long[size];
        for (int from = 0; from < size; from += PREDICTED_AT_A_TIME) {
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                int to = Math.min(size, from + PREDICTED_AT_A_TIME);
                long[] predicted = target.predict(images.get(new NDIndex("{}:{}", from, to)))
                        .head()
                        .argMax(1)
                        .toLongArray();
                System.arraycopy(predicted, 0, classes, from, predicted.length);
            }
        }
        for (int i = 0; i < size; i++) {
            if (i % WRONG_OF >= WRONG_FROM) {
                classes[i] = (classes[i] + 1) % BenchModel.CLASSES;
            }
        }
        return classes;
    }

    /** The folder of CIFAR-10: the given one, or random images in the same files. */
    static Path cifar(BenchPlan plan, Path folder, int recordsPerFile) throws IOException {
        if (plan.data() != null) {
            return plan.data();
        }
        Random random = new Random(plan.seed());
        for (int file = 1; file <= CIFAR_FILES; file++) {
            byte[] records = new byte[recordsPerFile * CIFAR_RECORD];
            random.nextBytes(records);
            for (int i = 0; i < records.length; i += CIFAR_RECORD) {
                records[i] = (byte) (i / CIFAR_RECORD % BenchModel.CLASSES);
            }
            Files.write(folder.resolve("data_batch_" + file + ".bin"), records);
        }
        return folder;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        target.close();
        model.close();
    }
}
