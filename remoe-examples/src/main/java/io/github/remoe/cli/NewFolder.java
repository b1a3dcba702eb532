package io.github.remoe.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder that is filled beside its place and moved there when it is complete; if that does not
 * come about, nothing stays behind.
 */
final class NewFolder implements AutoCloseable {

    private final Path place;
    private final Path beside;

    /**
     * Starts a folder.
     *
     * @param wanted its place, where there is nothing or an empty folder
     * @throws IOException if there is something, or the folder cannot be created
     */
    NewFolder(Path wanted) throws IOException {
        place = wanted.toAbsolutePath().normalize();
        if (Files.exists(place)) {
            if (!Files.isDirectory(place)) {
                throw new NotDirectoryException(wanted.toString());
            }
            try (Stream<Path> entries = Files.list(place)) {
                if (entries.findAny().isPresent()) {
                    throw new IOException(String.format(
                            "%s is not empty. Choose another folder, or delete it.", wanted));
                }
            }
        }
        beside = place.resolveSibling(
                "." + place.getFileName() + "-" + ProcessHandle.current().pid());
        Files.createDirectories(beside);
    }

    /** Where the files are to be written. */
    Path path() {
        return beside;
    }

    /** Moves the folder to its place. */
    void finish() throws IOException {
        Files.move(beside, place, StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void close() throws IOException {
        if (Files.exists(beside)) {
            List<Path> entries;
            try (Stream<Path> walk = Files.walk(beside)) {
                entries = walk.sorted(Comparator.reverseOrder()).toList();
            }
            for (Path entry : entries) {
                Files.delete(entry);
            }
        }
    }
}
