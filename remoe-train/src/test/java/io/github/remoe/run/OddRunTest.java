package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThatIOException;

import ai.djl.Device;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Run folders with one file that is not what it should be. */
class OddRunTest {

    @TempDir
    private Path path;

    private RunFolder folder;

    @BeforeEach
    void createRun() throws IOException {
        folder = new RunFolder(path);
        folder.create(Configs.tiny(), Configs.INFO);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "classes | null | classes is missing",
                "classes | [null] | classes has null in it",
                "dataset | null | dataset is missing",
                "dataChecksum | null | dataChecksum is missing",
                "device | null | device is missing",
                "versions | null | versions is missing",
                "versions | 3 | Expected BEGIN_OBJECT",
            })
    void aRunThatLacksSomethingIsRefusedWithTheReason(String name, String value, String reason)
            throws IOException {
        Path file = path.resolve("run.json");
        JsonObject info = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
        info.add(name, JsonParser.parseString(value));
        Files.writeString(file, info.toString());

        assertThatIOException()
                .isThrownBy(folder::readInfo)
                .withMessageStartingWith(file + " cannot be read: ")
                .withMessageContaining(reason)
                .withMessageEndingWith("Copy it again, or train again.");
    }

    @Test
    void bytesAreNamedAsSuch() throws IOException {
        byte[] bytes = new byte[100];
        new Random(7).nextBytes(bytes);
        for (String name : new String[] {"config.yaml", "run.json", "results.json"}) {
            Files.write(path.resolve(name), bytes);
        }

        assertThatIOException()
                .isThrownBy(folder::readConfig)
                .withMessageContaining("config.yaml cannot be read: it is no text in UTF-8")
                .withMessageEndingWith("Copy it again, or train again.");
        assertThatIOException()
                .isThrownBy(folder::readInfo)
                .withMessageContaining("run.json cannot be read: it is no text in UTF-8");
        assertThatIOException()
                .isThrownBy(folder::readResults)
                .withMessageContaining("results.json cannot be read: it is no text in UTF-8")
                .withMessageEndingWith("Copy it again, or evaluate again.");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"random", "XJD@", "DJL@", "version https://git-lfs.github.com/spec/v1\n"})
    void parametersOfAnotherFormatAreRefused(String beginning) throws IOException {
        byte[] bytes = new byte[10_000];
        new Random(7).nextBytes(bytes);
        byte[] start = beginning.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(start, 0, bytes, 0, start.length);
        Files.write(path.resolve("last-0001.params"), bytes);

        assertThatIOException()
                .isThrownBy(() -> folder.loadModel(Device.cpu()))
                .withMessageContaining("The model in " + path + " cannot be loaded");
    }
}
