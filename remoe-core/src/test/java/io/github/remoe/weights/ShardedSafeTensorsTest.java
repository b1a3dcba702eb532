package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

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
    void shardsAreFilledInTheOrderOfTheArrays() throws IOException {
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
                    "a": "model-00001-of-00003.safetensors",
                    "b": "model-00001-of-00003.safetensors",
                    "c": "model-00002-of-00003.safetensors",
                    "d": "model-00003-of-00003.safetensors"
                  }
                }""");
    }

    @Test
    void anIndexAndItsFolderAreReadAsOneFile() throws IOException {
        Path index = SafeTensors.saveSharded(temp, arrays(), Map.of("format", "pt"), 12);

        for (Path path : List.of(index, temp)) {
            NDList read = SafeTensors.load(path, manager);
            assertThat(read.stream().map(NDArray::getName)).containsExactly("a", "b", "c", "d");
            assertThat(read.get("c").toFloatArray()).hasSize(10).containsOnly(2);
            assertThat(SafeTensors.loadMetadata(path)).isEqualTo(Map.of("format", "pt"));
        }
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
                "{'weight_map':{'a':'model-00001-of-00003.safetensors'}} | not in the index are [b]",
                "{'weight_map':{'a':'model-00001-of-00003.safetensors','b':'model-00001-of-00003.safetensors','e':'model-00001-of-00003.safetensors'}} | missing are [e]"
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

    @Test
    void anEmptyFolderIsRefusedWithWhatToDo() throws IOException {
        Files.createFile(temp.resolve("pytorch_model.bin"));

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.load(temp, manager))
                .withMessageContaining("safetensors.torch.save_file");
    }
}
