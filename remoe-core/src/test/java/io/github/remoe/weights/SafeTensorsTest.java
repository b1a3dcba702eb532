package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Against files of the Python library. */
class SafeTensorsTest {

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

    private static Path golden() throws URISyntaxException {
        return golden("types");
    }

    private static Path golden(String name) throws URISyntaxException {
        return Path.of(SafeTensorsTest.class
                .getResource("/golden/" + name + ".safetensors")
                .toURI());
    }

    @Test
    void everyTypeOfThePythonLibraryIsRead() throws Exception {
        JsonObject expected = Golden.read("types_safetensors");

        NDList arrays = SafeTensors.load(golden(), manager);
        arrays.addAll(SafeTensors.load(golden("bfloat16"), manager));

        assertThat(arrays.stream().map(NDArray::getName))
                .containsExactlyInAnyOrderElementsOf(expected.keySet());
        for (NDArray array : arrays) {
            JsonObject golden = expected.getAsJsonObject(array.getName());
            assertThat(array.getShape()).isEqualTo(Golden.shape(golden.get("shape")));
            assertThat(String.join(" ", numbers(array)))
                    .as(array.getName())
                    .isEqualTo(golden.get("data").getAsString());
        }
        assertThat(arrays.get("F32").getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(arrays.get("BF16").getDataType()).isEqualTo(DataType.FLOAT32);
        assertThat(arrays.get("F16").getDataType()).isEqualTo(DataType.FLOAT16);
        assertThat(SafeTensors.loadMetadata(golden()))
                .isEqualTo(Map.of("gr\u00f6\u00dfe", "a \"b\" <c>\n"));
    }

    /** As Python prints them. */
    private static String[] numbers(NDArray array) {
        if (array.size() == 0) {
            return new String[0];
        }
        if (array.getDataType() == DataType.BOOLEAN) {
            boolean[] values = array.toBooleanArray();
            String[] texts = new String[values.length];
            Arrays.setAll(texts, i -> values[i] ? "True" : "False");
            return texts;
        }
        if (array.getDataType().isInteger()) {
            long[] values = array.toType(DataType.INT64, false).toLongArray();
            return Arrays.stream(values).mapToObj(Long::toString).toArray(String[]::new);
        }
        double[] values = array.toType(DataType.FLOAT64, false).toDoubleArray();
        return Arrays.stream(values)
                .mapToObj(x ->
                        Double.isNaN(x) ? "nan" : Double.isInfinite(x) ? "inf" : Double.toString(x))
                .toArray(String[]::new);
    }

    @Test
    void whatIsWrittenIsWhatThePythonLibraryWrites() throws Exception {
        Path file = temp.resolve("copy.safetensors");

        SafeTensors.save(
                file, SafeTensors.load(golden(), manager), SafeTensors.loadMetadata(golden()));

        assertThat(file).hasSameBinaryContentAs(golden());
        try (Stream<Path> files = Files.list(temp)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void wantedArraysAloneAreRead() throws Exception {
        NDList arrays = SafeTensors.load(golden(), manager, "F64"::equals);

        assertThat(arrays).hasSize(1);
        assertThat(arrays.head().getName()).isEqualTo("F64");
    }

    @Test
    void rowsAloneAreRead() throws Exception {
        Path file = temp.resolve("rows.safetensors");
        NDArray numbers = manager.arange(24).toType(DataType.FLOAT32, false).reshape(4, 3, 2);
        numbers.setName("numbers");
        NDArray before = manager.zeros(new Shape(5));
        before.setName("before");
        SafeTensors.save(file, new NDList(before, numbers), Map.of());

        NDArray rows = SafeTensors.loadRows(file, manager, "numbers", 3, 1);

        assertThat(rows.getShape()).isEqualTo(new Shape(2, 3, 2));
        assertThat(rows.toFloatArray()).containsExactly(18, 19, 20, 21, 22, 23, 6, 7, 8, 9, 10, 11);
        assertThat(SafeTensors.loadRows(file, manager, "numbers").getShape())
                .isEqualTo(new Shape(0, 3, 2));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SafeTensors.loadRows(file, manager, "numbers", 4))
                .withMessageContaining("rows 0 to 3, got 4");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> SafeTensors.loadRows(file, manager, "none", 0))
                .withMessageContaining("no array 'none'");
    }

    @Test
    void aLoadedArrayOwnsItsMemory() throws Exception {
        Path file = temp.resolve("large.safetensors");
        NDArray numbers = manager.arange(1_000_000).toType(DataType.FLOAT32, false);
        numbers.setName("numbers");
        SafeTensors.save(file, new NDList(numbers), Map.of());

        NDArray loaded = SafeTensors.load(file, manager).head();
        for (int i = 0; i < 3; i++) {
            SafeTensors.load(file, manager).close();
            System.gc();
        }

        assertThat(loaded).isEqualTo(numbers);
    }

    @Test
    void aViewIsWrittenAsItLooks() throws IOException {
        Path file = temp.resolve("view.safetensors");
        NDArray view =
                manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3)).transpose();
        view.setName("view");

