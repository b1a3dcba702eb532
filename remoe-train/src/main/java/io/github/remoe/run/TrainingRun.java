package io.github.remoe.run;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.TrainingDivergedException;
import ai.djl.engine.Engine;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.Block;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.Trainer;
import ai.djl.training.dataset.BatchSampler;
import ai.djl.training.dataset.Dataset;
import ai.djl.training.listener.TrainingListener;
import ai.djl.translate.TranslateException;

import io.github.remoe.ReMoE;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.ImageFolderDataset;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.data.RandomCropFlip;
import io.github.remoe.data.RandomResizedCrop;
import io.github.remoe.data.ShuffleSampler;
import io.github.remoe.metrics.CsvMetrics;
import io.github.remoe.metrics.TensorBoardMetrics;
import io.github.remoe.metrics.TrainingMetrics;
import io.github.remoe.run.Checkpoint.Progress;
import io.github.remoe.train.AdversarialTraining;
import io.github.remoe.train.DataParallel;
import io.github.remoe.train.Mixup;
import io.github.remoe.train.StatefulOptimizer;
import io.github.remoe.train.TrainingScheme;
import io.github.remoe.train.WeightAverage;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.LoadReport;
import io.github.remoe.weights.Pretrained;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.Closeable;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;

/**
 * Trains one network as a {@link RunConfig} says, and keeps it in a {@link RunFolder}.
 *
 * <p>Checkpoints hold all that the next step depends on. A run that was ended in any way, {@link
 * #stop()}, an error or a lost process, goes on from the last with {@link #resume}, and comes to the
 * same parameters bit for bit on one CPU device with the same number of threads.
 *
 * <p>After more updates in a row that had to be skipped than the settings allow, the run goes back to
 * its last checkpoint and on with half the learning rate; after three times from the same checkpoint
 * it gives up.
 */
public final class TrainingRun {

    private static final Logger LOG = LoggerFactory.getLogger(TrainingRun.class);

    private static final int RETREATS = 3;
    private static final float LEAST_RATE_FACTOR = 1f / 1024;
    // Like timm, which gives up after as many.
    private static final int MAX_UNREADABLE = 50;

    private final RunConfig config;
    private final RunFolder folder;
    private final List<Device> devices;
    private final boolean resumed;
    private final PixelDataset training;
    private final PixelDataset validation;
    private final TrainingScheme scheme;
    private final Checkpoint checkpoint;
    private final boolean begun;
    private final Progress start;
    private LoadReport pretrained;
    private AdversarialTraining loop;
    private SaveRunListener saver;
    private boolean stopped;
    private boolean finished;

    /**
     * Prepares a new run; nothing is written yet.
     *
     * @param config the settings
     * @param folder the folder, which must not hold a run yet
     * @param devices where to train; batches are split over several
     * @throws IOException if the data cannot be read, or the folder holds a run
     * @throws IllegalArgumentException if a setting is wrong
     */
    public TrainingRun(RunConfig config, RunFolder folder, Device... devices) throws IOException {
        this(config, folder, false, devices);
        folder.checkFree();
    }

    /**
     * Prepares to go on with a run.
     *
     * @param folder its folder
     * @param devices where to train; for the same parameters to the bit, the run's own
     * @return the run
     * @throws IOException if there is no run, its data cannot be read or has changed, or its checkpoint
     *     cannot be read
     */
    public static TrainingRun resume(RunFolder folder, Device... devices) throws IOException {
        TrainingRun run = new TrainingRun(folder.readConfig(), folder, true, devices);
        RunInfo before = folder.readInfo();
        RunInfo now = run.info();
        if (!now.dataChecksum().equals(before.dataChecksum()) || now.images() != before.images()) {
            throw new IOException(String.format(
                    "The data of the run in %s has changed: it was %s with %d images and checksum %s,"
                            + " now %s has %d and %s. Bring back the data, or start a new run.",
                    folder.getPath(),
                    before.dataset(),
                    before.images(),
                    before.dataChecksum(),
                    now.dataset(),
                    now.images(),
                    now.dataChecksum()));
        }
        if (!now.device().equals(before.device()) || !now.versions().equals(before.versions())) {
            LOG.warn(
                    "The run in {} was made on {} with {}, and goes on on {} with {}: it will not come"
                            + " to the same bits.",
                    folder.getPath(),
                    before.device(),
                    before.versions(),
                    now.device(),
                    now.versions());
        }
        return run;
    }

