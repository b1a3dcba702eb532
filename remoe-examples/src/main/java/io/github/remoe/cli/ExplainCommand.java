package io.github.remoe.cli;

import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.zoo.ZooModel;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.figure.RegionPanel;
import io.github.remoe.image.RgbImage;
import io.github.remoe.inference.ClassificationTranslator;
import io.github.remoe.report.InspectedImage;
import io.github.remoe.report.Inspector;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** Draws what a network looks at in pictures. */
@Command(
        name = "explain",
        description = {
            "Draws what a network's ReMoE layers look at in pictures, as they are and under attack: the"
                    + " saliency of the patches, the region weights W, which regions top-k switched"
                    + " off, and how far the attack turned W.",
            "For each picture NAME it writes NAME-regions.svg and NAME-regions.png."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class ExplainCommand implements Callable<Integer> {

    private static final String NO_ATTACK = "none";
    private static final int CLASSES_TOLD = 20;

    @Spec
    private CommandSpec spec;

    @Option(names = "--run", paramLabel = "DIR", required = true, description = PredictCommand.RUN)
    private Path run;

    @Option(names = "--weights", paramLabel = "WEIGHTS", description = TargetOptions.WEIGHTS)
    private RunFolder.Weights weights;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description = "The folder for the figures, made if need be. Default: explain in the"
                    + " folder of the network.")
    private Path out;

    @Option(
            names = "--overwrite",
            description = "Replace figures that are there. Without it, none is.")
    private boolean overwrite;

    @Option(
            names = "--label",
            paramLabel = "NAME",
            description =
                    "The true class of the pictures, by which answers are called right or wrong."
                            + " Without it, the attack is against the network's own answer.")
    private String label;

    @Option(
            names = "--attack",
            paramLabel = "NAME",
            defaultValue = "pgd-20",
            description = "An attack, by the names below, or " + NO_ATTACK
                    + ". Default: ${DEFAULT-VALUE}.")
    private String attackName;

    @Mixin
    private ThreatOptions threatOptions;

    @Option(
            names = "--seed",
            defaultValue = "0",
            description = "Seed of the attack's random choices. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Mixin
    private DeviceOption deviceOption;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "JPEG or PNG files.")
    private List<Path> files;

    @Override
    public Integer call() throws Exception {
        if (threatOptions.epsilons().size() > 1) {
            throw new ParameterException(spec.commandLine(), "Pictures are made at one --epsilon.");
        }
        out = out == null ? run.resolve("explain") : out;
        Map<String, Path> figures = figures();
        try (ZooModel<Image, Classifications> model = PredictCommand.criteria(
                        run, weights, deviceOption.device(), Image.class, Classifications.class)
                .build()
                .loadModel()) {
            explain(model, figures);
        }
        return 0;
    }

    /** The names of the figures, each with its picture; what is wrong with the files is told first. */
    private Map<String, Path> figures() throws IOException {
        Map<String, Path> figures = new LinkedHashMap<>();
        for (Path file : files) {
            if (!Files.exists(file)) {
                throw new NoSuchFileException(file.toString());
            }
            String stem = AttackCommand.stem(file.getFileName().toString());
            String name = stem + "-regions";
            for (int number = 2; figures.containsKey(name); number++) {
                name = stem + "-" + number + "-regions";
            }
            figures.put(name, file);
            for (String ending : List.of(".svg", ".png")) {
                Path written = out.resolve(name + ending);
                if (!overwrite && Files.exists(written)) {
                    throw new FileAlreadyExistsException(
                            written.toString(),
                            null,
                            "it exists. Name another folder with --out, or add --overwrite.");
                }
            }
        }
        return figures;
    }

    private void explain(ZooModel<Image, Classifications> model, Map<String, Path> figures)
            throws IOException {
        if (!(model.getBlock() instanceof VisionTransformer vit)
                || !(model.getTranslator() instanceof ClassificationTranslator images)) {
            throw new IOException(run + " holds another network than this library's, or one with a"
                    + " translator of its own, so it is not known where its regions lie.");
        }
        int trueClass = label == null ? Inspector.UNLABELLED : classOf(label, images);
        ThreatModel threat = threatOptions.threatModel();
        Attack attack = attackName.equalsIgnoreCase(NO_ATTACK)
                ? null
                : AttackName.create(attackName, threat, threatOptions.stepSize, vit);
        Files.createDirectories(out);
        try (TargetModel target = new TargetModel(model);
                Inspector inspector = new Inspector(vit, model.getNDManager())) {
            for (Map.Entry<String, Path> figure : figures.entrySet()) {
                try (NDManager manager = model.getNDManager().newSubManager()) {
                    NDArray clean = images.processInput(manager, RgbImage.read(figure.getValue()))
                            .head()
                            .expandDims(0);
                    NDArray attacked =
                            attack == null ? null : perturb(attack, target, clean, trueClass);
                    InspectedImage image = inspector
                            .inspect(clean, attacked, new long[] {trueClass})
                            .get(0);
                    RegionPanel panel = image.regionPanel(
                            figure.getKey(),
                            figure.getValue().getFileName().toString(),
                            images.getClassNames(),
                            clean.get(0),
                            title(threat),
                            attacked == null ? null : attacked.get(0));
                    panel.draw().write(out);
                    print(figure.getValue(), panel, image);
                }
            }
        }
    }

    private static int classOf(String name, ClassificationTranslator images) {
        List<String> names = images.getClassNames();
        int index = names.indexOf(name);
        if (index < 0) {
            throw new IllegalArgumentException(String.format(
                    "There is no class '%s'. The network knows %s%s.",
                    name,
                    names.stream().limit(CLASSES_TOLD).collect(Collectors.joining(", ")),
                    names.size() > CLASSES_TOLD
                            ? " and " + (names.size() - CLASSES_TOLD) + " others, see "
                                    + "synset.txt in its folder"
                            : ""));
        }
        return index;
    }

    private NDArray perturb(Attack attack, TargetModel target, NDArray clean, int trueClass) {
        long[] truth = trueClass == Inspector.UNLABELLED
                ? target.predict(clean).head().argMax(1).toLongArray()
                : new long[] {trueClass};
        NDArray labels = clean.getManager().create(truth);
        return attack.perturb(target, clean, labels, new long[] {seed});
    }

    private String title(ThreatModel threat) {
        return String.format(
                "%s, %s %s",
                attackName.toLowerCase(Locale.ROOT), threat.norm(), threat.epsilonText());
    }

    private void print(Path file, RegionPanel panel, InspectedImage image) {
        PrintWriter printer = spec.commandLine().getOut();
        printer.println(file);
        print(printer, panel.clean());
        if (panel.attacked() != null) {
            print(printer, panel.attacked());
        }
        List<Double> angles = image.angles();
        for (int i = 0; i < angles.size(); i++) {
            printer.printf(
                    Locale.ROOT,
                    "  region weights of layer %d turned by %.1f degrees%n",
                    image.clean().layers().get(i).layer(),
                    angles.get(i));
        }
        if (image.clean().layers().isEmpty()) {
            printer.println("  This network has no ReMoE layers, so there are no regions.");
        }
        printer.printf("  %s and .png%n", out.resolve(panel.name() + ".svg"));
        printer.flush();
    }

    private static void print(PrintWriter printer, RegionPanel.View view) {
        String verdict = view.prediction().verdict().word();
        printer.printf(
                "  %s: %s%s%n",
                view.heading(), view.prediction(), verdict.isEmpty() ? "" : ", " + verdict);
    }
}
