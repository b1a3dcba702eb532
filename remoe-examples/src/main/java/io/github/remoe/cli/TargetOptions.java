package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.SequentialBlock;

import io.github.remoe.attack.DenseGate;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.autograd.Constants;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.Sha256;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The options that say which trained model is attacked: one of our runs, or a TorchScript file. */
final class TargetOptions {

    /** What {@code --weights} does, of all commands that have it. */
    static final String WEIGHTS =
            "Which weights of the run: ${COMPLETION-CANDIDATES}. Default: best if the run has"
                    + " validated, else the average if it keeps one, else last.";

    @ArgGroup(multiplicity = "1")
    private Source source;

    @Option(names = "--weights", paramLabel = "WEIGHTS", description = WEIGHTS)
    private RunFolder.Weights weights;

    @Option(
            names = "--dense-gate",
            description = "Attack a ReMoE network adaptively: take gradients with all regional"
                    + " experts switched on, and verdicts from the network as it is.")
    private boolean denseGate;

    /** Either of the two. */
    static final class Source {

        @Option(names = "--run", paramLabel = "DIR", required = true, description = "A run folder.")
        private Path run;

        @ArgGroup(exclusive = false)
        private TorchScript torchScript;
    }

    /** A model traced or scripted by PyTorch. */
    static final class TorchScript {

        @Option(
                names = "--torchscript",
                paramLabel = "FILE",
                required = true,
                description = "A TorchScript model that takes images (B,3,N,N) in [0,1] and gives"
                        + " logits.")
        private Path file;

        @Option(
                names = "--image-size",
                paramLabel = "N",
                required = true,
                description = "The height and width that it takes.")
        private int imageSize;

        @Option(
                names = "--classes-file",
                paramLabel = "FILE",
                description =
                        "The names of its classes, one a line. Default: class 0, class 1, ...")
        private Path classesFile;

        @Option(
                names = "--mean",
                split = ",",
                paramLabel = "R,G,B",
                description = "Mean that is subtracted from the pixels in front of the model."
                        + " Default: none.")
        private float[] mean;

        @Option(
                names = "--std",
                split = ",",
                paramLabel = "R,G,B",
                description = "Standard deviation that they are divided by. Default: none.")
        private float[] std;
    }

    /**
     * A loaded model, ready to be attacked.
     *
     * @param model the model
     * @param target its seam for attacks
     * @param data the data that it was trained on, or null if that is not known
     * @param classes the names of its classes
     * @param named whether these are more than numbers
     * @param imageSize the height and width that it takes
     * @param about what results tell of it
     */
    record Loaded(
            Model model,
            TargetModel target,
            String data,
            List<String> classes,
            boolean named,
            int imageSize,
            Results.Model about)
            implements AutoCloseable {

        /**
         * Puts the model of a run under attack.
         *
         * @param model the model
         * @param config the run's settings
         * @param classes the names of its classes
         * @return the model, ready to be attacked
         */
        static Loaded of(Model model, RunConfig config, List<String> classes) {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            return new Loaded(
                    model,
                    new TargetModel(model),
                    config.data(),
                    classes,
                    true,
                    vit.getImageSize(),
                    config.describe(model));
        }

        /** The network, or null if it is none of ours. */
        VisionTransformer network() {
            return model.getBlock() instanceof VisionTransformer vit ? vit : null;
        }

        /** The same model, with gradients that reach the experts which top-k switches off. */
        Loaded throughDenseGate() {
            TargetModel adaptive = target.withGradientsOf(new DenseGate(network()));
            target.close();
            return new Loaded(
                    model,
                    adaptive,
                    data,
                    classes,
                    named,
                    imageSize,
                    new Results.Model(
                            about.name(),
                            about.checksum() + DenseGate.CHECKSUM_MARK,
                            about.remoe(),
                            about.parameters(),
                            about.macs(),
                            about.epoch()));
        }

        /**
         * Takes the names of the classes from a dataset if the model came without.
         *
         * @param dataClasses the names in the dataset
         * @return the model with names
         * @throws IllegalArgumentException if the dataset has other classes
         */
        Loaded with(List<String> dataClasses) {
            if (named ? !classes.equals(dataClasses) : classes.size() != dataClasses.size()) {
                throw new IllegalArgumentException(String.format(
                        "The model knows the classes %s, the data has %s. Use data with the same"
                                + " classes.",
                        classes, dataClasses));
            }
            return new Loaded(model, target, data, dataClasses, true, imageSize, about);
        }

        @Override
        public void close() {
            target.close();
            model.close();
        }
    }

    /** The run folder, or null if the model is a TorchScript file. */
    Path run() {
        return source.run;
    }

    Loaded load(Device device) throws IOException {
        return source.run != null ? loadRun(device) : loadTorchScript(device);
    }