    private TrainingRun(RunConfig config, RunFolder folder, boolean resumed, Device... devices)
            throws IOException {
        if (devices.length == 0) {
            throw new IllegalArgumentException("Name the device to train on.");
        }
        this.config = config;
        this.folder = folder;
        this.resumed = resumed;
        this.devices = List.of(devices);
        checkpoint = new Checkpoint(folder.getPath().resolve("checkpoint.safetensors"));
        // A run that was killed before its first checkpoint has one to write still.
        begun = resumed && checkpoint.exists();
        start = begun ? checkpoint.readProgress() : Progress.START;
        PixelDataset all = openData();
        if (config.validation() >= all.size()) {
            throw new IllegalArgumentException(String.format(
                    "validation is %d, but there are only %d training images: lower validation,"
                            + " or turn it off with 0.",
                    config.validation(), all.size()));
        }
        if (config.validation() > 0) {
            Datasets.Split split = Datasets.split(all, config.validation(), config.seed());
            training = Datasets.sample(split.train(), config.samples(), config.seed());
            validation = split.validation();
        } else {
            training = Datasets.sample(all, config.samples(), config.seed());
            validation = null;
        }
        if (training.size() < config.batchSize()) {
            throw new IllegalArgumentException(String.format(
                    "batchSize is %d, but there are only %d training images%s: lower"
                            + " batchSize to that or less.",
                    config.batchSize(),
                    training.size(),
                    validation == null
                            ? ""
                            : " besides the " + validation.size() + " of validation"));
        }
        scheme = config.createScheme();
        if (!begun) {
            checkStart();
        }
    }

    /** What the first weights come from is looked for before the long work, not in it. */
    private void checkStart() throws IOException {
        if (!config.pretrained().isEmpty() && !Files.exists(Path.of(config.pretrained()))) {
            throw new FileNotFoundException(String.format(
                    "pretrained is '%s', which does not exist: name a safetensors file, its index, or"
                            + " the folder that holds them.",
                    config.pretrained()));
        }
        if (!config.initialRun().isEmpty()) {
            RunFolder initial = new RunFolder(Path.of(config.initialRun()));
            RunConfig other = initial.readConfig();
            if (!other.model().equals(config.model())
                    || !initial.readInfo().classes().equals(getClasses())
                    || other.remoe() && !other.createReMoE().equals(config.createReMoE())) {
                throw new IllegalArgumentException(String.format(
                        "initialRun is %s, whose network is another: the same model and classes, and no"
                                + " or the same ReMoE blocks are needed.",
                        config.initialRun()));
            }
        }
    }

    private PixelDataset openData() throws IOException {
        int imageSize = Presets.builder(config.model()).build().getImageSize();
        PixelDataset.BaseBuilder<?> builder =
                Datasets.builder(config.data(), Dataset.Usage.TRAIN, imageSize);
        builder.optAugmentation(
                switch (config.augment()) {
                    case NONE -> null;
                    case CROP_FLIP ->
                        RandomCropFlip.builder().optSeed(config.seed()).build();
                    case RESIZED_CROP ->
                        RandomResizedCrop.builder().optSeed(config.seed()).build();
                });
        builder.optMaxUnreadable(MAX_UNREADABLE);
        builder.setSampling(
                new BatchSampler(new ShuffleSampler(config.seed()), config.batchSize(), true));
        PixelDataset all = builder.build();
        if (all instanceof ImageFolderDataset images && !images.isSplit()) {
            throw new IllegalArgumentException(String.format(
                    "data is %s, whose class folders are not split: training would use its test"
                            + " images. Move those to train on to %s, and others to test or val beside"
                            + " train.",
                    config.data(), Path.of(config.data(), "train", "CLASS")));
        }
        return all;
    }

    /**
     * Returns how many images the whole run trains on, each counted as often as it is seen.
     *
     * @return the images
     */
    public long getImages() {
        return (long) config.epochs() * batchesPerEpoch() * config.batchSize();
    }

    /**
     * Returns how many of them were trained on before the run goes on.
     *
     * @return the images; 0 for a new run
     */
    public long getImagesDone() {
        return start.step() * config.batchSize();
    }

    /**
     * Returns the names of the classes.
     *
     * @return the names, in the order of the labels
     */
    public List<String> getClasses() {
        return training.getClasses();
    }

