package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Reads the arrays of files. All go through one buffer, piece by piece: direct memory is given back
 * only when Java collects its garbage, so buffers as large as the arrays would add up.
 */
final class SafeTensorsReader {

    private final NDManager manager;
    private Map<String, String> metadata;
    private ByteBuffer piece = ByteBuffer.allocateDirect(0);

    SafeTensorsReader(NDManager manager) {
        this.manager = manager;
    }

    /**
     * Reads arrays of a file.
     *
     * @param part the file
     * @param wanted the names of the arrays to read
     * @param digest gets the bytes that are read, which are those of the whole file in their order if
     *     every array is wanted; null if there is no need
     */
    NDList read(SafeTensorsFile part, Predicate<String> wanted, MessageDigest digest)
            throws IOException {
        NDList arrays = new NDList();
        try (SafeTensorsChannel channel = new SafeTensorsChannel(part.path(), digest)) {
            SafeTensorsHeader header = SafeTensorsHeader.read(channel);
            part.checkNames(header);
            metadata = metadata == null ? header.metadata() : metadata;
            List<SafeTensorsHeader.Entry> entries = header.entries().stream()
                    .filter(entry -> wanted.test(entry.name()))
                    .toList();
            allocate(entries.stream().mapToLong(this::bytes).max().orElse(0));
            for (SafeTensorsHeader.Entry entry : entries) {
                arrays.add(array(entry, channel, header.start()));
            }
        }
        return arrays;
    }

    /** Reads rows of an array, of which a row is all that has one first index. */
    NDArray rows(SafeTensorsFile part, String name, long... rows) throws IOException {
        try (SafeTensorsChannel channel = new SafeTensorsChannel(part.path(), null)) {
            SafeTensorsHeader header = SafeTensorsHeader.read(channel);
            SafeTensorsHeader.Entry entry = header.entries().stream()
                    .filter(candidate -> candidate.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IOException(
                            String.format("%s holds no array '%s'.", part.path(), name)));
            Shape shape = entry.shape();
            if (shape.dimension() == 0) {
                throw new IOException(
                        String.format("'%s' in %s is one number without rows.", name, part.path()));
            }
            long size = shape.slice(1).size();
            allocate(size * entry.type().dataType().getNumOfBytes());
            NDArray array = manager.create(
                    new Shape(rows.length).addAll(shape.slice(1)), entry.type().dataType());
            array.setName(name);
            try (NDArray flat = array.reshape(-1)) {
                for (int i = 0; i < rows.length; i++) {
                    if (rows[i] < 0 || rows[i] >= shape.get(0)) {
                        throw new IllegalArgumentException(String.format(
                                "'%s' in %s has rows 0 to %d, got %d.",
                                name, part.path(), shape.get(0) - 1, rows[i]));
                    }
                    copy(entry, channel, header.start(), rows[i] * size, size, flat, i * size);
                }
            }
            return array;
        }
    }

    private void allocate(long bytes) {
        int size = (int) Math.min(bytes, SafeTensorsChannel.PIECE);
        if (piece.capacity() < size) {
            piece = ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** The texts of the first file that was read. */
    Map<String, String> metadata() {
        return metadata;
    }

    private long bytes(SafeTensorsHeader.Entry entry) {
        return entry.shape().size() * entry.type().dataType().getNumOfBytes();
    }

    private NDArray array(SafeTensorsHeader.Entry entry, SafeTensorsChannel channel, long start)
            throws IOException {
        DataType type = entry.type().dataType();
        NDArray array = manager.create(entry.shape(), type);
        array.setName(entry.name());
        try (NDArray flat = array.reshape(-1)) {
            copy(entry, channel, start, 0, entry.shape().size(), flat, 0);
        }
        return array;
    }

    /** Copies numbers from a place in the file's array to one in another array. */
    private void copy(
            SafeTensorsHeader.Entry entry,
            SafeTensorsChannel channel,
            long start,
            long from,
            long size,
            NDArray flat,
            long to)
            throws IOException {
        DataType type = entry.type().dataType();
        int most = piece.capacity() / type.getNumOfBytes();
        for (long done = 0; done < size; done += most) {
            int count = (int) Math.min(most, size - done);
            fill(
                    channel,
                    start + entry.from() + (from + done) * entry.type().bytes(),
                    count,
                    entry);
            // It borrows the memory of the piece.
            try (NDArray borrowed = manager.create(piece, new Shape(count), type)) {
                flat.set(new NDIndex().addSliceDim(to + done, to + done + count), borrowed);
            }
        }
    }

    /** Reads numbers into the piece, bfloat16 as float32. */
    private void fill(
            SafeTensorsChannel channel, long from, int count, SafeTensorsHeader.Entry entry)
            throws IOException {
        int end = count * entry.type().dataType().getNumOfBytes();
        piece.clear().limit(end).position(end - count * entry.type().bytes());
        channel.read(from, piece);
        if (entry.type() == SafeTensorsHeader.Type.BF16) {
            widen(count);
        }
        piece.rewind();
    }

    /**
     * Makes float32 of the bfloat16 numbers in the second half of the bytes: each is the upper half
     * of one.
     */
    private void widen(int count) {
        for (int i = 0; i < count; i++) {
            int half = piece.getShort(Short.BYTES * (count + i));
            piece.putInt(Float.BYTES * i, half << Short.SIZE);
        }
    }
}
