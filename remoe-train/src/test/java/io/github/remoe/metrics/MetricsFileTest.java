package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A disk that is full for a while. */
class MetricsFileTest {

    @TempDir
    private Path folder;

    private int free = Integer.MAX_VALUE;
    private int opened;

    private final class OnFullDisk extends MetricsFile {

        OnFullDisk() {
            super(folder.resolve("file"));
        }

        @Override
        RandomAccessFile open(Path path, long step) throws IOException {
            opened++;
            return new RandomAccessFile(path.toFile(), "rw") {
                @Override
                public void write(byte[] bytes) throws IOException {
                    super.write(bytes, 0, Math.min(free, bytes.length));
                    if (bytes.length > free) {
                        throw new IOException("No space left on device");
                    }
                }
            };
        }

        @Override
        byte[] header(Measurement first, long step) {
            return ("from " + step + "\n").getBytes();
        }

        @Override
        byte[] record(Measurement measurement) {
            return (measurement.step() + "\n").getBytes();
        }
    }

    private static Measurement step(long number) {
        return new Measurement(number, 1, Map.of());
    }

    private String content() throws IOException {
        return Files.readString(folder.resolve("file"));
    }

    @Test
    void aFullDiskLeavesNoHalfRecordAndLaterOnesAreWrittenAgain() throws Exception {
        MetricsFile file = new OnFullDisk();
        file.startAt(11);
        file.append(step(11));
        free = 1;
        file.append(step(12));
        assertThat(content()).isEqualTo("from 11\n11\n");
        file.append(step(13));
        free = Integer.MAX_VALUE;
        file.append(step(14));
        file.close();

        assertThat(content()).isEqualTo("from 11\n11\n14\n");
        assertThat(opened).isEqualTo(1);
    }

    @Test
    void aDiskThatIsFullFromTheStartLeavesNoHalfHeader() throws Exception {
        MetricsFile file = new OnFullDisk();
        file.startAt(1);
        free = 10;
        file.append(step(1000));
        assertThat(content()).isEmpty();
        free = Integer.MAX_VALUE;
        file.append(step(1001));
        file.close();

        assertThat(content()).isEqualTo("from 1\n1001\n");
    }
}
