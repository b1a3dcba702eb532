package io.github.remoe.run;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

import io.github.remoe.evaluate.Results;
import io.github.remoe.file.AtomicFile;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.metrics.CsvMetrics;
import io.github.remoe.vit.VisionTransformer;

import java.io.Closeable;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;

/**
 * The folder of a training run.
 *
 * <table>
 * <caption>Its files</caption>
 * <tr><td>{@code config.yaml}</td><td>{@link RunConfig}: all settings</td></tr>
 * <tr><td>{@code run.json}</td><td>{@link RunInfo}: classes, data, device, versions,
 *     pretrained weights</td></tr>
 * <tr><td>{@code checkpoint.safetensors}</td><td>{@link Checkpoint}: all that going on needs</td></tr>
 * <tr><td>{@code last-NNNN.params}</td><td>the parameters in epoch NNNN, the last, in DJL's
 *     format</td></tr>
 * <tr><td>{@code best-NNNN.params}</td><td>those of the highest robust accuracy on the validation
 *     images, if there are any</td></tr>
 * <tr><td>{@code average-NNNN.params}</td><td>the average of the weights, if one is kept</td></tr>
 * <tr><td>{@code log.csv}, {@code epochs.csv}</td><td>{@link CsvMetrics}: one line a step, one an
 *     epoch</td></tr>
 * <tr><td>{@code tensorboard}</td><td>the same for TensorBoard</td></tr>
 * <tr><td>{@code serving.properties}, {@code network.json}, {@code synset.txt}</td><td>{@link
 *     ModelFolder}: what DJL loads the weights with</td></tr>
 * <tr><td>{@code results.json}</td><td>{@link Results} of the last evaluation</td></tr>
 * </table>
 *
 * <p>Every file but the log is written beside its place and then moved there, so it is never half of
 * one.
 */
public final class RunFolder {

    private static final String CONFIG = "config.yaml";
    private static final String INFO = "run.json";
    private static final String RESULTS = "results.json";
    private static final Gson GSON = new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create();

    /** The weights that a run keeps, those first that count if there are others too. */
    public enum Weights {
        /** Those of the highest robust accuracy on the validation images. */
        BEST,
        /** The average of the weights, exponential or of the last epochs. */
        AVERAGE,
        /** Those after the last step. */
        LAST;

        /** Returns the name as files and command lines have it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private final Path path;
    private String described;

    /**
     * Names a folder.
     *
     * @param path the folder, which need not exist
     */
    public RunFolder(Path path) {
        this.path = path;
    }

    /**
     * Starts a run.
     *
     * @param config the settings
     * @param info what it is made on
     * @throws IOException if the folder holds a run already or cannot be written
     */
    public void create(RunConfig config, RunInfo info) throws IOException {
        checkFree();
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new IOException(
                    String.format(
                            "The run folder %s cannot be created. Choose a folder that can.", path),
                    e);
        }
        write(INFO, GSON.toJson(info));
        // Last: a folder with settings is a run.
        write(CONFIG, config.toYaml());
    }

    /**
     * Checks that a run can start here.
     *
     * @throws IOException if the folder holds a run already
     */
    public void checkFree() throws IOException {
        if (exists()) {
            throw new IOException(String.format(
                    "%s holds a run already. Choose another folder, or delete it.", path));
        }
    }

    /**
     * Returns whether the folder holds a run.
     *
     * @return true if it has settings
     */
    public boolean exists() {
        return Files.exists(path.resolve(CONFIG));
    }

    /**
     * Reads the settings.
     *
     * @return the settings
     * @throws IOException if there is no run, or its settings cannot be read
     */
    public RunConfig readConfig() throws IOException {
        return read(CONFIG, yaml -> {
            Map<String, Object> settings = Settings.parse(yaml);
            if (settings.isEmpty()) {
                throw new IllegalArgumentException("it holds no settings.");
            }
            // A setting that is newer than the run has its default.
            return Settings.config(settings);
        });
    }