    /**
     * Returns the settings.
     *
     * @return the settings
     */
    public RunConfig getConfig() {
        return config;
    }

    private int batchesPerEpoch() {
        return Math.toIntExact(training.size() / config.batchSize());
    }

    private RunInfo info() {
        Engine engine = Engine.getInstance();
        return new RunInfo(
                training.getClasses(),
                training.getName(),
                training.getChecksum(),
                training.size(),
                devices.toString(),
                new TreeMap<>(Map.of(
                        "processors",
                        String.valueOf(Runtime.getRuntime().availableProcessors()),
                        "DJL",
                        Engine.getDjlVersion(),
                        engine.getEngineName(),
                        engine.getVersion(),
                        "Java",
                        System.getProperty("java.version"),
                        "system",
                        System.getProperty("os.name") + " " + System.getProperty("os.arch"))),
                pretrained);
    }

    /**
     * Trains.
     *
     * @param listeners DJL's or one's own
     * @return the model with its last weights, to be closed; {@link #isStopped()} says whether it was
     *     trained to the end
     * @throws IOException if data cannot be read, or the run's files cannot be written; what was
     *     trained up to the last checkpoint is kept
     * @throws TranslateException if data cannot be converted
     * @throws TrainingDivergedException if going back to the checkpoint does not help
     */
    public Model train(TrainingListener... listeners) throws IOException, TranslateException {
        for (String message : config.withoutEffect()) {
            LOG.warn(message);
        }
        Engine.getInstance().setRandomSeed((int) config.seed());
        Model model = createModel();
        try {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            if (!begun && !config.pretrained().isEmpty()) {
                pretrained = Pretrained.builder()
                        .optPatchResize(config.patchResize())
                        .build()
                        .load(vit, Path.of(config.pretrained()));
                pretrained.summary().forEach(LOG::info);
            }
            if (!resumed) {
                folder.create(withAbsolutePaths(config), info());
            }
            if (devices.size() > 1) {
                model.setBlock(new DataParallel(vit, devices));
            }
            try (Closeable lock = folder.lock()) {
                train(model, vit, listeners);
            }
            model.setBlock(vit);
            return model;
        } catch (UncheckedIOException e) {
            model.close();
            throw new IOException(e.getMessage(), e);
        } catch (IOException | TranslateException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** A run may be gone on with from another folder than it was started in. */
    private static RunConfig withAbsolutePaths(RunConfig config) {
        Map<String, Object> paths = new HashMap<>();
        config.toMap().forEach((name, value) -> {
            if (Settings.paths().contains(name)
                    && !value.equals("")
                    && Files.exists(Path.of((String) value))) {
                paths.put(
                        name,
                        Path.of((String) value).toAbsolutePath().normalize().toString());
            }
        });
        return config.with(paths);
    }

    /** A network with its first weights: random, or those of another run. */
    private Model createModel() throws IOException {
        ReMoE remoe = config.createReMoE();
        if (begun || config.initialRun().isEmpty()) {
            Model model = Model.newInstance(config.model(), devices.get(0));
            VisionTransformer vit = config.createModel(getClasses().size());
            vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
            model.setBlock(vit);
            return model;
        }
        RunFolder initial = new RunFolder(Path.of(config.initialRun()));
        boolean initialRemoe = initial.readConfig().remoe();
        VisionTransformer vit = config.with(Map.of("remoe", initialRemoe))
                .createModel(getClasses().size());
        Model model = initial.loadModel(devices.get(0), vit);
        if (remoe != null && !initialRemoe) {
            remoe.insertInto(vit);
        }
        return model;
    }

    private void train(Model model, VisionTransformer vit, TrainingListener... listeners)
            throws IOException, TranslateException {
        LearningRate rate = new LearningRate(config.createSchedule(batchesPerEpoch()));
        Progress from = start;
        if (!begun) {
            try (WeightAverage average = createAverage(vit)) {
                checkpoint.save(vit, config.createOptimizer(rate, vit), average, from);
            }
        }
        int threads = Math.max(2, Runtime.getRuntime().availableProcessors() / 2);
        ExecutorService readers = Datasets.readingThreads(threads);
        StatefulOptimizer optimizer = config.createOptimizer(rate, vit);
        try {
            while (true) {
                try (WeightAverage average = createAverage(vit)) {
                    train(model, vit, from, rate, optimizer, average, readers, listeners);
                    return;
                } catch (TrainingDivergedException e) {
                    from = checkpoint
                            .readProgress()
                            .backWith(from.rateFactor() / 2, saver.getBest());
                    if (from.retreats() > RETREATS || from.rateFactor() < LEAST_RATE_FACTOR) {
                        throw e;
                    }
                    LOG.warn(
                            "{} Going back to the checkpoint of step {}, with {} times the learning"
                                    + " rate.",
                            e.getMessage(),
                            from.step(),
                            from.rateFactor());
                }
            }
        } finally {
            readers.shutdownNow();
        }
    }

    private void train(
            Model model,
            VisionTransformer vit,
            Progress from,
            LearningRate rate,
            StatefulOptimizer optimizer,
            WeightAverage average,
            ExecutorService readers,
            TrainingListener... listeners)
            throws IOException, TranslateException {
        checkpoint.load(vit, optimizer, average);
        rate.setFactor(from.rateFactor());
        DefaultTrainingConfig trainingConfig = new DefaultTrainingConfig(scheme.getLoss())
                .optDevices(new Device[] {devices.get(0)})
                .optOptimizer(optimizer)
                .optExecutorService(readers);
        saver = new SaveRunListener(config, folder, checkpoint, vit, optimizer, average, from);
        trainingConfig
                .addTrainingListeners(rate)
                .addTrainingListeners(new TrainingMetrics(
                        scheme.predictsClean(), scheme.predictsAdversarial(), true))
                .addTrainingListeners(
                        new CsvMetrics(folder.getPath()),
                        new TensorBoardMetrics(folder.getPath().resolve("tensorboard")))
                .addTrainingListeners(listeners)
                .addTrainingListeners(saver);
        try (Trainer trainer = model.newTrainer(trainingConfig);
                AdversarialTraining adversarial = createLoop(trainer, average)) {
            adversarial.setPosition(
                    from.step(), from.epoch(), from.batchesOfEpoch(), from.skipped());
            training.setPosition(from.epoch(), from.batchesOfEpoch());
            saver.setLoop(adversarial);
            if (from.retreats() > 0) {
                // Whoever resumes from here is not to find the old rate.
                saver.checkpoint(from);
            }
            synchronized (this) {
                loop = adversarial;
                if (stopped) {
                    loop.stop();
                }
            }
            adversarial.fit(config.epochs(), training, validation);
            synchronized (this) {
                finished = adversarial.getEpoch() == config.epochs();
            }
            if (!finished) {
                saver.save(trainer.getModel());
            }
        }
    }

    private AdversarialTraining createLoop(Trainer trainer, WeightAverage average) {
        AdversarialTraining.Builder builder = AdversarialTraining.builder(trainer, scheme)
                .optSeed(config.seed())
                .optClipNorm(config.clipNorm())
                .optAccumulate(config.accumulate())
                .optMaxSkipped(config.maxSkipped())
                .optValidateEpochs(config.validateEpochs())
                .optOnEpochTrained(saver::onEpochTrained)
                .optValidationAttack(Pgd.builder(ThreatModel.linf(config.epsilon()))
                        .optSteps(config.validationSteps())
                        .build());
        int classes = getClasses().size();
        if (config.mixup() > 0 || config.cutmix() > 0) {
            builder.optMixup(
                    new Mixup(config.mixup(), config.cutmix(), classes, config.labelSmoothing()));
        } else {
            builder.optLabelSmoothing(config.labelSmoothing(), classes);
        }
        switch (config.average()) {
            case EMA -> builder.optAverage(average);
            case SWA -> builder.optEpochAverage(average, config.fromStart(config.swaStart()));
            default -> {}
        }
        return builder.build();
    }

    private WeightAverage createAverage(Block block) {
        return switch (config.average()) {
            case NONE -> null;
            case EMA -> WeightAverage.exponential(block, config.emaDecay(), true);
            case SWA -> WeightAverage.equal(block);
        };
    }

    /** Ends the run after the step that is running; may be called from any thread. */
    public synchronized void stop() {
        stopped = true;
        if (loop != null) {
            loop.stop();
        }
    }

    /**
     * Returns whether {@link #stop()} has ended the run before its last epoch was over.
     *
     * @return true if there is something to go on with
     */
    public synchronized boolean isStopped() {
        return stopped && !finished;
    }
}
