package io.github.remoe.metrics;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;

/**
 * A file that grows by whole records. What cannot be written is left out, with one warning; the next
 * record is tried again.
 */
abstract class MetricsFile {

    private static final Logger LOGGER = LoggerFactory.getLogger(MetricsFile.class);

    private final Path path;
    private long next;
    private RandomAccessFile file;
    private boolean warned;

    MetricsFile(Path path) {
        this.path = path;
    }

    /** Opens the file to write on at its end; what it holds of a number and later ones is void. */
    abstract RandomAccessFile open(Path path, long number) throws IOException;

    /** What an empty file starts with. */
    abstract byte[] header(Measurement first, long number);

    abstract byte[] record(Measurement measurement);

    /** The number that records rise by. */
    long number(Measurement measurement) {
        return measurement.step();
    }

    /** Goes on with a number, which may be one that the file has already. */
    void startAt(long number) {
        close();
        next = number;
    }

    void append(Measurement measurement) {
        attempt(() -> {
            openAtNext();
            long end = file.getFilePointer();
            try {
                // One write, so that a file is not left with a header alone.
                byte[] header = end == 0 ? header(measurement, next) : new byte[0];
                byte[] record = record(measurement);
                byte[] both = new byte[header.length + record.length];
                System.arraycopy(header, 0, both, 0, header.length);
                System.arraycopy(record, 0, both, header.length, record.length);
                file.write(both);
            } catch (IOException e) {
                file.setLength(end);
                throw e;
            }
            next = number(measurement) + 1;
        });
    }

    /** Opens the file now if it is not open. */
    final void openAtNext() throws IOException {
        if (file == null) {
            file = open(path, next);
        }
    }

    final void close() {
        if (file != null) {
            RandomAccessFile closing = file;
            file = null;
            attempt(closing::close);
        }
    }

    final void attempt(Work work) {
        try {
            work.run();
        } catch (IOException e) {
            if (!warned) {
                LOGGER.warn(
                        "Metrics cannot be written to {} and are left out until they can: {}",
                        path,
                        e.toString());
            }
            warned = true;
        }
    }

    final Path path() {
        return path;
    }

    interface Work {
        void run() throws IOException;
    }
}
