package io.github.remoe.cli;

import ai.djl.training.dataset.Dataset;
import ai.djl.translate.TranslateException;

import io.github.remoe.ReMoE;
import io.github.remoe.data.Datasets;
import io.github.remoe.report.Results;
import io.github.remoe.train.RunConfig;
import io.github.remoe.train.RunConfig.OptimizerType;
import io.github.remoe.train.RunConfig.SchemeType;
import io.github.remoe.train.RunFolder;
import io.github.remoe.vit.Presets;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** Trains a network and evaluates it. */
@Command(
        name = "train",
        description =
                "Trains a network, adversarially by default, and leaves it in a run folder with its"
                        + " settings, log and results. Defaults are the paper's CIFAR"
                        + " settings, started from random weights.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class TrainCommand implements Callable<Integer> {

    // What shells report of a program that Ctrl-C ended.
    static final int EXIT_INTERRUPTED = 130;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions modelOptions;

    @Option(
            names = "--data",
            paramLabel = "PATH|synthetic",
            required = true,
            description = "The built-in set, a folder of CIFAR's binary files, or a folder of class"
                    + " folders of JPEG or PNG images, in train and test.")
    private String data;

    @Option(names = "--out", paramLabel = "DIR", required = true, description = "The run folder.")
    private Path out;

    @Option(
            names = "--samples",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Train on N images chosen at random; 0 means all. Default: ${DEFAULT-VALUE}.")
    private int samples;

    @Option(
            names = "--no-augment",
            description = "Do not crop (padding 4) and flip training images at random.")
    private boolean noAugment;

    @Option(
            names = "--scheme",
            defaultValue = "SAT",
            paramLabel = "SCHEME",
            description =
                    "${COMPLETION-CANDIDATES}: natural or PGD adversarial training. Default: ${DEFAULT-VALUE}.")
    private SchemeType scheme;

    @Option(
            names = "--no-region-losses",
            description = "Train a ReMoE network with plain cross-entropy.")
    private boolean noRegionLosses;

    @Option(
            names = "--beta",
            defaultValue = "0.5",
            description =
                    "Weight of the clean term in the region-adaptive loss. Default: ${DEFAULT-VALUE}.")
    private float beta;

    @Option(
            names = "--lambda-align",
            defaultValue = "1",
            description = "Weight of the region alignment loss. Default: ${DEFAULT-VALUE}.")
    private float lambdaAlign;

    @Option(
            names = "--epsilon",
            defaultValue = "8/255",
            converter = PixelValue.class,
            description = "l-infinity radius of the attacks. Default: ${DEFAULT-VALUE}.")
    private float epsilon;

    @Option(
            names = "--step-size",
            defaultValue = "2/255",
            converter = PixelValue.class,
            description = "Step size of PGD. Default: ${DEFAULT-VALUE}.")
    private float stepSize;

    @Option(
            names = "--attack-steps",
            defaultValue = "10",
            description = "PGD steps of the training attack. Default: ${DEFAULT-VALUE}.")
    private int attackSteps;

    @Option(
            names = "--epochs",
            defaultValue = "50",
            description = "Passes over the data. Default: ${DEFAULT-VALUE}.")
    private int epochs;

    @Option(
            names = "--warm-up-epochs",
            defaultValue = "2",
            description = "Epochs in which the learning rate rises. Default: ${DEFAULT-VALUE}.")
    private int warmUpEpochs;

    @Option(
            names = "--milestones",
            split = ",",
            paramLabel = "EPOCH",
            description =
                    "After which epochs the learning rate falls to a tenth. Default: 5 and 2 epochs"
                            + " before the end, if the warm-up is over by then.")
    private List<Integer> milestones;

    @Option(
            names = "--batch-size",
            defaultValue = "128",
            description = "Images of a step. Default: ${DEFAULT-VALUE}.")
    private int batchSize;

    @Option(
            names = "--optimizer",
            defaultValue = "SGD",
            paramLabel = "OPTIMIZER",
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private OptimizerType optimizer;

    @Option(
            names = "--lr",
            defaultValue = "0.1",
            description = "Learning rate after the warm-up. Default: ${DEFAULT-VALUE}.")
    private float learningRate;

    @Option(
            names = "--momentum",
            defaultValue = "0.9",
            description = "Momentum of SGD. Default: ${DEFAULT-VALUE}.")
    private float momentum;

    @Option(
            names = "--weight-decay",
            defaultValue = "1e-4",
            description = "Weight decay. Default: ${DEFAULT-VALUE}.")
    private float weightDecay;

    @Option(
            names = "--clip-norm",
            defaultValue = "1",
            description = "Global norm that gradients are clipped to. Default: ${DEFAULT-VALUE}.")
    private float clipNorm;

    @Mixin
    private DeviceOption deviceOption;

    @Option(
            names = "--test-samples",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Evaluate on N test images, chosen at random by --seed; 0 means all."
                    + " Default: ${DEFAULT-VALUE}.")
    private int testSamples;

    @Mixin
    private EvaluationOptions evaluationOptions;

    @Override
    public Integer call() throws IOException, TranslateException {
        RunConfig config = config();
        RunFolder folder = new RunFolder(out);
        Optional<Results> results = Runs.train(
                spec, config, folder, deviceOption.device(), evaluationOptions, testSamples);
        return results.isPresent() ? 0 : EXIT_INTERRUPTED;
    }

    private RunConfig config() throws IOException {
        ReMoE remoe = modelOptions.remoe();
        int imageSize = Presets.builder(modelOptions.model).build().getImageSize();
        List<String> classes = Datasets.builder(data, Dataset.Usage.TRAIN, imageSize)
                .setSampling(1, false)
                .build()
                .getClasses();
        return new RunConfig(
                modelOptions.model,
                classes,
                remoe,
                data,
                samples,
                !noAugment,
                scheme,
                remoe != null && scheme == SchemeType.SAT && !noRegionLosses,
                beta,
                lambdaAlign,
                epsilon,
                stepSize,
                attackSteps,
                epochs,
                Math.min(warmUpEpochs, epochs),
                batchSize,
                optimizer,
                learningRate,
                momentum,
                weightDecay,
                clipNorm,
                milestones != null ? milestones : defaultMilestones(),
                evaluationOptions.seed);
    }

    private List<Integer> defaultMilestones() {
        return Stream.of(epochs - 5, epochs - 2)
                .filter(epoch -> epoch > warmUpEpochs)
                .toList();
    }
}
