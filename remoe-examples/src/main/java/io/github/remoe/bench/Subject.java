package io.github.remoe.bench;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Parameter;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.Batch;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.Batchifier;
import ai.djl.translate.NoopTranslator;
import ai.djl.translate.TranslateException;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.CifarDataset;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.RandomCropFlip;
import io.github.remoe.data.ShuffleSampler;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.GradientClipping;
import io.github.remoe.train.Sat;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.Pretrained;
import io.github.remoe.weights.SafeTensors;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;

/** What is measured: a network, its inputs, and what works on it as in the library's own programs. */
final class Subject implements AutoCloseable {

    static final ThreatModel THREAT = ThreatModel.linf(8 / 255f);
    static final float STEP_SIZE = 2 / 255f;

    private static final int STEPS = 10;
    // So small that the network stays what it is over many steps.
    private static final float LEARNING_RATE = 1e-4f;
    private static final float MOMENTUM = 0.9f;
    private static final float WEIGHT_DECAY = 1e-4f;
    private static final RegionLosses BOTH = new RegionLosses(true, 0.5f, 1);

    private final Model model;
    private final Path inputs;
    private final NDArray images;
    private final NDArray labels;
    private final Predictor<NDList, NDList> predictor;
    private final TargetModel target;
    private final Map<Boolean, Training> trainings = new HashMap<>();
    private PixelDataset cifar;

    /** One training set-up: the scheme's loss makes the trainer. */
    private record Training(Sat scheme, Trainer trainer, AdversarialTraining loop) {}

    Subject(Requests.Load load, Device device) throws IOException {
        model = Model.newInstance("bench", device);
        VisionTransformer vit = load.network().create();
        vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
        model.setBlock(vit);
        Pretrained.builder().build().load(vit, Path.of(load.weights()));
        inputs = Path.of(load.inputs());
        NDList arrays =
                SafeTensors.load(inputs, manager(), name -> !name.equals(BenchInputs.SHIFTED));
        images = named(arrays, BenchInputs.IMAGES);
        labels = named(arrays, BenchInputs.LABELS);
        predictor = model.newPredictor(new NoopTranslator());
        target = new TargetModel(model);
    }