        SafeTensors.save(file, new NDList(view), Map.of());

        NDArray loaded = SafeTensors.load(file, manager).head();
        assertThat(loaded.getShape()).isEqualTo(new Shape(3, 2));
        assertThat(loaded.toFloatArray()).containsExactly(1, 4, 2, 5, 3, 6);
        assertThat(SafeTensors.loadMetadata(file)).isEmpty();
    }

    @Test
    void anArrayNeedsANameOfItsOwn() {
        NDArray array = manager.create(1f);
        Path file = temp.resolve("x");

        assertThatIllegalArgumentException()
                .isThrownBy(() -> SafeTensors.save(file, new NDList(array), Map.of()))
                .withMessageContaining("needs a name");
        array.setName("a");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SafeTensors.save(file, new NDList(array, array), Map.of()))
                .withMessageContaining("'a'");
        assertThat(file).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 9, 400, 791, 792, 800, 850, 900})
    void aFileThatIsCutOffIsRefused(int bytes) throws Exception {
        Path file = temp.resolve("cut");
        byte[] whole = Files.readAllBytes(golden());
        assertThat(whole.length).isGreaterThan(bytes);
        Files.write(file, Arrays.copyOf(whole, bytes));

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> SafeTensors.load(file, manager))
                .withMessageContaining(file.toString())
                .withMessageContaining("is cut off");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,7]}} | 7 | has 7 bytes, expected 8",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 7 | is cut off",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}} | 9 | 8 bytes of arrays, the file has 9",
                "{'a':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}} | 12 | there is a gap",
                "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[4],'data_offsets':[2,6]}} | 6 | arrays overlap",
                "{'a':{'dtype':'U8','shape':[4],'data_offsets':[0,4]},'b':{'dtype':'U8','shape':[4],'data_offsets':[0,4]}} | 4 | arrays overlap",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]},'a':{'dtype':'U8','shape':[1],'data_offsets':[1,2]}} | 2 | two arrays 'a'",
                "{'a':{'dtype':'F8_E4M3','shape':[1],'data_offsets':[0,1]}} | 1 | the type F8_E4M3",
                "{'a':{'dtype':'U8','shape':[-1],'data_offsets':[0,1]}} | 1 | a whole number of 0 or more",
                "{'a':{'dtype':'U8','shape':[1.5],'data_offsets':[0,1]}} | 1 | header cannot be read",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[1,0]}} | 1 | lies at [1, 0]",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0]}} | 1 | lies at [0]",
                "{'a':{'dtype':'F32','shape':[4611686018427387904,4],'data_offsets':[0,0]}} | 0 | more than any file has",
                "{'a':{'dtype':'F32','shape':[0,4611686018427387904,4],'data_offsets':[0,0]}} | 0 | more than any file has",
                "{'a':{'dtype':'U8','shape':[99999999999999999999],'data_offsets':[0,0]}} | 0 | more than any file has",
                "{'a':{'dtype':'U8','shape':[01],'data_offsets':[0,1]}} | 1 | a whole number",
                "{'a':{'dtype':'U8','shape':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],'data_offsets':[0,1]}} | 1 | more than 32 numbers",
                "{'a':{'dtype':'U8','dtype':'U8','shape':[1],'data_offsets':[0,1]}} | 1 | has two dtype",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1],'crc':'x'}} | 1 | has an unknown 'crc'",
                "{'__metadata__':{'k':'v','k':'w'}} | 0 | two texts 'k'",
                "{'__metadata__':{'k':'\\x'}} | 0 | \\x in a text",
                "{'__metadata__':{'k':'\\u12'}} | 0 | 4 hexadecimal digits",
                "{'__metadata__':{'k':'v}} | 0 | text without an end",
                "{'a':{'shape':[1],'data_offsets':[0,1]}} | 1 | has no dtype",
                "{'a':3} | 1 | header cannot be read",
                "{'__metadata__':{'k':{}},'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}} | 1 | header cannot be read",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]} | 1 | header cannot be read",
                "{'a':{'dtype':'U8','shape':[1],'data_offsets':[0,1]}}x | 1 | header cannot be read",
                "[] | 0 | does not start with '{'"
            })
    void aGarbledHeaderIsRefused(String header, int dataBytes, String reason) throws IOException {
        Path file = temp.resolve("garbled");
        byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json);
        Files.write(file, bytes.array());

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> SafeTensors.load(file, manager))
                .withMessageContaining(file.toString())
                .withMessageContaining(reason);
    }

    @Test
    void everyEscapeOfATextIsRead() throws IOException {
        Path file = write("{\"__metadata__\":{\"k\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\u00e9\"}}");

        assertThat(SafeTensors.loadMetadata(file))
                .isEqualTo(Map.of("k", "\"\\/\b\f\n\r\t\u00e9\u00e9"));
    }

    /** Each of a million bytes, and made to have a parser take many times that. */
    @ParameterizedTest
    @ValueSource(strings = {"[", "{\"a\":", "0,", "a", "\\n"})
    void aHeaderThatGoesOnAndOnIsRefusedAtOnce(String again) throws IOException {
        String much = again.repeat(1_000_000 / again.length());
        for (String before : List.of(
                "{\"a\":",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[",
                "{\"a\":{\"dtype\":\"",
                "{\"")) {
            Path file = write(before + much);
            // The first time takes more: classes are loaded.
            assertThatIOException().isThrownBy(() -> SafeTensors.load(file, manager));
            long allocated = Allocated.bytes(() -> assertThatIOException()
                    .isThrownBy(() -> SafeTensors.load(file, manager))
                    .withMessageContaining("header cannot be read: "));

            assertThat(allocated).isLessThan(Files.size(file) + 200_000);
        }
    }

    @Test
    void aFileOfNothingButEmptyArraysIsRefused() throws IOException {
        StringBuilder json = new StringBuilder("{");
        for (int i = 0; i < 20_000; i++) {
            json.append(String.format(
                    "\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},", i));
        }
        json.setCharAt(json.length() - 1, '}');

        assertThatIOException()
                .isThrownBy(() -> SafeTensors.load(write(json.toString()), manager))
                .withMessageContaining("more than 10000 arrays");
    }

    private Path write(String header) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json);
        return Files.write(temp.resolve("header.safetensors"), bytes.array());
    }

    /** Six pieces of a megabyte, or of half that in the file, and a rest. */
    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void aLargeArrayIsReadInPieces(String type) throws IOException {
        int size = 1_500_002;
        int bytes = type.equals("F32") ? Float.BYTES : Short.BYTES;
        byte[] header = String.format(
                        "{\"a\":{\"dtype\":\"%s\",\"shape\":[2,%d],\"data_offsets\":[0,%d]}}",
                        type, size / 2, size * bytes)
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer content = ByteBuffer.allocate(Long.BYTES + header.length + size * bytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header);
        // Seven bits of a fraction are all that bfloat16 has.
        for (int i = 0; i < size; i++) {
            int bits = Float.floatToIntBits(1 + i % 127 / 128f);
            if (type.equals("F32")) {
                content.putInt(bits);
            } else {
                content.putShort((short) (bits >> Short.SIZE));
            }
        }
        Path file = Files.write(temp.resolve("large.safetensors"), content.array());
        SafeTensors.load(file, manager).close();
        NDList[] arrays = new NDList[1];

        long allocated = Allocated.bytes(() -> {
            try {
                arrays[0] = SafeTensors.load(file, manager);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });

        assertThat(allocated).isLessThan(2_000_000);
        assertThat(arrays[0].head().getShape()).isEqualTo(new Shape(2, size / 2));
        float[] expected = new float[size];
        for (int i = 0; i < size; i++) {
            expected[i] = 1 + i % 127 / 128f;
        }
        assertThat(arrays[0].head().toFloatArray()).isEqualTo(expected);
        assertThat(manager.getManagedArrays()).hasSize(1);
    }

    @Test
    void aFileOfAnotherKindIsRefused() throws IOException {
        Path file = temp.resolve("other");
        Files.writeString(file, "Not a safetensors file at all.");

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> SafeTensors.load(file, manager))
                .withMessageContaining("is no safetensors file");
    }
}
