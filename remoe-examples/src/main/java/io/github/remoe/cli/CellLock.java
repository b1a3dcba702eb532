package io.github.remoe.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * Keeps several processes that make one experiment from making the same run. The system gives the
 * lock back when its process ends, however that comes about.
 */
final class CellLock implements AutoCloseable {

    private static final String FOLDER = ".locks";

    private final FileChannel channel;

    private CellLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Takes a run's lock.
     *
     * @param out the folder of the experiments
     * @param run the run's folder in it
     * @return the lock, empty if another process has it
     * @throws IOException if the lock's file cannot be written
     */
    static Optional<CellLock> tryLock(Path out, Path run) throws IOException {
        Path folder = Files.createDirectories(out.resolve(FOLDER));
        String name = out.relativize(run).toString().replaceAll("[/\\\\]", "-");
        // The file stays: deleted, it could be locked once more under the same name.
        FileChannel channel = FileChannel.open(
                folder.resolve(name), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return Optional.of(new CellLock(channel));
            }
        } catch (OverlappingFileLockException e) {
            // Another thread of this process has it.
        }
        channel.close();
        return Optional.empty();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