    /**
     * Reads what the run was made on.
     *
     * @return classes, data, device and versions
     * @throws IOException if there is no run, or it cannot be read
     */
    public RunInfo readInfo() throws IOException {
        return read(INFO, RunFolder::info);
    }

    private static RunInfo info(String json) {
        try {
            return GSON.fromJson(json, RunInfo.class);
        } catch (RuntimeException e) {
            // Gson wraps what its reader and a record's constructor throw.
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new IllegalArgumentException(
                    String.format(
                            "%s Copy it again, or %s.",
                            cause.getMessage().replaceFirst("[^.]$", "$0."), again(INFO)),
                    e);
        }
    }

    /**
     * Reads the results.
     *
     * @return the results
     * @throws IOException if there are none, they cannot be read, or another version wrote them
     */
    public Results readResults() throws IOException {
        return read(RESULTS, Results::fromJson);
    }

    /**
     * Writes the results.
     *
     * @param results the results
     * @throws IOException if they cannot be written
     */
    public void writeResults(Results results) throws IOException {
        write(RESULTS, results.toJson());
    }

    /**
     * Saves parameters in the place of those saved before.
     *
     * @param weights which they are
     * @param model the model
     * @param epoch the epochs trained
     * @throws IOException if they cannot be written
     */
    public void saveModel(Weights weights, Model model, int epoch) throws IOException {
        Path beside = path.resolve(".model");
        String name = String.format(Locale.ROOT, "%s-%04d.params", weights.toString(), epoch);
        if (Files.exists(beside)) {
            // Of a process that was killed.
            delete(beside);
        }
        Files.createDirectory(beside);
        try {
            model.setProperty("Epoch", String.valueOf(epoch));
            // DJL chooses the name of the file, but not its folder.
            model.save(beside, weights.toString());
            AtomicFile.write(
                    path.resolve(name),
                    whole -> Files.move(
                            beside.resolve(name), whole, StandardCopyOption.REPLACE_EXISTING));
        } finally {
            delete(beside);
        }
        describe();
        for (Path older : saved(weights)) {
            if (!older.endsWith(name)) {
                Files.delete(older);
            }
        }
    }

    /** Makes this a folder that DJL loads as it is, once for each kind of weights that is new. */
    private void describe() throws IOException {
        String chosen = chosenWeights().toString();
        if (!chosen.equals(described)) {
            List<String> classes = readInfo().classes();
            ModelFolder.describe(path, readConfig().createModel(classes.size()), classes, chosen);
            described = chosen;
        }
    }

    /**
     * Keeps other processes from training here.
     *
     * @return what ends that
     * @throws IOException if another process trains here, or the folder cannot be written
     */
    Closeable lock() throws IOException {
        FileChannel channel = FileChannel.open(
                path.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            if (channel.tryLock() != null) {
                return channel;
            }
        } catch (OverlappingFileLockException e) {
            // Another thread of this process.
        }
        channel.close();
        throw new IOException(String.format(
                "Another process trains in %s. Wait until it has ended, or end it.", path));
    }

