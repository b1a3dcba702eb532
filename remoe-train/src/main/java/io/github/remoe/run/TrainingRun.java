package io.github.remoe.run;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import ai.djl.translate.TranslateException;

import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.RandomCropFlip;
import io.github.remoe.data.ShuffleSampler;
import io.github.remoe.run.RunFolder.Weights;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.CsvLog;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.train.TrainingScheme;
import io.github.remoe.train.WarmUpMilestones;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;

/**
 * Trains one network as a {@link RunConfig} says, and keeps it in a {@link RunFolder}.
 *
 * <p>The parameters are saved after every epoch, and when {@link #stop()} ends the run.
 */
public final class TrainingRun {

    private static final float MILESTONE_FACTOR = 0.1f;

    private final RunConfig config;
    private final RunFolder folder;
    private final Device device;
    private final PixelDataset data;
    private final TrainingScheme scheme;
    private final Optimizer optimizer;
    private AdversarialTraining training;
    private boolean stopped;

    /**
     * Prepares a run; nothing is written yet.
     *
     * @param config the settings
     * @param folder the folder, which must not hold a run yet
     * @param device where to train
     * @throws IOException if the data cannot be read, or the folder holds a run
     * @throws IllegalArgumentException if a setting is wrong or the data has other classes
     */
    public TrainingRun(RunConfig config, RunFolder folder, Device device) throws IOException {
        this.config = config;
        this.folder = folder;
        this.device = device;
        folder.checkFree();
        data = openData();
        scheme = config.createScheme();
        optimizer = createOptimizer();
        if (data.size() < config.batchSize()) {
            throw new IllegalArgumentException(String.format(
                    "A batch of %d needs at least as many images, the data has %d.",
                    config.batchSize(), data.size()));
        }
    }

    private PixelDataset openData() throws IOException {
        int imageSize = Presets.builder(config.model()).build().getImageSize();
        PixelDataset.BaseBuilder<?> builder =
                Datasets.builder(config.data(), Dataset.Usage.TRAIN, imageSize);
        if (config.augment() == RunConfig.AugmentType.CROP_FLIP) {
            builder.optAugmentation(
                    RandomCropFlip.builder().optSeed(config.seed()).build());
        }
        builder.setSampling(
                new BatchSampler(new ShuffleSampler(config.seed()), config.batchSize(), true));
        return Datasets.sample(builder.build(), config.samples(), config.seed());
    }

    /**
     * Returns how many images the whole run trains on, each counted as often as it is seen.
     *
     * @return the images
     */
    public long getImages() {
        return config.epochs() * stepsPerEpoch() * config.batchSize();
    }

    /**
     * Returns the names of the classes.
     *
     * @return the names, in the order of the labels
     */
    public List<String> getClasses() {
        return data.getClasses();
    }

    private RunInfo info() {
        Engine engine = Engine.getInstance();
        return new RunInfo(
                data.getClasses(),
                data.getName(),
                data.getChecksum(),
                data.size(),
                device.toString(),
                Map.of(
                        engine.getEngineName(),
                        engine.getVersion(),
                        "Java",
                        System.getProperty("java.version")));
    }

    private long stepsPerEpoch() {
        return data.size() / config.batchSize();
    }

    /**
     * Trains.
     *
     * @param listeners DJL's or one's own
     * @return the model, to be closed; {@link #isStopped()} says whether it was trained to the end
     * @throws IOException if data cannot be read, or the run's files cannot be written
     * @throws TranslateException if data cannot be converted
     */
    public Model train(TrainingListener... listeners) throws IOException, TranslateException {
        folder.create(config, info());
        Engine.getInstance().setRandomSeed((int) config.seed());
        Model model = Model.newInstance(config.model(), device);
        try {
            train(model, listeners);
        } catch (UncheckedIOException e) {
            model.close();
            throw new IOException(e.getMessage(), e);
        } catch (IOException | TranslateException | RuntimeException e) {
            model.close();
            throw e;
        }
        return model;
    }

    private void train(Model model, TrainingListener... listeners)
            throws IOException, TranslateException {
        VisionTransformer vit = config.createModel(getClasses().size());
        model.setBlock(vit);
        DefaultTrainingConfig trainingConfig = new DefaultTrainingConfig(scheme.getLoss())
                .optDevices(new Device[] {device})
                .optOptimizer(optimizer)
                .addTrainingListeners(new CsvLog(folder.getPath().resolve("log.csv")))
                .addTrainingListeners(new SaveEachEpoch())
                .addTrainingListeners(listeners);
        try (Trainer trainer = model.newTrainer(trainingConfig);
                AdversarialTraining loop = new AdversarialTraining(
                        trainer, scheme, config.clipNorm(), config.seed())) {
            trainer.initialize(vit.inputShape(config.batchSize()));
            synchronized (this) {
                training = loop;
                if (stopped) {
                    loop.stop();
                }
            }
            loop.fit(config.epochs(), data, null);
            if (isStopped()) {
                // The epoch of the last step: divided and rounded up.
                long epoch = (loop.getStep() + stepsPerEpoch() - 1) / stepsPerEpoch();
                folder.saveModel(Weights.LAST, model, Math.toIntExact(epoch));
            }
        }
    }

    private Optimizer createOptimizer() {
        int perEpoch = Math.toIntExact(stepsPerEpoch());
        int[] milestones = config.milestones().stream()
                .mapToInt(epoch -> epoch < 0 ? config.epochs() + epoch : epoch)
                .filter(epoch -> epoch > config.warmUpEpochs())
                .map(epoch -> epoch * perEpoch)
                .toArray();
        Tracker learningRate = new WarmUpMilestones(
                config.learningRate(),
                Math.min(config.warmUpEpochs(), config.epochs()) * perEpoch,
                MILESTONE_FACTOR,
                milestones);
        return switch (config.optimizer()) {
            case SGD ->
                TorchSgd.builder()
                        .setLearningRateTracker(learningRate)
                        .optMomentum(config.momentum())
                        .optWeightDecays(config.weightDecay())
                        .build();
            case ADAMW ->
                Optimizer.adamW()
                        .optLearningRateTracker(learningRate)
                        .optWeightDecays(config.weightDecay())
                        .build();
        };
    }

    /** Ends the run after the step that is running; may be called from any thread. */
    public synchronized void stop() {
        stopped = true;
        if (training != null) {
            training.stop();
        }
    }

    /**
     * Returns whether {@link #stop()} was called.
     *
     * @return true if it was
     */
    public synchronized boolean isStopped() {
        return stopped;
    }

    private final class SaveEachEpoch extends TrainingListenerAdapter {

        private int epoch;

        @Override
        public void onEpoch(Trainer trainer) {
            epoch++;
            try {
                folder.saveModel(Weights.LAST, trainer.getModel(), epoch);
            } catch (IOException e) {
                throw new UncheckedIOException("The model cannot be saved: " + e.getMessage(), e);
            }
        }
    }
}
