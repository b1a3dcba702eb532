package io.github.remoe.data;

import ai.djl.Application;
import ai.djl.basicdataset.BasicDatasets;
import ai.djl.repository.Artifact;
import ai.djl.repository.MRL;
import ai.djl.repository.Repository;
import ai.djl.training.dataset.Dataset.Usage;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * CIFAR-10 out of DJL's dataset repository, kept in DJL's cache like DJL's own {@link
 * ai.djl.basicdataset.cv.classification.Cifar10}.
 *
 * <p>That class cannot be read from, since it holds all images as one native array of floats. The
 * files are the standard binary ones, the five for training joined into one.
 */
final class Cifar10Download {

    private static final Logger logger = LoggerFactory.getLogger(Cifar10Download.class);

    private Cifar10Download() {}

    /**
     * Returns the file of one part, after a download if it is not there yet. DJL compares each file's
     * checksum on the way, and a folder appears in the cache when all its files are complete.
     */
    static Path file(Repository repository, Usage usage) throws IOException {
        String name = usage == Usage.TRAIN ? "data_batch.bin" : "test_batch.bin";
        Artifact artifact;
        Path folder;
        try {
            MRL location = repository.dataset(
                    Application.CV.ANY, BasicDatasets.GROUP_ID, "cifar10", "1.0");
            artifact = location.getDefaultArtifact();
            if (artifact == null || !artifact.getFiles().containsKey(name)) {
                throw new FileNotFoundException("it has no " + name + " of cifar10 1.0");
            }
            folder = repository.getResourceDirectory(artifact);
            if (!Files.exists(folder)) {
                logger.info(
                        "Downloading CIFAR-10 (170 MB) from {} to {}",
                        repository.getBaseUri(),
                        folder);
            }
            location.prepare(artifact);
        } catch (IOException e) {
            throw new IOException(
                    String.format(
                            "cannot download CIFAR-10 from %s (%s: %s); try again, or get"
                                    + " cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html,"
                                    + " unpack it and give its folder instead of \"cifar10\"",
                            repository.getBaseUri(), e.getClass().getSimpleName(), e.getMessage()),
                    e);
        }
        return folder.resolve(artifact.getFiles().get(name).getName());
    }
}
