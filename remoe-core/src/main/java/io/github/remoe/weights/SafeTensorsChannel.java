package io.github.remoe.weights;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.security.MessageDigest;

/** A file that is read in pieces of bounded size. */
final class SafeTensorsChannel implements Closeable {

    /** The most bytes that are read at once. */
    static final int PIECE = 1 << 20;

    private final Path file;
    private final FileChannel channel;
    private final MessageDigest digest;

    /**
     * Opens a file.
     *
     * @param file the file
     * @param digest gets every byte that is read; null if there is no need
     * @throws IOException if it cannot be opened
     */
    SafeTensorsChannel(Path file, MessageDigest digest) throws IOException {
        this.file = file;
        this.digest = digest;
        channel = FileChannel.open(file);
    }

    Path file() {
        return file;
    }

    long size() throws IOException {
        return channel.size();
    }

    /** Fills a buffer, from its position to its limit, with the bytes from a place on. */
    void read(long from, ByteBuffer buffer) throws IOException {
        int start = buffer.position();
        int end = buffer.limit();
        while (buffer.position() < end) {
            // Java reads into its heap through direct memory of the same size.
            buffer.limit((int) Math.min(end, (long) buffer.position() + PIECE));
            if (channel.read(buffer, from + buffer.position() - start) < 0) {
                throw new IOException(
                        file + " was cut off while it was read. Make or copy it again.");
            }
        }
        if (digest != null) {
            digest.update(buffer.duplicate().position(start));
        }
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
