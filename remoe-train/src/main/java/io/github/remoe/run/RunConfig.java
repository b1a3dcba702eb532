package io.github.remoe.run;

import ai.djl.Model;
import ai.djl.nn.Block;
import ai.djl.training.tracker.Tracker;

import io.github.remoe.ModelSummary;
import io.github.remoe.ReMoE;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.evaluate.Results;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.moe.GateType;
import io.github.remoe.train.FastAt;
import io.github.remoe.train.Mart;
import io.github.remoe.train.Nat;
import io.github.remoe.train.Sat;
import io.github.remoe.train.StatefulOptimizer;
import io.github.remoe.train.TorchAdamW;
import io.github.remoe.train.TorchSgd;
import io.github.remoe.train.Trades;
import io.github.remoe.train.TrainingScheme;
import io.github.remoe.train.WarmUpCosine;
import io.github.remoe.train.WarmUpMilestones;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.ParameterChecksum;
import io.github.remoe.weights.PatchResize;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * All settings of a run: everything that decides how it comes out.
 *
 * <p>A configuration starts from the defaults or from a recipe, and is changed by name. The names are
 * those of the record's components; a YAML file holds the same names, and the command line the same
 * with hyphens ({@code --attack-steps}).
 *
 * <pre>{@code
 * RunConfig config = RunConfig.recipe("cifar10-sat")
 *         .with(Map.of("model", "deit_tiny_patch4_32", "remoe", true, "epochs", 10));
 * }</pre>
 *
 * @param model a name of {@link Presets}
 * @param initialRun the folder of a run whose network training starts from; empty for random weights
 * @param pretrained a file or folder of weights that training starts from, {@link
 *     io.github.remoe.weights.Pretrained}; empty for none
 * @param patchResize how their patch kernel is resized to the model's patch size
 * @param dropPath the drop path rate of the last layer; it rises linearly from 0 at the first
 * @param remoe whether the network has ReMoE blocks
 * @param layers the layers that have one, counted from 1; empty for the defaults
 * @param regions how the patch grid is cut, such as {@code 2x2}
 * @param gate the gate
 * @param topK how many regions of an image stay switched on; 0 for the default
 * @param without the experts that are left out
 * @param bottleneckRatio the hidden width of centre and regional experts over the tokens' width
 * @param centerRatio the side of the centre region over the patch grid's
 * @param lambda1 the coefficient of the centre branch
 * @param lambda2 the coefficient of the regional branch
 * @param data a dataset's name or its folder
 * @param samples how many training images are used; 0 means all
 * @param validation how many of the training images are held out for validation
 * @param augment how training images are changed at random
 * @param mixup alpha of mixup; 0 for none
 * @param cutmix alpha of CutMix; 0 for none
 * @param labelSmoothing how much of the label is spread over all classes
 * @param scheme the training scheme
 * @param regionAdaptive whether L_rob weighs the terms of the loss; ReMoE only
 * @param lambdaAlign the weight of L_align; 0 for none; ReMoE only
 * @param beta the weight of the clean term in L_rob where no region weight moves
 * @param tradesBeta the weight of the robust term in TRADES
 * @param martBeta the weight of the robust term in MART
 * @param epsilon the l-infinity radius of the training attack, in pixel values of [0,1]
 * @param stepSize the length of its steps
 * @param attackSteps the number of its steps
 * @param epochs the passes over the training data
 * @param batchSize the images of a step
 * @param accumulate how many batches make one update
 * @param optimizer the optimizer
 * @param learningRate the learning rate after the warm-up
 * @param schedule how the learning rate falls
 * @param warmUpEpochs the epochs in which the learning rate rises, at most all
 * @param milestones after which epochs the learning rate falls to a tenth; negative ones count from
 *     the end
 * @param minLearningRate what cosine decay ends at
 * @param momentum the momentum of SGD
 * @param weightDecay the weight decay
 * @param decayAll whether weight decay is also on norms, biases and tokens
 * @param clipNorm the global norm that gradients are clipped to
 * @param average the average of the weights that is kept beside them
 * @param emaDecay the decay of the exponential moving average
 * @param swaStart the epoch after which stochastic weight averaging starts; negative counts from the
 *     end
 * @param validateEpochs after how many epochs robust accuracy is measured on the validation images
 * @param validationSteps the steps of PGD in validation
 * @param checkpointSteps after how many steps a checkpoint is written, besides those at the ends of
 *     epochs; 0 for none
 * @param checkpointEpochs after how many epochs a checkpoint is written
 * @param maxSkipped how many updates in a row may be skipped, because the loss or the gradient is not
 *     finite, before the run goes back to its last checkpoint
 * @param seed what initial weights, order, augmentation and attacks come from
 */
