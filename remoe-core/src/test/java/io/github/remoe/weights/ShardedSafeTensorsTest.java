package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

class ShardedSafeTensorsTest {

    private static final String INDEX = "model.safetensors.index.json";

    @TempDir
    private Path temp;

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    /** Arrays of 4, 8, 40 and 4 bytes. */
    private NDList arrays() {
        NDList arrays = new NDList();
        for (int numbers : new int[] {1, 2, 10, 1}) {
            NDArray array = manager.full(new Shape(numbers), (float) arrays.size());
            array.setName("abcd".substring(arrays.size(), arrays.size() + 1));
            arrays.add(array);
        }
        return arrays;
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(temp)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void theIndexSaysWhereEachArrayIs() throws IOException {
        Path index = SafeTensors.saveSharded(temp, arrays(), Map.of("format", "pt"), 12);

        assertThat(files())
                .containsExactly(
                        "model-00001-of-00003.safetensors",
                        "model-00002-of-00003.safetensors",
                        "model-00003-of-00003.safetensors",
                        INDEX);
        // As json.dumps(index, indent=2, sort_keys=True) writes it.
        assertThat(index).hasContent("""
                {
                  "metadata": {
                    "total_size": 56
                  },
                  "weight_map": {
                    "a": "model-00002-of-00003.safetensors",
                    "b": "model-00002-of-00003.safetensors",
                    "c": "model-00001-of-00003.safetensors",
                    "d": "model-00003-of-00003.safetensors"
                  }
                }""");
    }

    @Test
    void anIndexAndItsFolderAreReadAsOneFile() throws IOException {
        Path index = SafeTensors.saveSharded(temp, arrays(), Map.of("format", "pt"), 12);

        for (Path path : List.of(index, temp)) {
            NDList read = SafeTensors.load(path, manager);
            assertThat(read.stream().map(NDArray::getName)).containsExactly("c", "a", "b", "d");
            assertThat(read.get("c").toFloatArray()).hasSize(10).containsOnly(2);
            assertThat(SafeTensors.loadMetadata(path)).isEqualTo(Map.of("format", "pt"));
        }
    }

    @Test
    void whatElseAnIndexSaysIsSkipped() throws IOException {
        Path index = SafeTensors.saveSharded(temp, arrays(), Map.of(), 12);
        String text = Files.readString(index);
        Files.writeString(
                index,
                text.replaceFirst(
                        "56", "56.0, \"more\": [{\"a\": [1, null], \"b\": {}}, true, \"x\"]"));

        assertThat(SafeTensors.load(temp, manager)).hasSize(4);
    }

    @Test
    void whatFitsIntoOneFileIsOne() throws IOException {
        Path file = SafeTensors.saveSharded(temp.resolve("new"), arrays(), Map.of(), 56);

        assertThat(file).isEqualTo(temp.resolve("new").resolve("model.safetensors"));
        assertThat(SafeTensors.load(temp.resolve("new"), manager)).hasSize(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'weight_map':{'a':'../other.safetensors'}} | '../other.safetensors' is not the name of a",
                "{'weight_map':{'a':'/etc/x.safetensors'}} | is not the name of a",
                "{'weight_map':{'a':'sub/x.safetensors'}} | is not the name of a",
                "{'weight_map':{'a':'config.json'}} | is not the name of a",
                "{'weight_map':{'a':'x\\u0000.safetensors'}} | is no index",
                "{'weight_map':{'a':'x.safetensors'}} | 'x.safetensors' is not in the same folder",
                "{'weight_map':{'a':'model-00001-of-00003.safetensors','a':'y.safetensors'}} | has 'a' twice",
                "{'weight_map':{'a':7}} | 'a' is in no file",
                "{'weight_map':{'a':'model-00001-of-00003.safetensors'},'weight_map':{}} | two weight_maps",
                "{'weight_map':{}} | missing or empty",
                "{'metadata':{}} | missing or empty",
                "[] | is no index",
                "{'weight_map': | is no index",
                "{'weight_map':{'b':'model-00002-of-00003.safetensors'}} | not in the index are [a]",
                "{'weight_map':{'a':'C:x.safetensors'}} | is not the name of a",
                "{'weight_map':{'a':'sub\\\\x.safetensors'}} | is not the name of a",
                "{'weight_map':{'a':'model-00002-of-00003.safetensors','b':'model-00002-of-00003.safetensors','e':'model-00002-of-00003.safetensors'}} | missing are [e]"
            })
    void aWrongIndexIsRefused(String json, String reason) throws IOException {
        SafeTensors.saveSharded(temp, arrays(), Map.of(), 12);
        Files.writeString(temp.resolve(INDEX), json.replace('\'', '"'));

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.load(temp, manager))
                .withMessageContaining(temp.toString())
                .withMessageContaining(reason);
    }

    @Test
    void aLargeOrDeepIndexIsRefused() throws IOException {
        for (String text : List.of(" ".repeat(5_000_000), "{\"metadata\":" + "[".repeat(100_000))) {
            Files.writeString(temp.resolve(INDEX), text);

            long allocated = Allocated.bytes(() -> assertThatIOException()
                    .isThrownBy(() -> SafeTensors.load(temp, manager))
                    .withMessageContaining("is no index"));

            assertThat(allocated).isLessThan(1_000_000);
        }
    }

    private NDList filled(float number, int... sizes) {
        NDList arrays = new NDList();
        for (int size : sizes) {
            NDArray array = manager.full(new Shape(size), number);
            array.setName(String.valueOf((char) ('a' + arrays.size())));
            arrays.add(array);
        }
        return arrays;
    }

    @Test
    void shardsAreCutAsHuggingFaceDoes() throws IOException {
        for (JsonElement element : Golden.read("sharding").getAsJsonArray("cases")) {
            JsonObject golden = element.getAsJsonObject();
            int[] sizes = golden.getAsJsonArray("sizes").asList().stream()
                    .mapToInt(JsonElement::getAsInt)
                    .toArray();

            SafeTensors.saveSharded(
                    temp, filled(0, sizes), Map.of(), golden.get("limit").getAsLong());

            Map<String, String> places = new TreeMap<>();
            for (String file : files()) {
                if (!file.equals(INDEX)) {
                    SafeTensors.load(temp.resolve(file), manager)
                            .forEach(array -> places.put(array.getName(), file));
                }
            }
            Map<String, String> expected = new TreeMap<>();
            golden.getAsJsonObject("files")
                    .asMap()
                    .forEach((name, file) -> expected.put(name, file.getAsString()));
            assertThat(places).as(golden.toString()).isEqualTo(expected);
        }
    }

    @Test
    void whatWasThereBeforeIsReplaced() throws IOException {
        Files.createFile(temp.resolve("config.json"));
        int number = 0;
        // From one file to three shards, to two, to the same two and back.
        for (int limit : List.of(100, 4, 8, 8, 100)) {
            number++;

            Path path = SafeTensors.saveSharded(temp, filled(number, 1, 1, 1), Map.of(), limit);

            for (Path place : List.of(temp, path)) {
                for (NDArray array : SafeTensors.load(place, manager)) {
                    assertThat(array.toFloatArray()).containsExactly(number);
                }
            }
            assertThat(files()).hasSize(limit == 100 ? 2 : 2 + (limit == 4 ? 3 : 2));
            assertThat(files()).contains("config.json", path.getFileName().toString());
        }
    }

    @Test
    void anIndexIsGoneBeforeItsShardsChange() throws IOException {
        SafeTensors.saveSharded(temp, filled(1, 1, 1, 1), Map.of(), 8);
        // The second shard cannot be replaced.
        Path second = temp.resolve("model-00002-of-00002.safetensors");
        Files.delete(second);
        Files.createDirectories(second.resolve("full"));

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.saveSharded(temp, filled(2, 1, 1, 1), Map.of(), 8));

        assertThat(temp.resolve(INDEX)).doesNotExist();
    }

    @Test
    void arraysThatCannotBeSavedLeaveTheFolderAlone() throws IOException {
        SafeTensors.saveSharded(temp, arrays(), Map.of(), 12);
        List<String> before = files();
        NDList unnamed = new NDList(manager.zeros(new Shape(1)), manager.zeros(new Shape(1)));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> SafeTensors.saveSharded(temp, unnamed, Map.of(), 12));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SafeTensors.saveSharded(temp, arrays(), Map.of(), 0))
                .withMessage("maxShardSize must be at least 1 byte, is 0.");

        assertThat(files()).isEqualTo(before);
    }

    @Test
    void anIndexOfOtherArraysIsRefusedInShort() throws IOException {
        SafeTensors.saveSharded(temp, arrays(), Map.of(), 12);
        StringBuilder map = new StringBuilder("{\"weight_map\":{");
        for (int i = 0; i < 10_000; i++) {
            map.append(String.format("\"%d\":\"model-00001-of-00003.safetensors\",", i));
        }
        map.setCharAt(map.length() - 1, '}');
        Files.writeString(temp.resolve(INDEX), map + "}");

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.load(temp, manager))
                .withMessageContaining(
                        "missing are 10000 names such as '0', not in the index are [c]")
                .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(500));
    }

    @Test
    void anEmptyFolderIsRefusedWithWhatToDo() throws IOException {
        Files.createFile(temp.resolve("pytorch_model.bin"));

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.load(temp, manager))
                .withMessageContaining("safetensors.torch.save_file");
    }
}
