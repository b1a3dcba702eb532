package io.github.remoe.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The header of a safetensors file, checked against the file.
 *
 * @param start where in the file the arrays' bytes start
 * @param entries the arrays in the order of their bytes
 * @param metadata what else the file says
 */
record SafeTensorsHeader(long start, List<Entry> entries, Map<String, String> metadata) {

    static final String METADATA = "__metadata__";

    // As in the Python library: more than any model needs, and little enough to allocate.
    private static final long MAX_LENGTH = 100_000_000;
    private static final int MAX_NAME = 1_000;
    // An array takes some hundred bytes of memory, and may take fifty of a file that holds no more.
    private static final long MAX_ARRAYS = 10_000;
    private static final long BYTES_PER_ARRAY = 1_000;

    private static final Set<String> MEMBERS =
            new TreeSet<>(Set.of("dtype", "shape", "data_offsets"));
    private static final String TYPES = Arrays.toString(Type.values());

    /** The types that DJL can make arrays of; the Python library writes arrays of the last first. */
    enum Type {
        BOOL(1, DataType.BOOLEAN),
        U8(1, DataType.UINT8),
        I8(1, DataType.INT8),
        F16(2, DataType.FLOAT16),
        // DJL names the type, but asked for an array of it, its PyTorch engine ends the process.
        BF16(2, DataType.FLOAT32),
        I32(4, DataType.INT32),
        F32(4, DataType.FLOAT32),
        F64(8, DataType.FLOAT64),
        I64(8, DataType.INT64);

        private final int bytes;
        private final DataType dataType;

        Type(int bytes, DataType dataType) {
            this.bytes = bytes;
            this.dataType = dataType;
        }

        /** The bytes of one number in a file. */
        int bytes() {
            return bytes;
        }

        /** The type of the array that these become. */
        DataType dataType() {
            return dataType;
        }
    }

    /**
     * Where an array is.
     *
     * @param name its name
     * @param type its type
     * @param shape its shape
     * @param from its first byte, counted from {@code start}
     * @param to the byte after its last
     */
    record Entry(String name, Type type, Shape shape, long from, long to) {}

    /** Reads and checks the header of an open file. */
    static SafeTensorsHeader read(SafeTensorsChannel channel) throws IOException {
        Path file = channel.file();
        long size = channel.size();
        if (size < Long.BYTES) {
            throw wrong(file, "is cut off or no safetensors file: it has " + size + " bytes");
        }
        ByteBuffer first = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        channel.read(0, first);
        long length = first.getLong(0);
        if (length < 2 || length > MAX_LENGTH) {
            throw wrong(
                    file,
                    String.format(
                            "is no safetensors file: its first 8 bytes give a header of %s bytes, expected"
                                    + " 2 to %d. (PyTorch's own .pth and .bin files are turned into"
                                    + " one by safetensors.torch.save_file.)",
                            Long.toUnsignedString(length), MAX_LENGTH));
        }
        long start = Long.BYTES + length;
        if (start > size) {
            throw wrong(
                    file,
                    String.format(
                            "is cut off: it has %d bytes, and its header alone ends at %d",
                            size, start));
        }
        byte[] json = new byte[(int) length];
        channel.read(Long.BYTES, ByteBuffer.wrap(json));
        SafeTensorsHeader header;
        try {
            header = parse(start, json, Math.max(MAX_ARRAYS, size / BYTES_PER_ARRAY));
            header.checkPlaces();
        } catch (IllegalArgumentException e) {
            throw garbled(file, e.getMessage(), e);
        } catch (ArithmeticException e) {
            throw garbled(file, "a size or a place in it is more than any file has.", e);
        }
        if (header.end() > size - start) {
            throw wrong(
                    file,
                    String.format(
                            "is cut off: it has %d bytes of arrays, and its header tells of %d",
                            size - start, header.end()));
        }
        if (header.end() < size - start) {
            throw garbled(
                    file,
                    String.format(
                            "it tells of %d bytes of arrays, the file has %d.",
                            header.end(), size - start),
                    null);
        }
        return header;
    }

