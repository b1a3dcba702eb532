package io.github.remoe.inference;

import ai.djl.repository.LocalRepository;
import ai.djl.repository.Metadata;
import ai.djl.repository.Repository;
import ai.djl.repository.RepositoryFactory;
import ai.djl.repository.SimpleRepository;
import ai.djl.util.JsonUtils;
import ai.djl.util.Utils;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.Reader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Has DJL see in time that a {@link ModelFolder} names its own translator.
 *
 * <p>DJL chooses the translator before it reads {@code serving.properties}, and takes its own {@code
 * ImageClassificationTranslator} for images whatever is said there. It would resize in another way
 * than the network was trained with, and refuse what ReMoE layers return beside the logits. So this
 * class, found by the service loader, opens folders on the file system: those whose {@code
 * serving.properties} name {@link ClassificationTranslatorFactory} with that as an argument from the
 * start, all others as DJL does.
 */
public final class ModelFolderRepositories implements RepositoryFactory {

    private static final Logger LOGGER = LoggerFactory.getLogger(ModelFolderRepositories.class);

    /** {@inheritDoc} */
    @Override
    public Set<String> getSupportedScheme() {
        return Set.of("file");
    }

    /** {@inheritDoc} */
    @Override
    public Repository newInstance(String name, URI uri) {
        Path path = path(uri);
        // DJL loads the only folder in a folder.
        boolean folder = Files.isDirectory(path) && Files.isReadable(path);
        if (folder && isModelFolder(Utils.getNestedModelDir(path))) {
            return new SimpleRepository(name, uri, path) {
                {
                    arguments.putIfAbsent(
                            ModelFolder.TRANSLATOR_FACTORY,
                            ClassificationTranslatorFactory.class.getName());
                }
            };
        }
        if (isLocalRepository(path)) {
            return new LocalRepository(name, path.toUri(), path) {};
        }
        return new SimpleRepository(name, uri, path) {};
    }

    private static Path path(URI uri) {
        // Without a query, which may hold arguments; of "file:a/b" the path is null.
        String path = uri.getPath() == null ? uri.getSchemeSpecificPart() : uri.getPath();
        boolean drive =
                path.matches("/[A-Za-z]:.*") && System.getProperty("os.name").startsWith("Win");
        return Path.of(drive ? path.substring(1) : path);
    }

    private static boolean isModelFolder(Path path) {
        Path file = path.resolve(ModelFolder.SERVING);
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try {
            return ClassificationTranslatorFactory.class
                    .getName()
                    .equals(ModelFolder.readServing(file)
                            .getProperty(ModelFolder.TRANSLATOR_FACTORY));
        } catch (IOException e) {
            return false; // DJL comes to read it, and says what is wrong
        }
    }

    /** DJL's own rule: metadata.json somewhere below the folder. */
    private static boolean isLocalRepository(Path path) {
        if (!Files.isDirectory(path)) {
            return false;
        }
        try (Stream<Path> files = Files.walk(path)) {
            return files.anyMatch(file -> file.endsWith("metadata.json")
                    && !path.equals(file.getParent())
                    && isMetadata(file));
        } catch (IOException e) {
            LOGGER.warn("{} is not searched for metadata.json", path, e);
            return false;
        }
    }

    private static boolean isMetadata(Path file) {
        try (Reader reader = Files.newBufferedReader(file)) {
            Metadata metadata = JsonUtils.GSON.fromJson(reader, Metadata.class);
            return metadata != null
                    && metadata.getMetadataVersion() != null
                    && metadata.getArtifacts() != null;
        } catch (IOException | RuntimeException e) {
            // Not Gson's exception by its name: without Gson this class could not be linked, and
            // DJL, which looks for all such classes at once, would load no model at all.
            LOGGER.warn("{} is not used: it cannot be read", file, e);
            return false;
        }
    }
}
