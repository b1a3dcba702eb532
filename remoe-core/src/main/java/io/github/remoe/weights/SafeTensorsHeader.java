package io.github.remoe.weights;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;

import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.StreamSupport;

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
    static SafeTensorsHeader read(Path file, FileChannel channel) throws IOException {
        long size = channel.size();
        if (size < Long.BYTES) {
            throw wrong(file, "is cut off or no safetensors file: it has " + size + " bytes");
        }
        long length = bytes(file, channel, 0, Long.BYTES).getLong();
        if (length < 2 || length > MAX_LENGTH) {
            throw wrong(
                    file,
                    String.format(
                            "is no safetensors file: its first 8 bytes give a header of %s bytes, expected"
                                    + " 2 to %d",
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
        ByteBuffer bytes = bytes(file, channel, Long.BYTES, length);
        SafeTensorsHeader header;
        try {
            header = parse(
                    start, StandardCharsets.UTF_8.newDecoder().decode(bytes).toString());
            header.checkPlaces();
        } catch (IOException
                | JsonParseException
                | IllegalStateException
                | IllegalArgumentException
                | ArithmeticException e) {
            throw garbled(file, e.getMessage(), e);
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

    private static SafeTensorsHeader parse(long start, String json) throws IOException {
        if (!json.startsWith("{")) {
            throw new IllegalArgumentException("It does not start with '{'.");
        }
        JsonReader reader = new JsonReader(new StringReader(json));
        reader.setStrictness(Strictness.STRICT);
        Map<String, JsonElement> members = new TreeMap<>();
        reader.beginObject();
        while (reader.hasNext()) {
            String name = reader.nextName();
            if (members.put(name, JsonParser.parseReader(reader)) != null) {
                throw new IllegalArgumentException("It has two arrays '" + name + "'.");
            }
        }
        reader.endObject();
        reader.peek();
        Map<String, String> metadata = new TreeMap<>();
        JsonElement texts = members.remove(METADATA);
        if (texts != null) {
            texts.getAsJsonObject()
                    .asMap()
                    .forEach((name, value) ->
                            metadata.put(name, value.getAsJsonPrimitive().getAsString()));
        }
        List<Entry> entries = new ArrayList<>();
        members.forEach((name, value) -> entries.add(entry(name, value.getAsJsonObject())));
        entries.sort(Comparator.comparingLong(Entry::from).thenComparingLong(Entry::to));
        return new SafeTensorsHeader(start, entries, metadata);
    }

    private static Entry entry(String name, JsonObject json) {
        for (String member : List.of("dtype", "shape", "data_offsets")) {
            if (!json.has(member)) {
                throw new IllegalArgumentException(
                        String.format("The array '%s' has no %s.", name, member));
            }
        }
        String type = json.get("dtype").getAsString();
        if (Arrays.stream(Type.values()).noneMatch(known -> known.name().equals(type))) {
            throw new IllegalArgumentException(String.format(
                    "The array '%s' has the type %s, expected one of %s.",
                    name, type, Arrays.toString(Type.values())));
        }
        long[] shape = longs(json.getAsJsonArray("shape"));
        long[] offsets = longs(json.getAsJsonArray("data_offsets"));
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw new IllegalArgumentException(
                    String.format("The array '%s' lies at %s.", name, Arrays.toString(offsets)));
        }
        return new Entry(name, Type.valueOf(type), new Shape(shape), offsets[0], offsets[1]);
    }

    private static long[] longs(JsonArray array) {
        long[] numbers = StreamSupport.stream(array.spliterator(), false)
                .mapToLong(number -> number.getAsBigDecimal().longValueExact())
                .toArray();
        if (Arrays.stream(numbers).anyMatch(number -> number < 0)) {
            throw new IllegalArgumentException(
                    "Shapes and places are 0 or more, got " + Arrays.toString(numbers) + ".");
        }
        return numbers;
    }

    /** Checks that each array has the bytes that its shape needs, one right after the other. */
    private void checkPlaces() {
        long end = 0;
        for (Entry entry : entries) {
            long expected = entry.type().bytes;
            for (long axis : entry.shape().getShape()) {
                expected = Math.multiplyExact(expected, axis);
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

    /** Reads bytes from a place in a file. */
    static ByteBuffer bytes(Path file, FileChannel channel, long from, long length)
            throws IOException {
        if (length > Integer.MAX_VALUE) {
            throw new IOException(String.format(
                    "%s has an array of %d bytes, which is more than the 2^31 - 1 that can be read."
                            + " Divide it into several.",
                    file, length));
        }
        ByteBuffer buffer = ByteBuffer.allocateDirect((int) length).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, from + buffer.position()) < 0) {
                throw wrong(file, "was cut off while it was read");
            }
        }
        return buffer.flip();
    }
}
