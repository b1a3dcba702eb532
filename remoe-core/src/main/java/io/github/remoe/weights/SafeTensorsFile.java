package io.github.remoe.weights;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;

import io.github.remoe.file.AtomicFile;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One of the files that arrays are read from.
 *
 * @param path the file
 * @param names the names of the arrays that it has to hold, and no others; null if there is no index
 *     to say so
 */
record SafeTensorsFile(Path path, Set<String> names) {

    static final String NAME = "model.safetensors";

    private static final String INDEX = ".index.json";
    // No separator of any system: Windows takes C:x.safetensors for a file on another drive.
    private static final String SHARD = "[^/\\\\:]+\\.safetensors";
    // Ten thousand names take about one million.
    private static final long MAX_INDEX = 4_000_000;
    private static final int MAX_DEPTH = 32;
    private static final int MOST_NAMES = 8;

    /**
     * Finds the files of a path.
     *
     * @param path a safetensors file, an index or a folder
     * @return the files in the order of their names
     * @throws IOException if there are none, or the index cannot be read
     */
    static List<SafeTensorsFile> find(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            Path index = path.resolve(NAME + INDEX);
            return find(
                    Files.exists(index) && !Files.exists(path.resolve(NAME))
                            ? index
                            : existing(path, NAME));
        }
        return path.toString().endsWith(INDEX)
                ? readIndex(path)
                : List.of(new SafeTensorsFile(path, null));
    }

    private static Path existing(Path folder, String name) throws IOException {
        Path file = folder.resolve(name);
        if (!Files.isRegularFile(file)) {
            throw new FileNotFoundException(String.format(
                    "There is neither %s nor %s%s in %s. Name the file itself; PyTorch's own .pth and"
                            + " .bin files are turned into one by safetensors.torch.save_file.",
                    name, name, INDEX, folder));
        }
        return file;
    }

    private static List<SafeTensorsFile> readIndex(Path index) throws IOException {
        long size = Files.size(index);
        Map<String, Set<String>> shards = new TreeMap<>();
        try (JsonReader json = new JsonReader(Files.newBufferedReader(index))) {
            check(size <= MAX_INDEX, "it has %d bytes, allowed are %d", size, MAX_INDEX);
            json.setStrictness(Strictness.STRICT);
            json.beginObject();
            while (json.hasNext()) {
                if (json.nextName().equals("weight_map")) {
                    check(shards.isEmpty(), "it has two weight_maps");
                    readMap(json, shards);
                } else {
                    skip(json);
                }
            }
            json.endObject();
            json.peek();
            check(!shards.isEmpty(), "its weight_map is missing or empty");
            for (String shard : shards.keySet()) {
                check(
                        Files.isRegularFile(index.resolveSibling(shard)),
                        "'%s' is not in the same folder",
                        shard);
            }
        } catch (IOException | RuntimeException e) {
            throw new IOException(
                    String.format(
                            "%s is no index of safetensors files: %s. Make or copy the folder again.",
                            index, e.getMessage()),
                    e);
        }
        return shards.entrySet().stream()
                .map(shard ->
                        new SafeTensorsFile(index.resolveSibling(shard.getKey()), shard.getValue()))
                .toList();
    }

    /** Gson before 2.12 goes as deep as the file wants, and takes memory for each level. */
    private static void skip(JsonReader json) throws IOException {
        int depth = 0;
        do {
            switch (json.peek()) {
                case BEGIN_ARRAY -> {
                    json.beginArray();
                    depth++;
                }
                case BEGIN_OBJECT -> {
                    json.beginObject();
                    depth++;
                }
                case END_ARRAY -> {
                    json.endArray();
                    depth--;
                }
                case END_OBJECT -> {
                    json.endObject();
                    depth--;
                }
                default -> json.skipValue();
            }
            check(depth <= MAX_DEPTH, "it is nested more than %d deep", MAX_DEPTH);
        } while (depth > 0);
    }

    private static void readMap(JsonReader json, Map<String, Set<String>> shards)
            throws IOException {
        Set<String> names = new HashSet<>();
        json.beginObject();
        while (json.hasNext()) {
            String name = json.nextName();
            check(names.add(name), "it has '%s' twice", name);
            check(json.peek() == JsonToken.STRING, "'%s' is in no file", name);
            String shard = json.nextString();
            // An index that came from somewhere must not have other files read.
            check(
                    shard.matches(SHARD),
                    "'%s' is not the name of a .safetensors file in the same folder",
                    shard);
            shards.computeIfAbsent(shard, file -> new TreeSet<>()).add(name);
        }
        json.endObject();
    }

    private static void check(boolean right, String message, Object... values) {
        if (!right) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }

    /** Checks that the file holds what the index says. */
    void checkNames(SafeTensorsHeader header) throws IOException {
        if (names == null) {
            return;
        }
        Set<String> missing = new TreeSet<>(names);
        Set<String> unknown = new TreeSet<>();
        for (SafeTensorsHeader.Entry entry : header.entries()) {
            if (!missing.remove(entry.name())) {
                unknown.add(entry.name());
            }
        }
        if (!missing.isEmpty() || !unknown.isEmpty()) {
            throw new IOException(String.format(
                    "%s does not hold what its index says: missing are %s, not in the index are %s."
                            + " Copy all files of the folder again.",
                    path, first(missing), first(unknown)));
        }
    }

    private static String first(Set<String> names) {
        return names.size() <= MOST_NAMES
                ? names.toString()
                : String.format(
                        "%d names such as '%s'", names.size(), names.iterator().next());
    }

    /** The name of a shard, counted from 1, as Hugging Face's libraries write it. */
    static String shardName(int shard, int shards) {
        return String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", shard, shards);
    }

    /** Deletes the index of a folder, if there is one. */
    static void deleteIndex(Path folder) throws IOException {
        Files.deleteIfExists(folder.resolve(NAME + INDEX));
    }

    /** Deletes the shards of a folder that are not among these. */
    static void deleteShards(Path folder, Set<String> kept) throws IOException {
        String glob = "model-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].safetensors";
        try (DirectoryStream<Path> shards = Files.newDirectoryStream(folder, glob)) {
            for (Path shard : shards) {
                if (!kept.contains(shard.getFileName().toString())) {
                    Files.delete(shard);
                }
            }
        }
    }

    /**
     * Writes an index.
     *
     * @param folder where to
     * @param places the file's name by the array's name
     * @param size the bytes of all arrays
     * @return its file
     * @throws IOException if it cannot be written
     */
    static Path writeIndex(Path folder, Map<String, String> places, long size) throws IOException {
        JsonObject metadata = new JsonObject();
        metadata.addProperty("total_size", size);
        JsonObject index = new JsonObject();
        index.add("metadata", metadata);
        JsonObject map = new JsonObject();
        places.forEach(map::addProperty);
        index.add("weight_map", map);
        String text = new GsonBuilder()
                .setPrettyPrinting()
                .disableHtmlEscaping()
                .create()
                .toJson(index);
        Path file = folder.resolve(NAME + INDEX);
        AtomicFile.write(file, text + "\n");
        return file;
    }
}
