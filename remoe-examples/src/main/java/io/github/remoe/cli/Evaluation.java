package io.github.remoe.cli;

import ai.djl.training.dataset.Dataset;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.DenseGate;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.data.Datasets;
import io.github.remoe.data.PixelDataset;
import io.github.remoe.evaluate.Accuracy;
import io.github.remoe.evaluate.Results;
import io.github.remoe.evaluate.RobustEvaluator;
import io.github.remoe.evaluate.Verdicts;
import io.github.remoe.run.RunFolder;
import io.github.remoe.run.ShellCommand;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine.Model.CommandSpec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * An evaluation that the command line has asked for; everything but the model is checked when it is
 * made.
 */
final class Evaluation {

    static final String VERDICTS = "verdicts.csv";
    private static final String STATE = "verdicts.partial.csv";
    private static final String AUTO_ATTACK = "autoattack";

    private final PixelDataset images;
    private final EvaluationOptions options;
    private final ThreatModel threatModel;
    private final List<Float> epsilons;
    private final Float stepSize;
    private final boolean worstCase;
    private final VisionTransformer network;
    private final long seed;
    private final String command;

    /**
     * Plans an evaluation.
     *
     * @param images the images
     * @param options the attacks and how they are run
     * @param threatModel what the attacks may do to an image
     * @param epsilons the radii, ascending
     * @param stepSize the length of a step, or null for the attacks' own
     * @param worstCase whether only the worst case over the attacks is measured
     * @param network the network to be evaluated, trained or not, or null if it is none of ours
     * @param seed what the attacks' random choices come from
     * @param command the command line that makes it
     * @throws IllegalArgumentException if there is no attack of a name, or a setting is out of range
     */
    Evaluation(
            PixelDataset images,
            EvaluationOptions options,
            ThreatModel threatModel,
            List<Float> epsilons,
            Float stepSize,
            boolean worstCase,
            VisionTransformer network,
            long seed,
            String command) {
        this.images = images;
        this.options = options;
        this.threatModel = threatModel;
        this.epsilons = epsilons;
        this.stepSize = stepSize;
        this.worstCase = worstCase;
        this.network = network;
        this.seed = seed;
        this.command = command;
        if (options.batchSize < 1) {
            throw new IllegalArgumentException(
                    "--test-batch-size must be at least 1, got " + options.batchSize + ".");
        }
        for (String name : options.attacks) {
            for (float epsilon : epsilons) {
                AttackName.create(name, threatModel.withEpsilon(epsilon), stepSize, network);
            }
        }
    }

    /**
     * Returns the command line that the program was given, for the records.
     *
     * @param spec the command
     * @return its words as a shell takes them
     */
    static String commandLine(CommandSpec spec) {
        return ShellCommand.of(spec.root().commandLine().getParseResult().originalArgs());
    }

    /**
     * Opens the test images of a dataset.
     *
     * @param data the built-in set, or the path of a dataset
     * @param imageSize the height and width that the model takes
     * @param samples how many of them, chosen at random; 0 means all
     * @param seed what the choice depends on
     * @return the images
     * @throws IOException if there is no such dataset or it cannot be read
     */
    static PixelDataset testImages(String data, int imageSize, int samples, long seed)
            throws IOException {
        PixelDataset all = Datasets.builder(data, Dataset.Usage.TEST, imageSize)
                .setSampling(1, false)
                .build();
        return Datasets.sample(all, samples, seed);
    }

