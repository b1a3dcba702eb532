package io.github.remoe.inference;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.repository.LocalRepository;
import ai.djl.repository.Repository;
import ai.djl.repository.RepositoryFactory;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The other folders of an application must not notice that this library is there. */
class ModelFolderRepositoriesTest {

    private static final String METADATA = "{\"metadataVersion\": \"0.2\", \"resourceType\":"
            + " \"model\", \"application\": \"nlp\", \"groupId\": \"a\", \"artifactId\": \"b\","
            + " \"artifacts\": []}";

    @TempDir
    private Path temp;

    @BeforeEach
    void makeFolders() throws IOException {
        write("zoo/model/nlp/a/b/metadata.json", METADATA);
        write("flat/metadata.json", METADATA);
        write("damaged/model/nlp/a/b/metadata.json", "{");
        write("lacking/model/nlp/a/b/metadata.json", "{}");
        write("other/serving.properties", "translatorFactory=a.B\n");
        write("unreadable/serving.properties", "key=\\u12\n");
        write("outer/inner/model-0000.params", "");
        write("model.zip", "");
        write("with space/model-0000.params", "");
        Files.createDirectories(temp.resolve("empty"));
    }

    private void write(String file, String content) throws IOException {
        Files.createDirectories(temp.resolve(file).getParent());
        Files.writeString(temp.resolve(file), content);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "zoo",
                "flat",
                "damaged",
                "lacking",
                "other",
                "unreadable",
                "outer",
                "model.zip",
                "with%20space?model_name=c&artifact_id=d",
                "zoo?translatorFactory=a.B",
                "empty",
                "none"
            })
    void otherFoldersAreOpenedAsByDjl(String path) throws Exception {
        URI uri = URI.create(temp.toUri() + path);
        Repository ours = new ModelFolderRepositories().newInstance("name", uri);
        Repository expected = djl().newInstance("name", uri);

        assertThat(ours instanceof LocalRepository).isEqualTo(expected instanceof LocalRepository);
        assertThat(ours.getName()).isEqualTo(expected.getName());
        assertThat(ours.getBaseUri()).isEqualTo(expected.getBaseUri());
        assertThat(ours.isRemote()).isEqualTo(expected.isRemote());
        assertThat(ours.getResources().toString())
                .isEqualTo(expected.getResources().toString());
        for (int i = 0; i < ours.getResources().size(); i++) {
            assertThat(String.valueOf(ours.getResources().get(i).getDefaultArtifact()))
                    .isEqualTo(String.valueOf(expected.getResources().get(i).getDefaultArtifact()));
        }
    }

    /** DJL's own, which is private. */
    private static RepositoryFactory djl() throws ReflectiveOperationException {
        Constructor<?> constructor = Class.forName(
                        "ai.djl.repository.RepositoryFactoryImpl$LocalRepositoryFactory")
                .getDeclaredConstructor();
        constructor.setAccessible(true);
        return (RepositoryFactory) constructor.newInstance();
    }

    /** DJL looks for all factories at once, and would load no model if one did not link. */
    @Test
    void gsonIsNotNeededToBeFound() throws Exception {
        URL[] urls = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("gson"))
                .map(entry -> toUrl(Path.of(entry)))
                .toArray(URL[]::new);
        try (URLClassLoader loader =
                new URLClassLoader(urls, ClassLoader.getPlatformClassLoader())) {
            assertThat(loader.getResource("com/google/gson/Gson.class")).isNull();
            Class<?> type = loader.loadClass(ModelFolderRepositories.class.getName());
            Object factory = type.getDeclaredConstructor().newInstance();
            URI uri = temp.resolve("other").toUri();
            assertThat(type.getMethod("newInstance", String.class, URI.class)
                            .invoke(factory, "name", uri))
                    .isNotNull();
        }
    }

    private static URL toUrl(Path path) {
        try {
            return path.toUri().toURL();
        } catch (IOException e) {
            throw new IllegalArgumentException(e);
        }
    }
}
