package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * Arrays by name in one file, in Hugging Face's safetensors format: the length of a header, the header
 * in JSON with each array's type, shape and place, and the bytes of all arrays one after the other.
 *
 * <p>What is written is what the Python library writes for the same arrays, byte for byte. Arrays may
 * be of the types boolean, uint8, int8, int32, int64, float16, float32 and float64; bfloat16, which
 * DJL's engines cannot hold, is read as float32 without any loss. What is read is checked first: a file whose header and bytes do not fit gives an error, never arrays of
 * something else.
 */
public final class SafeTensors {

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private SafeTensors() {}

    /**
     * Reads all arrays of a file.
     *
     * @param file the file
     * @param manager the manager of the arrays, which go to its device
     * @return the arrays with their names, in the order of the file
     * @throws IOException if the file cannot be read, is cut off, or is no safetensors file; the
     *     message tells what is wrong
     */
    public static NDList load(Path file, NDManager manager) throws IOException {
        return load(file, manager, name -> true);
    }

    /**
     * Reads some arrays of a file.
     *
     * @param file the file
     * @param manager the manager of the arrays, which go to its device
     * @param wanted the names of the arrays to read
     * @return the arrays with their names, in the order of the file
     * @throws IOException if the file cannot be read, is cut off, or is no safetensors file; the
     *     message tells what is wrong
     */
    public static NDList load(Path file, NDManager manager, Predicate<String> wanted)
            throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            SafeTensorsHeader header = SafeTensorsHeader.read(file, channel);
            NDList arrays = new NDList();
            for (SafeTensorsHeader.Entry entry : header.entries()) {
                if (wanted.test(entry.name())) {
                    ByteBuffer bytes = SafeTensorsHeader.bytes(
                            file,
                            channel,
                            header.start() + entry.from(),
                            entry.to() - entry.from());
                    arrays.add(array(manager, entry, bytes));
                }
            }
            return arrays;
        }
    }

    /**
     * Reads what else a file says.
     *
     * @param file the file
     * @return texts by name, in the order of the names; none if the file has no metadata
     * @throws IOException as for {@link #load(Path, NDManager)}
     */
    public static Map<String, String> loadMetadata(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            return SafeTensorsHeader.read(file, channel).metadata();
        }
    }

    /**
     * Writes arrays into a file: beside it first, then moved to its place, so that the file is never
     * half of one.
     *
     * @param file the file
     * @param arrays arrays with different names
     * @param metadata texts by name, or an empty map
     * @throws IOException if the file cannot be written
     * @throws IllegalArgumentException if an array has no name or another's, or a type that the
     *     format does not have
     */
    public static void save(Path file, NDList arrays, Map<String, String> metadata)
            throws IOException {
        List<NDArray> sorted = new ArrayList<>(arrays);
        Set<String> names = new HashSet<>();
        for (NDArray array : sorted) {
            if (array.getName() == null
                    || array.getName().equals(SafeTensorsHeader.METADATA)
                    || !names.add(array.getName())) {
                throw new IllegalArgumentException(String.format(
                        "Each array in %s needs a name of its own, other than %s; got '%s'. Set it"
                                + " with setName.",
                        file, SafeTensorsHeader.METADATA, array.getName()));
            }
        }
        sorted.sort(
                Comparator.comparing(SafeTensors::type).reversed().thenComparing(NDArray::getName));
        Path beside = file.resolveSibling("." + file.getFileName());
        try (FileChannel channel = FileChannel.open(
                beside,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            write(channel, header(sorted, metadata));
            for (NDArray array : sorted) {
                write(channel, array.toByteBuffer());
            }
            // Otherwise a loss of power could leave an empty file at the name.
            channel.force(true);
        } catch (IOException e) {
            // On a full disk the half of a file would take up what little room there is.
            Files.deleteIfExists(beside);
            throw e;
        }
        Files.move(
                beside, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private static ByteBuffer header(List<NDArray> sorted, Map<String, String> metadata) {
        JsonObject header = new JsonObject();
        if (!metadata.isEmpty()) {
            header.add(SafeTensorsHeader.METADATA, GSON.toJsonTree(new TreeMap<>(metadata)));
        }
        long offset = 0;
        for (NDArray array : sorted) {
            JsonObject entry = new JsonObject();
            entry.addProperty("dtype", type(array).name());
            entry.add("shape", GSON.toJsonTree(array.getShape().getShape()));
            long end = offset + array.size() * array.getDataType().getNumOfBytes();
            entry.add("data_offsets", GSON.toJsonTree(new long[] {offset, end}));
            header.add(array.getName(), entry);
            offset = end;
        }
        byte[] json = GSON.toJson(header).getBytes(StandardCharsets.UTF_8);
        // The arrays' bytes start at a multiple of 8, so that they can be mapped into memory.
        int length = (json.length + 7) / 8 * 8;
        ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(length).put(json);
        while (buffer.hasRemaining()) {
            buffer.put((byte) ' ');
        }
        return buffer.flip();
    }

    private static SafeTensorsHeader.Type type(NDArray array) {
        for (SafeTensorsHeader.Type type : SafeTensorsHeader.Type.values()) {
            if (type.dataType() == array.getDataType() && type != SafeTensorsHeader.Type.BF16) {
                return type;
            }
        }
        throw new IllegalArgumentException(String.format(
                "The array '%s' has the type %s, which cannot be written. Convert it with toType.",
                array.getName(), array.getDataType()));
    }

    private static NDArray array(
            NDManager manager, SafeTensorsHeader.Entry entry, ByteBuffer bytes) {
        ByteBuffer numbers = entry.type() == SafeTensorsHeader.Type.BF16 ? widened(bytes) : bytes;
        NDArray array;
        // An array made from a buffer borrows its memory, which Java frees; the copy has its own.
        try (NDArray borrowed =
                manager.create(numbers, entry.shape(), entry.type().dataType())) {
            array = borrowed.duplicate();
        }
        array.setName(entry.name());
        return array;
    }

    /** A bfloat16 is the upper half of a float32. */
    private static ByteBuffer widened(ByteBuffer halves) {
        ByteBuffer floats =
                ByteBuffer.allocateDirect(2 * halves.remaining()).order(ByteOrder.LITTLE_ENDIAN);
        while (halves.hasRemaining()) {
            floats.putInt(halves.getShort() << Short.SIZE);
        }
        return floats.flip();
    }

    private static void write(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
