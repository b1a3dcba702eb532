package io.github.remoe.train;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

import io.github.remoe.report.Results;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.function.Function;

/**
 * The folder of a training run.
 *
 * <table>
 * <caption>Its files</caption>
 * <tr><td>{@code config.json}</td><td>{@link RunConfig}</td></tr>
 * <tr><td>{@code model-NNNN.params}</td><td>the parameters in epoch NNNN, in DJL's format</td></tr>
 * <tr><td>{@code log.csv}</td><td>{@link CsvLog}, one line a training step</td></tr>
 * <tr><td>{@code results.json}</td><td>{@link Results} of the last evaluation</td></tr>
 * </table>
 *
 * <p>Every file but the log is written beside its place and then moved there, so it is never half of
 * one.
 */
public final class RunFolder {

    private static final String MODEL = "model";
    private static final Gson GSON = new GsonBuilder()
            .setPrettyPrinting()
            .disableHtmlEscaping()
            .serializeNulls()
            .create();

    private final Path path;

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
     * @throws IOException if the folder holds a run already or cannot be written
     */
    public void create(RunConfig config) throws IOException {
        checkFree();
        try {
            Files.createDirectories(path);
        } catch (IOException e) {
            throw new IOException(
                    String.format(
                            "The run folder %s cannot be created. Choose a folder that can.", path),
                    e);
        }
        write("config.json", GSON.toJson(config));
    }

    /**
     * Checks that a run can start here.
     *
     * @throws IOException if the folder holds a run already
     */
    public void checkFree() throws IOException {
        if (Files.exists(path.resolve("config.json"))) {
            throw new IOException(String.format(
                    "%s holds a run already. Choose another folder, or delete it.", path));
        }
    }

    /**
     * Reads the settings.
     *
     * @return the settings
     * @throws IOException if there is no run, or its settings cannot be read
     */
    public RunConfig readConfig() throws IOException {
        return read("config.json", json -> GSON.fromJson(json, RunConfig.class));
    }

    /**
     * Reads the results.
     *
     * @return the results
     * @throws IOException if there are none, they cannot be read, or another version wrote them
     */
    public Results readResults() throws IOException {
        return read("results.json", Results::fromJson);
    }

    /**
     * Writes the results.
     *
     * @param results the results
     * @throws IOException if they cannot be written
     */
    public void writeResults(Results results) throws IOException {
        write("results.json", results.toJson());
    }

    /**
     * Saves the parameters in the place of those saved before.
     *
     * @param model the model
     * @param epoch the epochs trained
     * @throws IOException if they cannot be written
     */
    public void saveModel(Model model, int epoch) throws IOException {
        Path beside = Files.createTempDirectory(path, ".model");
        model.setProperty("Epoch", String.valueOf(epoch));
        model.save(beside, MODEL);
        String name = String.format(Locale.ROOT, "%s-%04d.params", MODEL, epoch);
        Files.move(beside.resolve(name), path.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        Files.delete(beside);
        try (DirectoryStream<Path> saved = Files.newDirectoryStream(path, MODEL + "-*.params")) {
            for (Path older : saved) {
                if (!older.endsWith(name)) {
                    Files.delete(older);
                }
            }
        }
    }

    /**
     * Loads the newest parameters into a new model.
     *
     * @param device where the model lives
     * @return the model, to be closed
     * @throws IOException if there is no run or no saved model, or they cannot be read
     */
    public Model loadModel(Device device) throws IOException {
        RunConfig config = readConfig();
        Model model = Model.newInstance(config.model(), device);
        try {
            model.setBlock(config.createModel());
            model.load(path, MODEL);
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
        if (!Files.exists(file)) {
            throw new FileNotFoundException(String.format(
                    "There is no %s in %s. Name the folder of a training run.", name, path));
        }
        T content;
        try {
            content = parse.apply(Files.readString(file));
        } catch (RuntimeException e) {
            // Gson wraps what its reader and a record's constructor throw.
            throw unreadable(file, e.getCause() == null ? e : e.getCause());
        }
        if (content == null) {
            throw new IOException(file + " is empty.");
        }
        return content;
    }

    private static IOException unreadable(Path file, Throwable reason) {
        return new IOException(
                String.format("%s cannot be read: %s", file, reason.getMessage()), reason);
    }

    private void write(String name, String content) throws IOException {
        Path beside = path.resolve("." + name);
        Files.writeString(beside, content + System.lineSeparator());
        Files.move(
                beside,
                path.resolve(name),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.ATOMIC_MOVE);
    }
}
