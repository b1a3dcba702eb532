package io.github.remoe.cli;

import picocli.CommandLine.Option;

import java.util.List;

/** The options of an evaluation that {@code train} has too. */
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
            names = "--test-batch-size",
            paramLabel = "N",
            defaultValue = "100",
            description = "Images evaluated at a time; changes no verdict. Default:"
                    + " ${DEFAULT-VALUE}.")
    int batchSize;

    @Option(
            names = "--save-adversarial",
            description = "Save the adversarial images in adversarial as safetensors and npz:"
                    + " 'verify' looks at them again, 'report' shows them.")
    boolean saveAdversarial;
}