    private static NDArray named(NDList arrays, String name) {
        return arrays.stream()
                .filter(array -> name.equals(array.getName()))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "The inputs lack '" + name + "': write them anew."));
    }

    NDManager manager() {
        return model.getNDManager();
    }

    /** The network itself, in which a test counts the images that pass. */
    VisionTransformer network() {
        return (VisionTransformer) model.getBlock();
    }

    TargetModel target() {
        return target;
    }

    long size() {
        return images.getShape().get(0);
    }

    /** Copies of some images, their labels and indices, as a dataset hands them out. */
    Batch batch(long from, long to) {
        if (to > size()) {
            throw new IllegalArgumentException(String.format(
                    "The inputs hold %d images, but %d are asked for: write them anew.",
                    size(), to));
        }
        NDManager manager = manager().newSubManager();
        NDIndex rows = new NDIndex("{}:{}", from, to);
        return new Batch(
                manager,
                new NDList(copy(images, rows, manager)),
                new NDList(copy(labels, rows, manager)),
                Math.toIntExact(to - from),
                Batchifier.STACK,
                Batchifier.STACK,
                from,
                size(),
                LongStream.range(from, to).boxed().toList());
    }

    private static NDArray copy(NDArray array, NDIndex rows, NDManager manager) {
        try (NDArray view = array.get(rows)) {
            NDArray copy = view.duplicate();
            copy.attach(manager);
            return copy;
        }
    }

    /** The network's outputs as an application gets them. */
    NDList predict(NDArray batch) throws TranslateException {
        return predictor.predict(new NDList(batch));
    }

    /** CIFAR-10 as training reads it, opened once. */
    PixelDataset cifar(Path folder, int batchSize) throws IOException {
        if (cifar == null) {
            cifar = CifarDataset.builder()
                    .setPath(folder)
                    .optAugmentation(RandomCropFlip.builder().build())
                    .setSampling(new BatchSampler(new ShuffleSampler(0), batchSize))
                    .build();
        }
        return cifar;
    }

    /** Makes a full training step: attack, forward, backward, clip, update. */
    double trainBatch(Batch batch, boolean regionLosses) {
        Trainer trainer = training(regionLosses).trainer();
        training(regionLosses).loop().trainBatch(batch);
        synchronize();
        return trainer.getMetrics().latestMetric("loss").getValue().doubleValue();
    }

    /** Waits for what a GPU has still to do. */
    void synchronize() {
        if (model.getNDManager().getDevice().isGpu()) {
            for (Parameter parameter : model.getBlock().getParameters().values()) {
                try (NDArray last =
                        parameter.getArray().stopGradient().flatten().get("-1:")) {
                    last.toFloatArray();
                }
            }
        }
    }

    private Training training(boolean regionLosses) {
        return trainings.computeIfAbsent(regionLosses, with -> {
            Sat scheme =
                    new Sat(Sat.attack(THREAT, STEP_SIZE, STEPS), with ? BOTH : RegionLosses.NONE);
            Trainer trainer = model.newTrainer(new DefaultTrainingConfig(scheme.getLoss())
                    .optDevices(new Device[] {manager().getDevice()})
                    .optOptimizer(TorchSgd.builder()
                            .setLearningRateTracker(Tracker.fixed(LEARNING_RATE))
                            .optMomentum(MOMENTUM)
                            .optWeightDecays(WEIGHT_DECAY)
                            .build()));
            AdversarialTraining loop =
                    AdversarialTraining.builder(trainer, scheme).optClipNorm(1).build();
            return new Training(scheme, trainer, loop);
        });
    }

    /** Tells logits, region weights, the training loss and its gradient's norm. */
    JsonObject check(Requests.Check check) throws IOException, TranslateException {
        JsonObject answer = new JsonObject();
        try (Batch batch = batch(0, check.batch());
                NDList outputs = predict(batch.getData().head())) {
            boolean remoe = outputs.size() > 1;
            List<JsonArray> regionWeights = new ArrayList<>();
            outputs.subNDList(1).forEach(weights -> regionWeights.add(rows(weights)));
            answer.add("logits", rows(outputs.head()));
            answer.add("regionWeights", Requests.GSON.toJsonTree(regionWeights));
            NDList shifted = SafeTensors.load(
                    inputs, batch.getManager(), name -> name.equals(BenchInputs.SHIFTED));
            NDArray moved =
                    named(shifted, BenchInputs.SHIFTED).get(new NDIndex("0:{}", check.batch()));
            NDList passes = remoe ? new NDList(batch.getData().head(), moved) : new NDList(moved);
            answer.addProperty("loss", backward(passes, batch.getLabels(), remoe));
            Collection<Parameter> parameters = model.getBlock().getParameters().values();
            answer.addProperty(
                    "gradientNorm",
                    GradientClipping.clipGlobalNorm(parameters, Float.POSITIVE_INFINITY));
            for (Parameter parameter : parameters) {
                try (NDArray gradient = parameter.getArray().getGradient()) {
                    gradient.muli(0);
                }
            }
        }
        return answer;
    }

    private float backward(NDList passes, NDList labels, boolean regionLosses) {
        Trainer trainer = training(regionLosses).trainer();
        NDList predictions = new NDList();
        try (GradientCollector collector = trainer.newGradientCollector()) {
            for (NDArray pass : passes) {
                predictions.addAll(trainer.forward(new NDList(pass)));
            }
            NDArray loss = trainer.getLoss().evaluate(labels, predictions);
            collector.backward(loss);
            return loss.getFloat();
        }
    }

    private static JsonArray rows(NDArray matrix) {
        JsonArray rows = new JsonArray();
        int columns = Math.toIntExact(matrix.getShape().get(1));
        float[] values = matrix.toFloatArray();
        for (int i = 0; i < values.length; i++) {
            if (i % columns == 0) {
                rows.add(new JsonArray());
            }
            rows.get(i / columns).getAsJsonArray().add(values[i]);
        }
        return rows;
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        target.close();
        predictor.close();
        trainings.values().forEach(training -> {
            training.loop().close();
            training.trainer().close();
        });
        model.close();
    }
}
