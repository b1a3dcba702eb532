package io.github.remoe.cli;

import picocli.CommandLine.Option;

import java.util.List;

/** The options of an evaluation. */
final class EvaluationOptions {

    @Option(
            names = "--attack",
            split = ",",
            paramLabel = "NAME",
            defaultValue = "fgsm,pgd-20",
            description =
                    "Attacks to evaluate under, by the names below. Default: ${DEFAULT-VALUE}.")
    List<String> attacks;

    @Option(
            names = "--epsilon",
            defaultValue = "8/255",
            converter = PixelValue.class,
            description = "l-infinity radius of the attacks. Default: ${DEFAULT-VALUE}.")
    float epsilon;

    @Option(
            names = "--step-size",
            defaultValue = "2/255",
            converter = PixelValue.class,
            description = "Step size of PGD. Default: ${DEFAULT-VALUE}.")
    float stepSize;

    /** Not an option here: {@code train} has samples of two kinds, so it needs another name there. */
    int samples;

    @Option(
            names = "--test-batch-size",
            paramLabel = "N",
            defaultValue = "100",
            description = "Images evaluated at a time. Default: ${DEFAULT-VALUE}.")
    int batchSize;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of all random choices. Default: ${DEFAULT-VALUE}.")
    long seed;
}