    private static void delete(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.delete(file);
            }
        }
        Files.delete(folder);
    }

    /**
     * Returns whether there are such weights.
     *
     * @param weights which
     * @return true if they were saved
     * @throws IOException if the folder cannot be read
     */
    public boolean has(Weights weights) throws IOException {
        return !saved(weights).isEmpty();
    }

    private List<Path> saved(Weights weights) throws IOException {
        List<Path> files = new ArrayList<>();
        if (Files.isDirectory(path)) {
            try (DirectoryStream<Path> saved =
                    Files.newDirectoryStream(path, weights.toString() + "-*.params")) {
                saved.forEach(files::add);
            }
        }
        return files;
    }

    /**
     * Returns the weights that count unless told otherwise: the best if the run validated, else their
     * average if one is kept, else the last.
     *
     * @return which; {@link Weights#LAST} too if there are none so far
     * @throws IOException if the folder cannot be read
     */
    public Weights chosenWeights() throws IOException {
        for (Weights weights : Weights.values()) {
            if (has(weights)) {
                return weights;
            }
        }
        return Weights.LAST;
    }

    /**
     * Loads the {@linkplain #chosenWeights() weights that count} into a new model.
     *
     * @param device where the model lives
     * @return the model, to be closed
     * @throws IOException if there is no run or no saved model, or they cannot be read
     */
    public Model loadModel(Device device) throws IOException {
        return loadModel(chosenWeights(), device);
    }

    /**
     * Loads weights into a new model.
     *
     * @param weights which
     * @param device where the model lives
     * @return the model, to be closed
     * @throws IOException if there is no run or there are no such weights, or they cannot be read
     */
    public Model loadModel(Weights weights, Device device) throws IOException {
        return loadModel(
                weights, device, readConfig().createModel(readInfo().classes().size()));
    }

    /** Loads the weights of {@link #loadModel(Device)} into a network of one's own. */
    Model loadModel(Device device, VisionTransformer vit) throws IOException {
        return loadModel(chosenWeights(), device, vit);
    }

    private Model loadModel(Weights weights, Device device, VisionTransformer vit)
            throws IOException {
        if (!has(weights)) {
            throw new FileNotFoundException(String.format(
                    "There is no %s-NNNN.params in %s: the run has not trained so far, or keeps no such"
                            + " weights.",
                    weights.toString(), path));
        }
        Model model = Model.newInstance(readConfig().model(), device);
        try {
            model.setBlock(vit);
            model.load(path, weights.toString());
            // DJL passes over a file of another kind in silence.
            if (!vit.isInitialized()) {
                throw new MalformedModelException(String.format(
                        "%s is no file of parameters in DJL's format. Copy it again, or train again.",
                        saved(weights).get(0).getFileName()));
            }
            return model;
        } catch (EOFException e) {
            model.close();
            throw new IOException(
                    String.format(
                            "The model in %s cannot be loaded: its parameters are cut off. Copy them again,"
                                    + " or train again.",
                            path),
                    e);
        } catch (IOException | MalformedModelException | RuntimeException e) {
            model.close();
            throw new IOException(
                    String.format("The model in %s cannot be loaded: %s", path, e.getMessage()), e);
        }
    }

    /**
     * Returns the folder's path.
     *
     * @return the path
     */
    public Path getPath() {
        return path;
    }

    private <T> T read(String name, Function<String, T> parse) throws IOException {
        Path file = path.resolve(name);
        if (!Files.isDirectory(path)) {
            throw new FileNotFoundException(String.format(
                    "There is no folder %s. Name the folder of a training run.", path));
        }
        if (!Files.exists(file)) {
            throw new FileNotFoundException(String.format(
                    "There is no %s in %s. Name the folder of a training run.", name, path));
        }
        T content;
        try {
            content = parse.apply(Files.readString(file));
        } catch (CharacterCodingException e) {
            throw new IOException(
                    String.format(
                            "%s cannot be read: it is no text in UTF-8, so it is damaged or another file."
                                    + " Copy it again, or %s.",
                            file, again(name)),
                    e);
        } catch (RuntimeException e) {
            throw new IOException(String.format("%s cannot be read: %s", file, e.getMessage()), e);
        }
        if (content == null) {
            throw new IOException(
                    String.format("%s is empty. Copy it again, or %s.", file, again(name)));
        }
        return content;
    }

    /** What makes a file anew. */
    private static String again(String name) {
        return name.equals(RESULTS) ? "evaluate again" : "train again";
    }

    private void write(String name, String content) throws IOException {
        AtomicFile.write(path.resolve(name), content + System.lineSeparator());
    }
}