    private long end() {
        return entries.isEmpty() ? 0 : entries.get(entries.size() - 1).to();
    }

    private static SafeTensorsHeader parse(long start, byte[] bytes, long most) {
        if (bytes[0] != '{') {
            throw new IllegalArgumentException("It does not start with '{'.");
        }
        HeaderJson json = new HeaderJson(bytes);
        Set<String> names = new HashSet<>();
        List<Entry> entries = new ArrayList<>();
        Map<String, String> metadata = new TreeMap<>();
        json.members(MAX_NAME, name -> {
            check(names.add(name), "It has two arrays '%s'.", name);
            check(names.size() <= most, "It has more than %d arrays, too many for its size.", most);
            if (name.equals(METADATA)) {
                json.members(MAX_NAME, key -> {
                    String before = metadata.put(key, json.text(bytes.length));
                    check(before == null, "It has two texts '%s'.", key);
                    check(metadata.size() <= most, "It has more than %d texts.", most);
                });
            } else {
                entries.add(entry(name, json));
            }
        });
        json.end();
        entries.sort(Comparator.comparingLong(Entry::from).thenComparingLong(Entry::to));
        return new SafeTensorsHeader(start, entries, metadata);
    }

    private static Entry entry(String name, HeaderJson json) {
        Map<String, Object> members = new HashMap<>();
        json.members(MAX_NAME, member -> {
            check(MEMBERS.contains(member), "The array '%s' has an unknown '%s'.", name, member);
            Object value = member.equals("dtype") ? json.text(MAX_NAME) : json.numbers();
            check(members.put(member, value) == null, "The array '%s' has two %s.", name, member);
        });
        for (String member : MEMBERS) {
            check(members.containsKey(member), "The array '%s' has no %s.", name, member);
        }
        String dtype = (String) members.get("dtype");
        Type type = Arrays.stream(Type.values())
                .filter(known -> known.name().equals(dtype))
                .findAny()
                .orElse(null);
        check(
                type != null,
                "The array '%s' has the type %s, expected one of %s.",
                name,
                dtype,
                TYPES);
        long[] offsets = (long[]) members.get("data_offsets");
        check(
                offsets.length == 2 && offsets[0] <= offsets[1],
                "The array '%s' lies at %s.",
                name,
                Arrays.toString(offsets));
        Shape shape = new Shape((long[]) members.get("shape"));
        return new Entry(name, type, shape, offsets[0], offsets[1]);
    }

    private static void check(boolean right, String message, Object... values) {
        if (!right) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

    /** Checks that each array has the bytes that its shape needs, one right after the other. */
    private void checkPlaces() {
        long end = 0;
        for (Entry entry : entries) {
            // Engines multiply all axes but the empty ones when they lay out even an empty array.
            long whole = entry.type().bytes;
            long expected = whole;
            for (long axis : entry.shape().getShape()) {
                whole = Math.multiplyExact(whole, Math.max(1, axis));
                expected = axis == 0 ? 0 : Math.multiplyExact(expected, axis);
            }
            if (entry.to() - entry.from() != expected) {
                throw new IllegalArgumentException(String.format(
                        "The array '%s' has %d bytes, expected %d for %s of %s.",
                        entry.name(),
                        entry.to() - entry.from(),
                        expected,
                        entry.shape(),
                        entry.type()));
            }
            if (entry.from() != end) {
                throw new IllegalArgumentException(String.format(
                        "The array '%s' starts at byte %d, expected %d: %s.",
                        entry.name(),
                        entry.from(),
                        end,
                        entry.from() < end ? "arrays overlap" : "there is a gap"));
            }
            end = entry.to();
        }
    }

    private static IOException garbled(Path file, String reason, Exception cause) {
        return new IOException(
                String.format(
                        "%s is garbled or no safetensors file: its header cannot be read: %s Make"
                                + " or copy it again.",
                        file, reason),
                cause);
    }

    private static IOException wrong(Path file, String what) {
        return new IOException(String.format("%s %s. Make or copy it again.", file, what));
    }
}
