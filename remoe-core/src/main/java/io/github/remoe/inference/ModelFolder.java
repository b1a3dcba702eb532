package io.github.remoe.inference;

import ai.djl.Model;
import ai.djl.engine.Engine;

import io.github.remoe.file.AtomicFile;
import io.github.remoe.vit.VisionTransformer;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A folder that DJL loads as it is, with a plain {@link ai.djl.repository.zoo.Criteria} or in DJL
 * Serving.
 *
 * <table>
 * <caption>Its files</caption>
 * <tr><td>{@code serving.properties}</td><td>for DJL: the engine, which weights to load, and the
 *     classes {@link NetworkFactory} and {@link ClassificationTranslatorFactory}</td></tr>
 * <tr><td>{@code network.json}</td><td>{@link NetworkConfig}: what the network is built from</td></tr>
 * <tr><td>{@code synset.txt}</td><td>the names of the classes, one a line</td></tr>
 * <tr><td>{@code NAME-NNNN.params}</td><td>weights in DJL's format; the highest NNNN counts. {@code
 *     optModelName("NAME")} picks them, else {@code option.modelName} of {@code
 *     serving.properties}</td></tr>
 * </table>
 *
 * <pre>{@code
 * Criteria<Image, Classifications> criteria = Criteria.builder()
 *         .setTypes(Image.class, Classifications.class)
 *         .optModelPath(Path.of("runs/first"))
 *         .build();
 * try (ZooModel<Image, Classifications> model = criteria.loadModel();
 *         Predictor<Image, Classifications> predictor = model.newPredictor()) {
 *     System.out.println(predictor.predict(ImageFactory.getInstance().fromFile(photo)));
 * }
 * }</pre>
 *
 * <p>Every file is written beside its place and then moved there, {@code serving.properties} last.
 */
public final class ModelFolder {

    static final String SERVING = "serving.properties";
    static final String TRANSLATOR_FACTORY = "translatorFactory";

    private static final String NETWORK = "network.json";
    private static final String CLASSES = "synset.txt";
    private static final String MODEL_NAME = "option.modelName";
    private static final String WEIGHTS = "model";
    private static final byte[] DJL_PARAMETERS = "DJL@".getBytes(StandardCharsets.US_ASCII);
    private static final long MAX_DESCRIPTION = 1 << 20;

    private ModelFolder() {}

    /**
     * Writes a folder with a network and its weights, {@code model-0000.params}.
     *
     * @param folder the folder, made if need be; files of the same names are replaced, and other
     *     {@code model-NNNN.params} deleted, since DJL would load the highest
     * @param vit the network, initialised
     * @param classNames the names of its classes, in the order of the logits
     * @throws IOException if it cannot be written
     * @throws IllegalArgumentException if {@link #describe} refuses the network or the names
     */
    public static void save(Path folder, VisionTransformer vit, List<String> classNames)
            throws IOException {
        check(vit, classNames);
        NetworkConfig.of(vit);
        Files.createDirectories(folder);
        Path file = folder.resolve(WEIGHTS + "-0000.params");
        AtomicFile.write(file, beside -> saveWeights(vit, folder, beside));
        try (DirectoryStream<Path> present = Files.newDirectoryStream(folder)) {
            for (Path other : present) {
                boolean weights =
                        other.getFileName().toString().matches(WEIGHTS + "-\\d+\\.params");
                if (weights && !other.equals(file)) {
                    Files.delete(other);
                }
            }
        }
        describe(folder, vit, classNames, WEIGHTS);
    }