    private Loaded loadRun(Device device) throws IOException {
        RunFolder folder = new RunFolder(source.run);
        if (!folder.exists() && PredictCommand.takes(source.run)) {
            throw new FileNotFoundException(String.format(
                    "%s holds an exported network, which 'predict' takes. This command needs the"
                            + " folder of the training run that it was exported from.",
                    source.run));
        }
        RunConfig config = folder.readConfig();
        Model model =
                weights == null ? folder.loadModel(device) : folder.loadModel(weights, device);
        Loaded loaded = Loaded.of(model, config, folder.readInfo().classes());
        if (!denseGate) {
            return loaded;
        }
        if (!config.remoe()) {
            loaded.close();
            throw new IllegalArgumentException(
                    "--dense-gate is for networks with ReMoE blocks, and this one has none.");
        }
        return loaded.throughDenseGate();
    }

    private Loaded loadTorchScript(Device device) throws IOException {
        TorchScript options = source.torchScript;
        if (options.imageSize < 1) {
            throw new IllegalArgumentException(
                    "--image-size must be at least 1, got " + options.imageSize + ".");
        }
        float[] mean = perChannel("--mean", options.mean, 0);
        float[] std = perChannel("--std", options.std, 1);
        if (!Files.isRegularFile(options.file)) {
            throw new FileNotFoundException("There is no file " + options.file + ".");
        }
        Model model = Model.newInstance(options.file.toString(), device);
        try {
            model.load(
                    options.file.toAbsolutePath().getParent(),
                    options.file.getFileName().toString());
        } catch (IOException | MalformedModelException | RuntimeException e) {
            model.close();
            throw new IOException(
                    String.format(
                            "%s cannot be loaded: %s. Save the model with torch.jit.trace or"
                                    + " torch.jit.script.",
                            options.file, firstLine(e)),
                    e);
        }
        try {
            TargetModel target =
                    new TargetModel(normalized(model.getBlock(), mean, std), model.getNDManager());
            int classes = countClasses(target, model.getNDManager(), options);
            return new Loaded(
                    model,
                    target,
                    null,
                    classNames(options.classesFile, classes),
                    options.classesFile != null,
                    options.imageSize,
                    about(options.file, model.getBlock(), mean, std));
        } catch (IOException | RuntimeException e) {
            model.close();
            throw e;
        }
    }

    private static Results.Model about(Path file, Block block, float[] mean, float[] std)
            throws IOException {
        String normalization = Arrays.toString(mean) + Arrays.toString(std);
        MessageDigest digest = Sha256.start();
        digest.update(Files.readAllBytes(file));
        digest.update(normalization.getBytes(StandardCharsets.UTF_8));
        long parameters = block.getParameters().values().stream()
                .mapToLong(parameter -> parameter.getArray().size())
                .sum();
        return new Results.Model(
                file.getFileName().toString(), Sha256.end(digest), false, parameters, null, null);
    }

    private static float[] perChannel(String option, float[] values, float byDefault) {
        if (values == null) {
            return new float[] {byDefault, byDefault, byDefault};
        }
        if (values.length != 3) {
            throw new IllegalArgumentException(String.format(
                    "%s takes three numbers, such as 0.485,0.456,0.406; got %d.",
                    option, values.length));
        }
        for (float value : values) {
            if (!Float.isFinite(value) || value == 0 && byDefault == 1) {
                throw new IllegalArgumentException(
                        String.format("%s cannot hold %s.", option, value));
            }
        }
        return values;
    }

    private static Block normalized(Block block, float[] mean, float[] std) {
        Shape shape = new Shape(1, 3, 1, 1);
        return new SequentialBlock()
                .add(inputs -> {
                    NDManager manager = inputs.head().getManager();
                    return new NDList(inputs.head()
                            .sub(Constants.of(manager, mean, shape))
                            .div(Constants.of(manager, std, shape)));
                })
                .add(block);
    }

    /** Tries the model, so that a wrong size is told before anything else is done. */
    private static int countClasses(TargetModel target, NDManager parent, TorchScript options) {
        try (NDManager manager = parent.newSubManager()) {
            Shape shape = new Shape(1, 3, options.imageSize, options.imageSize);
            Shape logits = target.predict(manager.zeros(shape)).head().getShape();
            if (logits.dimension() != 2) {
                throw new IllegalArgumentException(String.format(
                        "%s gives %s for one image; an image classifier gives logits (1, classes).",
                        options.file, logits));
            }
            return Math.toIntExact(logits.get(1));
        } catch (EngineException e) {
            throw new IllegalArgumentException(
                    String.format(
                            "%s cannot take images of 3 x %d x %d: %s Check --image-size.",
                            options.file, options.imageSize, options.imageSize, firstLine(e)),
                    e);
        }
    }

    private static List<String> classNames(Path file, int classes) throws IOException {
        if (file == null) {
            return IntStream.range(0, classes)
                    .mapToObj(label -> "class " + label)
                    .toList();
        }
        List<String> names = Files.readAllLines(file).stream()
                .map(String::trim)
                .filter(name -> !name.isEmpty())
                .toList();
        if (names.size() != classes) {
            throw new IllegalArgumentException(String.format(
                    "The model has %d classes, %s names %d. Write one name a line, in the order of"
                            + " the model's outputs.",
                    classes, file, names.size()));
        }
        return names;
    }

    private static String firstLine(Exception e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