public record RunConfig(
        @Setting(
                value = "A preset, with timm's name.",
                byDefault = "vit_micro_patch4_32",
                group = Group.MODEL)
        String model,

        @Setting(
                value = "The folder of a run whose network training starts from; ReMoE blocks are"
                        + " put in without changing what it computes.",
                byDefault = "''",
                group = Group.MODEL,
                path = true)
        String initialRun,

        @Setting(
                value =
                        "Weights that training starts from: a safetensors file under timm's names, a"
                                + " sharded index, or a Hugging Face folder. They are resized to the model,"
                                + " and a head for other classes is replaced.",
                byDefault = "''",
                group = Group.MODEL,
                path = true)
        String pretrained,

        @Setting(
                value = "How their patch kernel is resized: by timm's (FlexiViT's) pseudo-inverse,"
                        + " or like an image.",
                byDefault = "PSEUDO_INVERSE",
                group = Group.MODEL)
        PatchResize patchResize,

        @Setting(
                value = "Drop path rate of the last layer, rising from 0 at the first.",
                byDefault = "0",
                min = 0,
                max = 0.99,
                group = Group.MODEL)
        float dropPath,

        @Setting(
                value = "Put ReMoE blocks into the network.",
                byDefault = "false",
                group = Group.REMOE)
        boolean remoe,

        @Setting(
                value = "Layers with a ReMoE block, counted from 1. Empty: 6,10 of 12 layers, and"
                        + " the same relative places of other depths.",
                byDefault = "[]",
                min = 1,
                group = Group.REMOE)
        List<Integer> layers,

        @Setting(
                value = "How the patch grid is cut, rows x columns.",
                byDefault = "2x2",
                group = Group.REMOE)
        String regions,

        @Setting(value = "The gate.", byDefault = "AEA", group = Group.REMOE)
        GateType gate,

        @Setting(
                value = "Regions that stay switched on in an image; 0: 2, or all if there are"
                        + " fewer.",
                byDefault = "0",
                min = 0,
                group = Group.REMOE)
        int topK,

        @Setting(value = "Experts to leave out.", byDefault = "[]", group = Group.REMOE)
        List<Expert> without,

        @Setting(
                value = "Hidden width of the centre and regional experts, as a fraction of the"
                        + " tokens' width.",
                byDefault = "0.36",
                min = 0,
                above = true,
                group = Group.REMOE)
        float bottleneckRatio,

        @Setting(
                value = "Side of the centre region, as a fraction of the patch grid's.",
                byDefault = "0.5",
                min = 0,
                max = 1,
                above = true,
                group = Group.REMOE)
        float centerRatio,

        @Setting(value = "Coefficient of the centre branch.", byDefault = "1", group = Group.REMOE)
        float lambda1,

        @Setting(
                value = "Coefficient of the regional branch.",
                byDefault = "1",
                group = Group.REMOE)
        float lambda2,

        @Setting(
                value = "A dataset: synthetic, cifar10 (downloaded on first use), or a folder"
                        + " with CIFAR's binary files or with class folders of JPEG or PNG"
                        + " images in train and test or val.",
                byDefault = "cifar10",
                group = Group.DATA,
                path = true)
        String data,

        @Setting(
                value = "Train on N images chosen at random; 0: all.",
                byDefault = "0",
                min = 0,
                group = Group.DATA)
        int samples,

        @Setting(
                value = "Training images held out for validation.",
                byDefault = "0",
                min = 0,
                group = Group.DATA)
        int validation,

        @Setting(
                value = "Random changes of training images: crop after padding by 4 and flip, or"
                        + " crop of random size and flip.",
                byDefault = "CROP_FLIP",
                group = Group.DATA)
        AugmentType augment,

        @Setting(value = "Alpha of mixup; 0: none.", byDefault = "0", min = 0, group = Group.DATA)
        float mixup,

        @Setting(
                value = "Alpha of CutMix; 0: none. With mixup, each step takes one of them.",
                byDefault = "0",
                min = 0,
                group = Group.DATA)
        float cutmix,

        @Setting(
                value = "Share of the label that is spread over all classes.",
                byDefault = "0",
                min = 0,
                max = 0.99,
                group = Group.DATA)
        float labelSmoothing,

        @Setting(
                value = "The training scheme: natural, PGD adversarial training, TRADES, MART, or"
                        + " FGSM with a random start.",
                byDefault = "SAT",
                group = Group.SCHEME)
        SchemeType scheme,

        @Setting(
                value = "Let L_rob weigh the loss by how far attacks move the region weights"
                        + " (ReMoE networks only).",
                byDefault = "true",
                group = Group.SCHEME)
        boolean regionAdaptive,

        @Setting(
                value = "Weight of the region alignment loss; 0: none (ReMoE networks only).",
                byDefault = "1",
                min = 0,
                group = Group.SCHEME)
        float lambdaAlign,

        @Setting(
                value = "Weight of the clean term in L_rob where no region weight moves.",
                byDefault = "0.5",
                min = 0,
                max = 1,
                group = Group.SCHEME)
        float beta,

        @Setting(
                value = "Weight of the robust term in TRADES.",
                byDefault = "6",
                min = 0,
                group = Group.SCHEME)
        float tradesBeta,

        @Setting(
                value = "Weight of the robust term in MART.",
                byDefault = "5",
                min = 0,
                group = Group.SCHEME)
        float martBeta,

        @Setting(
                value = "l-infinity radius of the training attack.",
                byDefault = "8/255",
                min = 0,
                max = 1,
                group = Group.SCHEME)
        float epsilon,

        @Setting(
                value = "Length of its steps; FAST_AT takes one of 1.25 epsilon.",
                byDefault = "2/255",
                min = 0,
                above = true,
                max = 1,
                group = Group.SCHEME)
        float stepSize,

        @Setting(
                value = "Number of its steps, but for FAST_AT.",
                byDefault = "10",
                min = 1,
                group = Group.SCHEME)
        int attackSteps,

        @Setting(
                value = "Passes over the training data.",
                byDefault = "50",
                min = 1,
                group = Group.OPTIMIZATION)
        int epochs,

        @Setting(
                value = "Images of a batch.",
                byDefault = "128",
                min = 1,
                group = Group.OPTIMIZATION)
        int batchSize,

        @Setting(
                value = "Batches whose gradients are averaged into one update.",
                byDefault = "1",
                min = 1,
                group = Group.OPTIMIZATION)
        int accumulate,

        @Setting(value = "The optimizer.", byDefault = "SGD", group = Group.OPTIMIZATION)
        OptimizerType optimizer,

        @Setting(
                value = "Learning rate after the warm-up.",
                byDefault = "0.1",
                min = 0,
                above = true,
                group = Group.OPTIMIZATION,
                alias = "lr")
        float learningRate,

        @Setting(
                value = "How the learning rate falls: to a tenth at each milestone, or by half a"
                        + " cosine.",
                byDefault = "MILESTONES",
                group = Group.OPTIMIZATION)
        ScheduleType schedule,

        @Setting(
                value = "Epochs in which the learning rate rises, at most all.",
                byDefault = "2",
                min = 0,
                group = Group.OPTIMIZATION)
        int warmUpEpochs,

        @Setting(
                value = "After which epochs the learning rate falls to a tenth; negative ones"
                        + " count from the end.",
                byDefault = "[-5, -2]",
                group = Group.OPTIMIZATION)
        List<Integer> milestones,

        @Setting(
                value = "What cosine decay ends at.",
                byDefault = "0",
                min = 0,
                group = Group.OPTIMIZATION)
        float minLearningRate,

        @Setting(
                value = "Momentum of SGD.",
                byDefault = "0.9",
                min = 0,
                max = 0.9999,
                group = Group.OPTIMIZATION)
        float momentum,

        @Setting(value = "Weight decay.", byDefault = "1e-4", min = 0, group = Group.OPTIMIZATION)
        float weightDecay,

        @Setting(
                value = "Weight decay on norms, biases and tokens too.",
                byDefault = "true",
                group = Group.OPTIMIZATION)
        boolean decayAll,

        @Setting(
                value = "Global norm that gradients are clipped to.",
                byDefault = "1",
                min = 0,
                above = true,
                group = Group.OPTIMIZATION)
        float clipNorm,

        @Setting(
                value = "Average of the weights: none, exponential moving average, or stochastic"
                        + " weight averaging.",
                byDefault = "NONE",
                group = Group.AVERAGE)
        AverageType average,

        @Setting(
                value = "Decay of the exponential moving average.",
                byDefault = "0.999",
                min = 0,
                above = true,
                max = 0.999999,
                group = Group.AVERAGE)
        float emaDecay,

        @Setting(
                value = "Epoch after which stochastic weight averaging starts; negative counts"
                        + " from the end.",
                byDefault = "-5",
                group = Group.AVERAGE)
        int swaStart,

        @Setting(
                value = "Epochs between measurements of robust accuracy on the validation images.",
                byDefault = "1",
                min = 1,
                group = Group.RUN)
        int validateEpochs,

        @Setting(
                value = "Steps of PGD in validation.",
                byDefault = "10",
                min = 1,
                group = Group.RUN)
        int validationSteps,

        @Setting(
                value = "Steps, one a batch, between checkpoints; 0: at ends of epochs only.",
                byDefault = "0",
                min = 0,
                group = Group.RUN)
        int checkpointSteps,

        @Setting(value = "Epochs between checkpoints.", byDefault = "1", min = 1, group = Group.RUN)
        int checkpointEpochs,

        @Setting(
                value = "Updates in a row that may be skipped, because loss or gradient is not"
                        + " finite, before the run goes back to its last checkpoint with half the"
                        + " learning rate.",
                byDefault = "5",
                min = 0,
                group = Group.RUN)
        int maxSkipped,

        @Setting(
                value = "What initial weights, order, augmentation and attacks come from.",
                byDefault = "0",
                group = Group.RUN)
        long seed) {

    /** What settings belong to. */
    public enum Group {
        /** The network. */
        MODEL,
        /** Its ReMoE blocks. */
        REMOE,
        /** The images and labels. */
        DATA,
        /** The training scheme and its attack. */
        SCHEME,
        /** Steps, optimizer and learning rate. */
        OPTIMIZATION,
        /** Weight averaging. */
        AVERAGE,
        /** Validation, checkpoints and the seed. */
        RUN
    }

    /** The experts of a ReMoE block. */
    public enum Expert {
        /** The feed-forward network that the block replaces. */
        GLOBAL,
        /** The centre expert. */
        CENTER,
        /** The K regional experts. */
        REGIONAL
    }

    /** The random changes of training images. */
    public enum AugmentType {
        /** None. */
        NONE,
        /** {@link io.github.remoe.data.RandomCropFlip}. */
        CROP_FLIP,
        /** {@link io.github.remoe.data.RandomResizedCrop}. */
        RESIZED_CROP
    }

    /** The training schemes. */
    public enum SchemeType {
        /** Natural training, {@link io.github.remoe.train.Nat}. */
        NAT,
        /** PGD adversarial training, {@link io.github.remoe.train.Sat}. */
        SAT,
        /** {@link io.github.remoe.train.Trades}. */
        TRADES,
        /** {@link io.github.remoe.train.Mart}. */
        MART,
        /** {@link io.github.remoe.train.FastAt}: one step of 1.25 epsilon. */
        FAST_AT
    }

    /** The optimizers. */
    public enum OptimizerType {
        /** The paper's, {@link io.github.remoe.train.TorchSgd}. */
        SGD,
        /** Learns faster in short runs, {@link io.github.remoe.train.TorchAdamW}. */
        ADAMW
    }

    /** How the learning rate falls. */
    public enum ScheduleType {
        /** To a tenth at each milestone, {@link WarmUpMilestones}. */
        MILESTONES,
        /** Half a cosine, {@link WarmUpCosine}. */
        COSINE
    }

    /** The averages of the weights. */
    public enum AverageType {
        /** None. */
        NONE,
        /** Exponential moving average, of every update. */
        EMA,
        /** Stochastic weight averaging, of the ends of epochs. */
        SWA
    }

    private static final float MILESTONE_FACTOR = 0.1f;
    // The step of Wong et al. 2020.
    private static final float FAST_AT_STEP = 1.25f;

    /**
     * Checks what depends on more than one setting.
     *
     * @throws IllegalArgumentException if settings do not fit each other
     */
    public RunConfig {
        require(
                initialRun.isEmpty() || pretrained.isEmpty(),
                "initialRun is %s and pretrained is %s, allowed is one of them: training starts from"
                        + " one network.",
                initialRun,
                pretrained);
        require(
                minLearningRate <= learningRate,
                "minLearningRate is %s, above the learningRate of %s.",
                minLearningRate,
                learningRate);
        require(
                schedule != ScheduleType.COSINE || warmUpEpochs < epochs,
                "warmUpEpochs is %d, allowed with the cosine schedule are fewer than the %d epochs.",
                warmUpEpochs,
                epochs);
        require(
                average != AverageType.SWA || swaStart < epochs,
                "swaStart is %d, allowed are epochs before the last of %d: the average would be empty.",
                swaStart,
                epochs);
        require(
                !milestones.contains(0),
                "milestones holds 0, allowed are epochs from 1, or from -1 for the end.");
        Presets.builder(model);
        RegionCount.parse(regions);
    }

    /**
     * Returns the defaults.
     *
     * @return the defaults of all settings
     */
    public static RunConfig defaults() {
        return Settings.config(new LinkedHashMap<>());
    }

    /**
     * Returns the settings of a recipe.
     *
     * @param name one of {@link Recipes#names()}
     * @return its settings
     * @throws IllegalArgumentException if there is no such recipe
     */
    public static RunConfig recipe(String name) {
        return Settings.config(Recipes.settings(name));
    }

    /**
     * Returns a changed configuration.
     *
     * @param changes new values by the settings' names, each of the setting's type or text as in a YAML
     *     file
     * @return the configuration with these changes
     * @throws IllegalArgumentException if a name is unknown or a value is not allowed; the message says
     *     what is
     */
    public RunConfig with(Map<String, ?> changes) {
        Map<String, Object> values = toMap();
        values.putAll(changes);
        return Settings.config(values);
    }

    /**
     * Returns a configuration changed by a YAML file of settings. The file may name the {@code recipe}
     * to start from, if this configuration is still the defaults'.
     *
     * @param file the file
     * @return the configuration with these changes
     * @throws IOException if the file cannot be read, holds what is no setting, or names a recipe where
     *     another start was chosen
     */
    public RunConfig with(Path file) throws IOException {
        return Settings.read(file, this);
    }

    /**
     * Returns all settings by name, in the order of the components.
     *
     * @return the values, which YAML can hold
     */
    public Map<String, Object> toMap() {
        return Settings.toMap(this);
    }

    /**
     * Returns the settings as YAML.
     *
     * @return one line a setting
     */
    public String toYaml() {
        return Settings.toYaml(this);
    }

    /**
     * Builds the settings of the ReMoE blocks.
     *
     * @return the settings, or null for a plain vision transformer
     */
    public ReMoE createReMoE() {
        if (!remoe) {
            return null;
        }
        RegionCount count = RegionCount.parse(regions);
        return ReMoE.builder()
                .optLayers(layers.toArray(new Integer[0]))
                .optRegions(count.rows(), count.columns())
                .optGate(gate)
                .optTopK(topK)
                .optGlobalExpert(!without.contains(Expert.GLOBAL))
                .optCenterExpert(!without.contains(Expert.CENTER))
                .optRegionalExperts(!without.contains(Expert.REGIONAL))
                .optBottleneckRatio(bottleneckRatio)
                .optCenterRatio(centerRatio)
                .optLambda1(lambda1)
                .optLambda2(lambda2)
                .build();
    }

    /**
     * Tells what results say of a network of these settings.
     *
     * @param model a model whose block is what {@link #createModel} gave, with the weights of a run
     * @return its name, checksum, which routing is a part of, and size
     */
    public Results.Model describe(Model model) {
        VisionTransformer vit = (VisionTransformer) model.getBlock();
        ModelSummary summary = ModelSummary.of(vit);
        String checksum = ParameterChecksum.of(vit);
        return new Results.Model(
                this.model,
                // Routing is no parameter, yet another routing is another model.
                remoe ? checksum + " " + createReMoE() : checksum,
                remoe,
                summary.parameters(),
                summary.macs(),
                Integer.valueOf(model.getProperty("Epoch", "0")));
    }

    /**
     * Builds the network.
     *
     * @param numClasses the number of classes
     * @return the network, not yet initialised
     */
    public VisionTransformer createModel(int numClasses) {
        VisionTransformer vit = Presets.builder(model)
                .optNumClasses(numClasses)
                .optDropPathRate(dropPath)
                .build();
        if (remoe) {
            createReMoE().insertInto(vit);
        }
        return vit;
    }

    /**
     * Builds the training scheme.
     *
     * @return the scheme
     */
    public TrainingScheme createScheme() {
        RegionLosses regions =
                remoe ? new RegionLosses(regionAdaptive, beta, lambdaAlign) : RegionLosses.NONE;
        ThreatModel threat = ThreatModel.linf(epsilon);
        return switch (scheme) {
            case NAT -> new Nat();
            case SAT -> new Sat(Sat.attack(threat, stepSize, attackSteps), regions);
            case TRADES ->
                new Trades(Trades.attack(threat, stepSize, attackSteps), tradesBeta, regions);
            case MART -> new Mart(Mart.attack(threat, stepSize, attackSteps), martBeta, regions);
            case FAST_AT -> new FastAt(FastAt.attack(threat, FAST_AT_STEP * epsilon), regions);
        };
    }

    /**
     * Tells which settings were changed from their defaults without any effect.
     *
     * @return a sentence for each
     */
    public List<String> withoutEffect() {
        Map<String, Object> defaults = defaults().toMap();
        Map<String, String> needs = new LinkedHashMap<>();
        if (!remoe) {
            Settings.all().stream()
                    .filter(setting -> setting.group() == Group.REMOE)
                    .forEach(setting -> needs.put(setting.name(), "remoe"));
        }
        if (!remoe || scheme == SchemeType.NAT) {
            for (String name : List.of("regionAdaptive", "lambdaAlign", "beta")) {
                needs.put(name, "remoe and an adversarial scheme");
            }
        }
        if (pretrained.isEmpty()) {
            needs.put("patchResize", "pretrained weights");
        }
        if (optimizer != OptimizerType.SGD) {
            needs.put("momentum", "SGD");
        }
        if (schedule != ScheduleType.COSINE) {
            needs.put("minLearningRate", "the cosine schedule");
        }
        if (average != AverageType.EMA) {
            needs.put("emaDecay", "the average EMA");
        }
        if (average != AverageType.SWA) {
            needs.put("swaStart", "the average SWA");
        }
        if (validation == 0) {
            needs.put("validateEpochs", "validation images");
            needs.put("validationSteps", "validation images");
        }
        Map<String, Object> values = toMap();
        return needs.entrySet().stream()
                .filter(need -> !values.get(need.getKey()).equals(defaults.get(need.getKey())))
                .map(need -> String.format(
                        "%s has no effect: it needs %s.", need.getKey(), need.getValue()))
                .toList();
    }

    /** The epoch that a number means: negative ones count from the end. */
    int fromStart(int epoch) {
        return epoch < 0 ? epochs + epoch : epoch;
    }

    /**
     * Builds the schedule of the learning rate.
     *
     * @param batchesPerEpoch the batches of an epoch
     * @return the rate by update
     */
    Tracker createSchedule(int batchesPerEpoch) {
        int perEpoch = (batchesPerEpoch + accumulate - 1) / accumulate;
        int warmUp = Math.min(warmUpEpochs, epochs) * perEpoch;
        return switch (schedule) {
            case MILESTONES -> {
                int[] updates = milestones.stream()
                        .mapToInt(this::fromStart)
                        .filter(epoch -> epoch > 0)
                        .map(epoch -> epoch * perEpoch)
                        .toArray();
                yield new WarmUpMilestones(learningRate, warmUp, MILESTONE_FACTOR, updates);
            }
            case COSINE ->
                new WarmUpCosine(learningRate, warmUp, epochs * perEpoch, minLearningRate);
        };
    }

    /**
     * Builds the optimizer.
     *
     * @param rate the learning rate
     * @param block the network, initialised
     * @return the optimizer, before its first update
     */
    StatefulOptimizer createOptimizer(Tracker rate, Block block) {
        return switch (optimizer) {
            case SGD -> {
                TorchSgd.Builder sgd = TorchSgd.builder()
                        .setLearningRateTracker(rate)
                        .optMomentum(momentum)
                        .optWeightDecays(weightDecay);
                yield (decayAll ? sgd : sgd.optDecayWeightsOnly(block)).build();
            }
            case ADAMW -> {
                TorchAdamW.Builder adamW = TorchAdamW.builder()
                        .setLearningRateTracker(rate)
                        .optWeightDecays(weightDecay);
                yield (decayAll ? adamW : adamW.optDecayWeightsOnly(block)).build();
            }
        };
    }

    /** Rows and columns of regions, written 2x2. */
    private record RegionCount(int rows, int columns) {

        static RegionCount parse(String text) {
            String[] parts = text.split("x", -1);
            try {
                RegionCount count =
                        new RegionCount(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
                require(count.rows > 0 && count.columns > 0 && parts.length == 2, "");
                return count;
            } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
                throw new IllegalArgumentException(
                        String.format(
                                "regions is '%s', allowed is ROWSxCOLUMNS, such as 2x2.", text),
                        e);
            }
        }
    }

    private static void require(boolean condition, String message, Object... values) {
        if (!condition) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }
}
