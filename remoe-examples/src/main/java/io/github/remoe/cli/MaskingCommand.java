package io.github.remoe.cli;

import ai.djl.ndarray.NDManager;
import ai.djl.training.dataset.Batch;

import io.github.remoe.attack.Square;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.GradientMaskingCheck;
import io.github.remoe.evaluate.MaskingReport;
import io.github.remoe.figure.Figure;
import io.github.remoe.file.AtomicFile;
import io.github.remoe.report.MaskingCharts;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.stream.LongStream;

/** Looks whether a model only seems robust because its gradients mislead attacks. */
@Command(
        name = "masking",
        description = {
            "Looks for gradient masking: whether a model withstands attacks only because its gradients"
                    + " mislead them.",
            "Loss against steps, transfer from a surrogate, black box (Square) against white box,"
                    + " noise against gradients, epsilon grown until accuracy must be 0; a verdict"
                    + " in words, masking.json and three charts, as SVG and PNG."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class MaskingCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Mixin
    private TargetOptions targetOptions;

    @Option(
            names = "--surrogate",
            paramLabel = "DIR",
            description = "The run folder of another model of the same classes, best an undefended"
                    + " one, whose adversarial images are tried on the model.")
    private Path surrogate;

    @Option(
            names = "--data",
            paramLabel = "PATH|synthetic",
            description = "The dataset whose test images are used. Default: the run's.")
    private String data;

    @Option(
            names = "--samples",
            paramLabel = "N",
            defaultValue = "200",
            description = "How many test images, chosen at random by --seed; 0 means all. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int samples;

    @Mixin
    private ThreatOptions threatOptions;

    @Option(
            names = "--queries",
            paramLabel = "N",
            defaultValue = "1000",
            description = "Queries of the black-box attack. Default: ${DEFAULT-VALUE}.")
    private int queries;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "Where the report goes. Default: masking in the run folder.")
    private Path out;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of all random choices. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        if (out == null && targetOptions.run() == null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "There is no run folder, so say with --out where to write.");
        }
        if (threatOptions.epsilons().size() > 1 || threatOptions.stepSize != null) {
            throw new ParameterException(
                    spec.commandLine(), "masking takes one --epsilon and no --step-size.");
        }
        Path folder = out != null ? out : targetOptions.run().resolve("masking");
        ThreatModel threat = threatOptions.threatModel();
        GradientMaskingCheck.Builder check = GradientMaskingCheck.builder(threat)
                .optBlackBox(t -> Square.builder(t).optQueries(queries).build())
                .optSeed(seed);
        try (TargetOptions.Loaded model = targetOptions.load(deviceOption.device())) {
            MaskingReport report;
            if (surrogate == null) {
                report = run(model, check);
            } else {
                RunFolder other = new RunFolder(surrogate);
                RunConfig config = other.readConfig();
                try (TargetOptions.Loaded loaded = TargetOptions.Loaded.of(
                                other.loadModel(deviceOption.device()),
                                config,
                                other.readInfo().classes())
                        .with(model.classes())) {
                    report = run(model, check.optSurrogate(loaded.target()));
                }
            }
            write(report, folder);
        }
        return 0;
    }

    private MaskingReport run(TargetOptions.Loaded model, GradientMaskingCheck.Builder check)
            throws IOException {
        String name = data != null ? data : model.data();
        if (name == null) {
            throw new ParameterException(
                    spec.commandLine(), "There is no run folder, so name the data with --data.");
        }
        PixelDataset images = Evaluation.testImages(name, model.imageSize(), samples, seed);
        model.with(images.getClasses());
        try (NDManager manager = model.model().getNDManager().newSubManager();
                Batch batch = images.getByIndices(
                        manager, LongStream.range(0, images.size()).toArray());
                Progress progress = new Progress("masking", images.size())) {
            return check.optListener(progress)
                    .build()
                    .run(
                            model.target(),
                            batch.getData().singletonOrThrow(),
                            batch.getLabels().singletonOrThrow())
                    .about(
                            model.about().checksum(),
                            images.getChecksum(),
                            Evaluation.commandLine(spec));
        }
    }

    private void write(MaskingReport report, Path folder) throws IOException {
        Files.createDirectories(folder);
        AtomicFile.write(folder.resolve("masking.json"), report.toJson());
        for (Figure chart : MaskingCharts.of(report)) {
            chart.write(folder);
        }
        spec.commandLine().getOut().printf("%n%sReport: %s%n", report.toText(), folder);
        spec.commandLine().getOut().flush();
    }
}
