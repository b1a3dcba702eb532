package io.github.remoe.file;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes a file beside its place, forces it to disk and then moves it there: whoever reads, even after
 * a loss of power, finds the old content or the new, never half of one.
 *
 * <p>Two processes must not write the same file at the same time.
 */
public final class AtomicFile {

    private AtomicFile() {}

    /** Writes the content of a file. */
    @FunctionalInterface
    public interface Content {

        /**
         * Writes the content.
         *
         * @param beside the file to make, in the folder of the one that it will replace
         * @throws IOException if it cannot be written
         */
        void write(Path beside) throws IOException;
    }

    /**
     * Writes a file. If that fails, with whatever exception, the file is what it was and nothing is
     * left beside it.
     *
     * @param file the file, replaced if it exists; its folder exists
     * @param content writes what is to be in it
     * @throws IOException if it cannot be written
     */
    public static void write(Path file, Content content) throws IOException {
        // Always the same name, so that what a killed process left is overwritten by the next.
        Path beside = file.resolveSibling("." + file.getFileName());
        try {
            content.write(beside);
            try (FileChannel written = FileChannel.open(beside, StandardOpenOption.WRITE)) {
                written.force(true);
            }
            Files.move(
                    beside,
                    file,
                    StandardCopyOption.REPLACE_EXISTING,
                    StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | RuntimeException | Error e) {
            try {
                Files.deleteIfExists(beside);
            } catch (IOException left) {
                e.addSuppressed(left);
            }
            throw e;
        }
    }

    /**
     * Writes a text file in UTF-8, as {@link #write(Path, Content)} does.
     *
     * @param file the file, replaced if it exists; its folder exists
     * @param text its content
     * @throws IOException if it cannot be written
     */
    public static void write(Path file, String text) throws IOException {
        write(file, beside -> Files.writeString(beside, text));
    }
}