    /** DJL chooses the name, so it gets a folder of its own. */
    private static void saveWeights(VisionTransformer vit, Path folder, Path file)
            throws IOException {
        Path own = Files.createTempDirectory(folder, ".model");
        Path saved = own.resolve(WEIGHTS + "-0000.params");
        try (Model model = Model.newInstance(WEIGHTS)) {
            model.setBlock(vit);
            model.setProperty("Epoch", "0");
            model.save(own, WEIGHTS);
            Files.move(saved, file, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(saved);
            Files.delete(own);
        }
    }

    /**
     * Writes all but the weights.
     *
     * @param folder the folder, which exists. Of a {@code serving.properties} that is there already
     *     all lines stay but {@code option.modelName}; what is missing is added
     * @param vit the network, which need not be initialised
     * @param classNames the names of its classes, in the order of the logits, each one line
     * @param modelName the name of the weights that are loaded unless told otherwise: {@code
     *     best} for {@code best-0012.params}
     * @throws IOException if it cannot be written
     * @throws IllegalArgumentException if there are more or fewer names than classes or one is no line,
     *     or {@link NetworkConfig#of(VisionTransformer)} has no words for the network
     */
    public static void describe(
            Path folder, VisionTransformer vit, List<String> classNames, String modelName)
            throws IOException {
        check(vit, classNames);
        write(folder.resolve(NETWORK), List.of(NetworkConfig.of(vit).toJson()));
        write(folder.resolve(CLASSES), classNames);
        write(folder.resolve(SERVING), servingProperties(folder, modelName));
    }

    private static void check(VisionTransformer vit, List<String> classNames) {
        checkCount(classNames, vit);
        for (String name : classNames) {
            if (name.isBlank() || name.indexOf('\n') >= 0 || name.indexOf('\r') >= 0) {
                throw new IllegalArgumentException(
                        "A class name must be one line of text, got \"" + name + "\".");
            }
        }
    }

    static void checkCount(List<String> classNames, VisionTransformer vit) {
        if (classNames.size() != vit.getNumClasses()) {
            throw new IllegalArgumentException(String.format(
                    "There are %d class names for a network of %d classes.",
                    classNames.size(), vit.getNumClasses()));
        }
    }

    private static List<String> servingProperties(Path folder, String modelName)
            throws IOException {
        Path file = folder.resolve(SERVING);
        List<String> lines = new ArrayList<>();
        Properties present = new Properties();
        if (Files.exists(file)) {
            // The user may have added settings of DJL Serving, or options of the translator.
            lines.addAll(Files.readAllLines(file));
            lines.removeIf(line -> line.matches("\\s*" + Pattern.quote(MODEL_NAME) + "[\\s=:].*"));
            present = readServing(file);
        }
        for (String line : List.of(
                "engine=" + Engine.getDefaultEngineName(),
                "blockFactory=" + NetworkFactory.class.getName(),
                TRANSLATOR_FACTORY + '=' + ClassificationTranslatorFactory.class.getName())) {
            if (!present.containsKey(line.substring(0, line.indexOf('=')))) {
                lines.add(line);
            }
        }
        lines.add(MODEL_NAME + '=' + modelName);
        return lines;
    }

    static Properties readServing(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IllegalArgumentException e) {
            throw unreadable(file, e);
        }
        return properties;
    }

    private static void write(Path file, List<String> lines) throws IOException {
        AtomicFile.write(file, beside -> Files.write(beside, lines));
    }

    /**
     * Reads what the network of a folder is built from.
     *
     * @param folder the folder
     * @return the description
     * @throws IOException if there is none, or it cannot be read; the message says why
     */
    public static NetworkConfig readNetwork(Path folder) throws IOException {
        Path file = folder.resolve(NETWORK);
        try {
            return NetworkConfig.fromJson(read(file));
        } catch (IllegalArgumentException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * Reads the names of the classes of a folder.
     *
     * @param folder the folder
     * @return the names, in the order of the logits
     * @throws IOException if there are none, or they cannot be read
     */
    public static List<String> readClassNames(Path folder) throws IOException {
        return read(folder.resolve(CLASSES)).lines().toList();
    }

    /** Builds the network; what is wrong with the folder is said before weights are loaded. */
    static VisionTransformer createNetwork(Path folder) throws IOException {
        NetworkConfig network = readNetwork(folder);
        try {
            return network.createNetwork();
        } catch (IllegalArgumentException e) {
            throw unreadable(folder.resolve(NETWORK), e);
        }
    }

    static void checkClassNames(Path folder, VisionTransformer vit) throws IOException {
        try {
            checkCount(readClassNames(folder), vit);
        } catch (IllegalArgumentException e) {
            throw unreadable(folder.resolve(CLASSES), e);
        }
    }

    private static IOException unreadable(Path file, IllegalArgumentException e) {
        return new IOException(String.format("%s cannot be read: %s", file, e.getMessage()), e);
    }

    private static String read(Path file) throws IOException {
        if (!Files.exists(file)) {
            throw new FileNotFoundException(String.format(
                    "There is no %s in %s. Give the folder of a training run, or one that"
                            + " ModelFolder.save wrote.",
                    file.getFileName(), file.getParent()));
        }
        if (Files.size(file) > MAX_DESCRIPTION) {
            throw new IOException(String.format(
                    "%s has %d bytes; at most %d are expected.",
                    file, Files.size(file), MAX_DESCRIPTION));
        }
        try {
            return Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new IOException(file + " is no text in UTF-8.", e);
        }
    }

    /** DJL takes a file of another format for one without parameters, and says nothing. */
    static void checkParameters(Path folder, String modelName) throws IOException {
        Set<String> names = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*-*.params")) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (name.matches("[^.].*-\\d+\\.params")) {
                    names.add(name.substring(0, name.lastIndexOf('-')));
                }
                if (name.startsWith(modelName + '-')) {
                    checkFormat(file);
                }
            }
        }
        if (!names.contains(modelName)) {
            throw new FileNotFoundException(String.format(
                    "There is no %s-NNNN.params in %s. Weights there: %s; optModelName picks one.",
                    modelName, folder, names.isEmpty() ? "none" : String.join(", ", names)));
        }
    }

    private static void checkFormat(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            if (!Arrays.equals(in.readNBytes(DJL_PARAMETERS.length), DJL_PARAMETERS)) {
                throw new IOException(file
                        + " does not hold parameters in DJL's format: it is damaged or cut off.");
            }
        }
    }
}
