package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;

import io.github.remoe.file.AtomicFile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
 * DJL's engines cannot hold, is read as float32 without any loss.
 *
 * <p>What is read is checked first: a file whose header and bytes do not fit gives an error, never
 * arrays of something else. A file of unknown origin can do no harm: besides the arrays, reading
 * takes memory for the header, a few times its bytes, and one megabyte.
 *
 * <p>Arrays may be spread over several such files, shards, beside an index ({@code
 * model.safetensors.index.json}) that says which shard each array is in, as Hugging Face's libraries
 * write them. Wherever a file is read, its place can be taken by an index, or by a folder that holds
 * {@code model.safetensors} or an index of that name.
 */
public final class SafeTensors {

    private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

    private SafeTensors() {}

    /**
     * Reads all arrays of a file.
     *
     * @param file the file, an index or a folder
     * @param manager the manager of the arrays, which go to its device
     * @return the arrays with their names, in the order of the file, shard by shard
     * @throws IOException if the file cannot be read, is cut off, or is no safetensors file; the
     *     message tells what is wrong
     */
    public static NDList load(Path file, NDManager manager) throws IOException {
        return load(file, manager, name -> true);
    }

    /**
     * Reads some arrays of a file.
     *
     * @param file the file, an index or a folder
     * @param manager the manager of the arrays, which go to its device
     * @param wanted the names of the arrays to read
     * @return the arrays with their names, in the order of the file, shard by shard
     * @throws IOException if the file cannot be read, is cut off, or is no safetensors file; the
     *     message tells what is wrong
     */
    public static NDList load(Path file, NDManager manager, Predicate<String> wanted)
            throws IOException {
        SafeTensorsReader reader = new SafeTensorsReader(manager);
        NDList arrays = new NDList();
        for (SafeTensorsFile part : SafeTensorsFile.find(file)) {
            arrays.addAll(reader.read(part, wanted, null));
        }
        return arrays;
    }

    /**
     * Reads rows of one array, without reading the others.
     *
     * @param file a safetensors file
     * @param manager owns the array
     * @param name the array's name
     * @param rows the rows, in any order; a row is all that has one first index
     * @return (rows, ...) with the array's further axes
     * @throws IOException if the file cannot be read, is not well formed, or holds no such array
     * @throws IllegalArgumentException if the array has no such row
     */
    public static NDArray loadRows(Path file, NDManager manager, String name, long... rows)
            throws IOException {
        return new SafeTensorsReader(manager).rows(new SafeTensorsFile(file, null), name, rows);
    }

    /**
     * Reads what else a file says.
     *
     * @param file the file, an index or a folder
     * @return texts by name, in the order of the names; none if the file, or the first shard, has no
     *     metadata
     * @throws IOException as for {@link #load(Path, NDManager)}
     */
    public static Map<String, String> loadMetadata(Path file) throws IOException {
        Path first = SafeTensorsFile.find(file).get(0).path();
        try (SafeTensorsChannel channel = new SafeTensorsChannel(first, null)) {
            return SafeTensorsHeader.read(channel).metadata();
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
        check(file, arrays);
        sorted.sort(
                Comparator.comparing(SafeTensors::type).reversed().thenComparing(NDArray::getName));
        AtomicFile.write(file, beside -> {
            try (FileChannel channel = FileChannel.open(
                    beside,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                write(channel, header(sorted, metadata));
                for (NDArray array : sorted) {
                    write(channel, array.toByteBuffer());
                }
            }
        });
    }

    /**
     * Writes arrays into a folder as Hugging Face's libraries do: into {@code model.safetensors} if
     * they fit, else into {@code model-00001-of-0000N.safetensors} and so on, and {@code
     * model.safetensors.index.json}, which says where each array is. Shards are filled in the order
     * of the arrays; an array that is larger than a shard gets one of its own, before the one that is
     * being filled.
     *
     * <p>What an earlier call left in the folder is deleted, its index first and the new one written
     * last: no index ever names shards of which some are old and some new.
     *
     * @param folder the folder, which is created if need be; {@code model.safetensors}, its shards and
     *     its index in it are replaced
     * @param arrays arrays with different names
     * @param metadata texts by name for every file, or an empty map
     * @param maxShardSize the most bytes of arrays in a file, from 1
     * @return what {@link #load} takes: the file, or the index
     * @throws IOException if a file cannot be written
     * @throws IllegalArgumentException as for {@link #save}, or if {@code maxShardSize} is below 1
     */
    public static Path saveSharded(
            Path folder, NDList arrays, Map<String, String> metadata, long maxShardSize)
            throws IOException {
        if (maxShardSize < 1) {
            throw new IllegalArgumentException(
                    "maxShardSize must be at least 1 byte, is " + maxShardSize + ".");
        }
        check(folder, arrays);
        List<NDList> shards = shards(arrays, maxShardSize);
        Files.createDirectories(folder);
        if (shards.size() <= 1) {
            Path file = folder.resolve(SafeTensorsFile.NAME);
            save(file, arrays, metadata);
            SafeTensorsFile.deleteIndex(folder);
            SafeTensorsFile.deleteShards(folder, Set.of());
            return file;
        }
        SafeTensorsFile.deleteIndex(folder);
        Map<String, String> places = new TreeMap<>();
        for (int i = 0; i < shards.size(); i++) {
            String name = SafeTensorsFile.shardName(i + 1, shards.size());
            save(folder.resolve(name), shards.get(i), metadata);
            shards.get(i).forEach(array -> places.put(array.getName(), name));
        }
        long size = arrays.stream().mapToLong(SafeTensors::bytes).sum();
        Path index = SafeTensorsFile.writeIndex(folder, places, size);
        // Otherwise it would be read and not the index.
        Files.deleteIfExists(folder.resolve(SafeTensorsFile.NAME));
        SafeTensorsFile.deleteShards(folder, Set.copyOf(places.values()));
        return index;
    }

    private static List<NDList> shards(NDList arrays, long maxShardSize) {
        List<NDList> shards = new ArrayList<>();
        NDList open = new NDList();
        long room = maxShardSize;
        for (NDArray array : arrays) {
            long size = bytes(array);
            if (size > maxShardSize) {
                shards.add(new NDList(array));
                continue;
            }
            if (size > room) {
                shards.add(open);
                open = new NDList();
                room = maxShardSize;
            }
            open.add(array);
            room -= size;
        }
        if (!open.isEmpty()) {
            shards.add(open);
        }
        return shards;
    }

    private static long bytes(NDArray array) {
        return array.size() * array.getDataType().getNumOfBytes();
    }

    private static void check(Path file, NDList arrays) {
        Set<String> names = new HashSet<>();
        for (NDArray array : arrays) {
            type(array);
            if (array.getName() == null
                    || array.getName().equals(SafeTensorsHeader.METADATA)
                    || !names.add(array.getName())) {
                throw new IllegalArgumentException(String.format(
                        "Each array in %s needs a name of its own, other than %s; got '%s'. Set it"
                                + " with setName.",
                        file, SafeTensorsHeader.METADATA, array.getName()));
            }
        }
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
            long end = offset + bytes(array);
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

    private static void write(FileChannel channel, ByteBuffer buffer) throws IOException {
        while (buffer.hasRemaining()) {
            channel.write(buffer);
        }
    }
}
