package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

import ai.djl.repository.RemoteRepository;
import ai.djl.repository.Repository;
import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** Downloads from a folder that is laid out like DJL's repository into a cache in a folder. */
class Cifar10DownloadTest {

    private static final String PLACE = "dataset/cv/ai/djl/basicdataset/cifar10";

    @TempDir
    Path temp;

    private Path remote;

    @BeforeEach
    void layOut() throws Exception {
        remote = temp.resolve("remote").resolve(PLACE);
        byte[] train = gzip(CifarDatasetTest.records(1, 3, 7));
        byte[] test = gzip(CifarDatasetTest.records(1, 2, 5));
        Files.createDirectories(remote.resolve("1.0"));
        Files.write(remote.resolve("1.0/data_batch.bin.gz"), train);
        Files.write(remote.resolve("1.0/test_batch.bin.gz"), test);
        Files.writeString(remote.resolve("metadata.json"), """
                {"metadataVersion": "0.1", "groupId": "ai.djl.basicdataset", "artifactId": "cifar10",
                 "artifacts": [{"version": "1.0", "name": "cifar10", "files": {
                   "data_batch.bin": {"uri": "1.0/data_batch.bin.gz", "sha1Hash": "%s", "size": %d},
                   "test_batch.bin": {"uri": "1.0/test_batch.bin.gz", "sha1Hash": "%s", "size": %d}
                 }}]}
                """.formatted(
                        sha1(train), train.length, sha1(test), test.length));
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream zipped = new ByteArrayOutputStream();
        try (OutputStream out = new GZIPOutputStream(zipped)) {
            out.write(bytes);
        }
        return zipped.toByteArray();
    }

    private static String sha1(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(bytes));
    }

    /** One that keeps its files in the test's folder, wherever DJL's own cache lies. */
    private Repository repository(URI place) {
        return new RemoteRepository("test", place) {
            @Override
            public Path getCacheDirectory() throws IOException {
                return Files.createDirectories(temp.resolve("cache"));
            }
        };
    }

    private Path download(Usage usage) throws IOException {
        return Cifar10Download.file(repository(temp.resolve("remote").toUri()), usage);
    }

    private static CifarDataset open(Path file, Usage usage) throws IOException {
        return CifarDataset.builder()
                .setDownloaded(file)
                .optUsage(usage)
                .setSampling(2, false)
                .build();
    }

    @Test
    void bothPartsAreDownloadedOnceAndRead() throws IOException {
        Path file = download(Usage.TRAIN);
        assertThat(file).startsWith(temp.resolve("cache"));
        CifarDataset train = open(file, Usage.TRAIN);
        assertThat(train.size()).isEqualTo(3);
        assertThat(train.label(2)).isEqualTo(7);
        assertThat(train.getName()).isEqualTo("cifar10");
        assertThat(train.getClasses()).startsWith("airplane").hasSize(10);

        Files.delete(remote.resolve("1.0/data_batch.bin.gz"));
        Files.delete(remote.resolve("1.0/test_batch.bin.gz"));
        CifarDataset test = open(download(Usage.TEST), Usage.TEST);
        assertThat(test.size()).isEqualTo(2);
        assertThat(test.label(0)).isEqualTo(5);
    }

    /** The five files of the archive and the one file of DJL are the same images. */
    @Test
    void theChecksumIsThatOfTheUnpackedArchive() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("unpacked"));
        byte[] image = CifarDatasetTest.records(1, 1, 7);
        for (int i = 1; i <= 5; i++) {
            Files.write(
                    folder.resolve("data_batch_" + i + ".bin"), i <= 3 ? image : new byte[3073]);
        }
        byte[] joined = Arrays.copyOf(CifarDatasetTest.records(1, 3, 7), 5 * 3073);
        Path file = Files.write(temp.resolve("data_batch.bin"), joined);
        PixelDataset unpacked =
                CifarDataset.builder().setPath(folder).setSampling(2, false).build();
        assertThat(open(file, Usage.TRAIN).getChecksum()).isEqualTo(unpacked.getChecksum());
    }

    @Test
    void aWrongChecksumIsRefusedAndNothingIsKept() throws IOException {
        Files.write(remote.resolve("1.0/test_batch.bin.gz"), gzip(new byte[3073]));
        assertThatIOException()
                .isThrownBy(() -> download(Usage.TRAIN))
                .withMessageStartingWith("cannot download CIFAR-10 from file:")
                .withMessageContaining("Checksum error: test_batch.bin, expected sha1")
                .withMessageContaining("cifar-10-binary.tar.gz");
        assertThat(kept()).isEmpty();
    }

    @Test
    void aDownloadThatIsCutOffIsRefusedAndNothingIsKept() throws IOException {
        Path file = remote.resolve("1.0/data_batch.bin.gz");
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
        assertThatIOException()
                .isThrownBy(() -> download(Usage.TRAIN))
                .withMessageContaining("EOFException: Unexpected end of ZLIB input stream")
                .withMessageContaining("try again");
        assertThat(kept()).isEmpty();
    }

    private List<Path> kept() throws IOException {
        try (Stream<Path> files = Files.walk(temp.resolve("cache"))) {
            return files.filter(file -> file.toString().endsWith(".bin")).toList();
        }
    }

    @Test
    void withoutANetworkTheMessageSaysWhatToDo() {
        Repository nowhere = repository(URI.create("http://localhost:1/"));
        assertThatIOException()
                .isThrownBy(() -> Cifar10Download.file(nowhere, Usage.TRAIN))
                .withMessageStartingWith(
                        "cannot download CIFAR-10 from http://localhost:1/ (ConnectException: ")
                .withMessageEndingWith("unpack it and give its folder instead of \"cifar10\"");
    }

    @Test
    void aRepositoryWithoutThePartIsRefused() throws IOException {
        Path metadata = remote.resolve("metadata.json");
        Files.writeString(
                metadata, Files.readString(metadata).replace("\"test_batch.bin\"", "\"other\""));
        assertThatIOException()
                .isThrownBy(() -> download(Usage.TEST))
                .withMessageContaining("it has no test_batch.bin of cifar10 1.0");
    }

    @Test
    void aFileThatWasDamagedInTheCacheIsToBeDeleted() throws IOException {
        Path file = download(Usage.TRAIN);
        Files.write(file, new byte[5000]);
        assertThatIOException()
                .isThrownBy(() -> open(file, Usage.TRAIN))
                .withMessageContaining("it has 5000 bytes")
                .withMessageEndingWith(
                        "delete the folder %s, and it is downloaded again", file.getParent());
    }
}
