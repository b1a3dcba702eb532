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
            long largest = entries.stream().mapToLong(this::bytes).max().orElse(0);
            if (piece.capacity() < Math.min(largest, SafeTensorsChannel.PIECE)) {
                piece = ByteBuffer.allocateDirect((int) Math.min(largest, SafeTensorsChannel.PIECE))
                        .order(ByteOrder.LITTLE_ENDIAN);
            }
            for (SafeTensorsHeader.Entry entry : entries) {
                arrays.add(array(entry, channel, header.start()));
            }
        }
        return arrays;
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
        long size = entry.shape().size();
        int most = piece.capacity() / type.getNumOfBytes();
        try (NDArray flat = array.reshape(-1)) {
            for (long from = 0; from < size; from += most) {
                int count = (int) Math.min(most, size - from);
                fill(channel, start + entry.from() + from * entry.type().bytes(), count, entry);
                // It borrows the memory of the piece.
                try (NDArray borrowed = manager.create(piece, new Shape(count), type)) {
                    flat.set(new NDIndex().addSliceDim(from, from + count), borrowed);
                }
            }
        }
        return array;
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