    /**
     * Runs the evaluation, or the rest of it if the folder holds a part, and writes its results.
     *
     * @param model the model, with the names of the images' classes
     * @param folder where verdicts and results are written to
     * @return the results
     * @throws IOException if the folder holds a part of another evaluation, or cannot be written
     */
    Results run(TargetOptions.Loaded model, Path folder) throws IOException {
        Files.createDirectories(folder);
        Path state = folder.resolve(STATE);
        Path adversarial = folder.resolve("adversarial");
        if (options.saveAdversarial && Files.exists(adversarial) && !Files.exists(state)) {
            throw new IOException(String.format(
                    "%s holds the adversarial images of an evaluation that is done. Choose another"
                            + " --out, or delete them.",
                    adversarial));
        }
        long start = System.nanoTime();
        List<String> warnings;
        Verdicts verdicts;
        try (Progress progress = new Progress("evaluate " + folder.getFileName(), images.size())) {
            RobustEvaluator.Builder evaluator = RobustEvaluator.builder(model.target(), threatModel)
                    .optEpsilons(epsilons)
                    .optModelId(model.about().checksum())
                    .optWorstCase(worstCase)
                    .optSeed(seed)
                    .optState(state)
                    .optListener(progress);
            if (options.saveAdversarial) {
                evaluator.optAdversarialFolder(adversarial);
            }
            for (String name : options.attacks) {
                evaluator.addAttack(name.toLowerCase(Locale.ROOT), threat -> attack(name, threat));
            }
            verdicts = evaluator
                    .build()
                    .evaluate(
                            images.getName(),
                            images,
                            model.model().getNDManager(),
                            options.batchSize);
            warnings = progress.warnings();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        Results results = write(verdicts, warnings, model, folder, seconds);
        Files.deleteIfExists(state);
        return results;
    }

    /** For verdicts alone an image is left once it is broken; images to keep are attacked to the end. */
    private Attack attack(String name, ThreatModel threat) {
        Attack attack = AttackName.create(name, threat, stepSize, network);
        return attack instanceof Pgd pgd && !options.saveAdversarial ? pgd.withEarlyStop() : attack;
    }

    private Results write(
            Verdicts verdicts,
            List<String> warnings,
            TargetOptions.Loaded model,
            Path folder,
            double seconds)
            throws IOException {
        verdicts.save(folder.resolve(VERDICTS));
        Results.Builder results = Results.builder(verdicts)
                .optModel(
                        model.about().name(),
                        model.about().remoe(),
                        model.about().parameters(),
                        model.about().macs(),
                        model.about().epoch())
                .optClasses(images.getClasses())
                .optEnvironment(
                        model.model().getNDManager().getEngine(),
                        model.model().getNDManager().getDevice())
                .optWarnings(warnings)
                .optVerdicts(VERDICTS)
                .optCommand(command)
                .optSeconds(seconds);
        Results built = tellAutoAttack(results, verdicts).build();
        new RunFolder(folder).writeResults(built);
        return built;
    }

    /**
     * Tells results whether an attack is standard AutoAttack.
     *
     * @param results the results
     * @param verdicts what they are made of
     * @return the results
     */
    static Results.Builder tellAutoAttack(Results.Builder results, Verdicts verdicts) {
        boolean there = verdicts.settings().attacks().stream()
                .anyMatch(attack -> attack.name().equals(AUTO_ATTACK));
        // RobustBench's figure is one with the model's own gradients.
        boolean own = !verdicts.settings().model().endsWith(DenseGate.CHECKSUM_MARK);
        return there && own ? results.optStandardAutoAttack(AUTO_ATTACK) : results;
    }

    /**
     * Prints what an evaluation came to.
     *
     * @param out where to
     * @param title what was evaluated
     * @param results the results
     */
    static void print(PrintWriter out, String title, Results results) {
        out.printf("%n%s%n", title);
        print(out, "clean", results.clean());
        for (Results.RobustAccuracy robust : results.robust()) {
            print(
                    out,
                    robust.attack() + " "
                            + results.threatModel().at(robust.epsilon()).epsilonText(),
                    robust.accuracy());
            results.robustAfterMember().stream()
                    .filter(after -> after.attack().equals(robust.attack())
                            && after.epsilon() == robust.epsilon())
                    .forEach(after -> print(out, "  after " + after.member(), after.accuracy()));
        }
        if (results.attacks().size() > 1) {
            for (Results.WorstCase worst : results.worstCase()) {
                print(
                        out,
                        "worst case "
                                + results.threatModel().at(worst.epsilon()).epsilonText(),
                        worst.accuracy());
            }
        }
        results.warnings().forEach(warning -> out.printf("Warning: %s%n", warning));
        out.flush();
    }

    private static void print(PrintWriter out, String name, Accuracy accuracy) {
        out.printf(
                Locale.ROOT,
                "  %-24s %6.2f %%  (%d of %d, 95 %% interval %.1f to %.1f %%)%n",
                name,
                100 * accuracy.value(),
                accuracy.correct(),
                accuracy.total(),
                100 * accuracy.lower(),
                100 * accuracy.upper());
    }
}
