package io.github.remoe.cli;

import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.AdversarialSet;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** Verifies adversarial images that an evaluation has saved. */
@Command(
        name = "verify",
        description = {
            "Verifies what 'evaluate --save-adversarial' has saved: the images lie in the ball around"
                    + " the dataset's and in the pixel range, and the model takes them for the"
                    + " classes that the file tells.",
            "With another model than the evaluation's, it shows how far the images transfer."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class VerifyCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "The .safetensors files.")
    private List<Path> files;

    @Mixin
    private TargetOptions targetOptions;

    @Option(
            names = "--data",
            paramLabel = "PATH|synthetic",
            description = "The dataset that was evaluated on. Default: the run's.")
    private String data;

    @Option(
            names = "--batch-size",
            paramLabel = "N",
            defaultValue = "100",
            description = "Images looked at at a time. Default: ${DEFAULT-VALUE}.")
    private int batchSize;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        boolean unchanged = true;
        try (TargetOptions.Loaded model = targetOptions.load(deviceOption.device())) {
            String name = data != null ? data : model.data();
            if (name == null) {
                throw new ParameterException(
                        spec.commandLine(),
                        "There is no run folder, so name the data with --data.");
            }
            PixelDataset images = Evaluation.testImages(name, model.imageSize(), 0, 0);
            for (Path file : files) {
                unchanged &= verify(file, model, images);
            }
        }
        return unchanged ? 0 : spec.exitCodeOnExecutionException();
    }

    private boolean verify(Path file, TargetOptions.Loaded model, PixelDataset images)
            throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        try (AdversarialSet set = AdversarialSet.load(file, model.model().getNDManager())) {
            AdversarialSet.Verification verification =
                    set.verify(model.target(), images, batchSize);
            out.printf(
                    Locale.ROOT,
                    "%s: %d images within %s %.6g; the model is right on %.2f %% of them; %s%n",
                    file,
                    set.indices().length,
                    set.threatModel().norm(),
                    set.threatModel().epsilon(),
                    100 * verification.accuracy().value(),
                    verification.changed().isEmpty()
                            ? "every prediction is as saved"
                            : verification.changed().size()
                                    + " predictions are not as saved, of the images "
                                    + verification.changed());
            out.flush();
            return verification.changed().isEmpty();
        }
    }
}
