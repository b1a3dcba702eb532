package io.github.remoe.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32C;

/** Reads event files by hand; {@code src/test/python/event_files.py} reads a run's by TensorBoard. */
class TensorBoardMetricsTest {

    @TempDir
    private Path folder;

    private static Measurement measurement(long step, String name, double value) {
        return new Measurement(step, 1, new LinkedHashMap<>(Map.of(name, value)));
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    /** The data of each record, whose checksums are checked. */
    private static List<ByteBuffer> records(Path file) throws IOException {
        ByteBuffer bytes = little(ByteBuffer.wrap(Files.readAllBytes(file)));
        List<ByteBuffer> records = new ArrayList<>();
        while (bytes.hasRemaining()) {
            ByteBuffer length = cut(bytes, 8);
            assertThat(bytes.getInt()).isEqualTo(maskedCrc(length));
            ByteBuffer data = cut(bytes, (int) length.getLong(0));
            assertThat(bytes.getInt()).isEqualTo(maskedCrc(data));
            records.add(data);
        }
        return records;
    }

    private static ByteBuffer little(ByteBuffer bytes) {
        return bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer cut(ByteBuffer bytes, int length) {
        ByteBuffer part = little(bytes.slice(bytes.position(), length));
        bytes.position(bytes.position() + length);
        return part;
    }

    private static int maskedCrc(ByteBuffer data) {
        CRC32C crc = new CRC32C();
        crc.update(data.duplicate());
        long value = crc.getValue();
        return (int) (((value >>> 15 | value << 17) + 0xa282ead8L) & 0xffffffffL);
    }

    /** The fields of a message by number: Long, Double, Float or ByteBuffer; repeated ones listed. */
    private static Map<Integer, List<Object>> fields(ByteBuffer message) {
        Map<Integer, List<Object>> fields = new LinkedHashMap<>();
        while (message.hasRemaining()) {
            int key = (int) varint(message);
            Object value = switch (key & 7) {
                case 0 -> varint(message);
                case 1 -> message.getDouble();
                case 2 -> cut(message, (int) varint(message));
                case 5 -> message.getFloat();
                default -> throw new AssertionError("wire type " + (key & 7));
            };
            fields.computeIfAbsent(key >> 3, number -> new ArrayList<>()).add(value);
        }
        return fields;
    }

    private static long varint(ByteBuffer bytes) {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = bytes.get();
            value |= (next & 0x7FL) << shift;
            if (next >= 0) {
                return value;
            }
        }
    }

    private static String text(Object bytes) {
        return StandardCharsets.UTF_8.decode((ByteBuffer) bytes).toString();
    }

    /** The scalars of an event by tag. */
    private static Map<String, Float> scalars(Map<Integer, List<Object>> event) {
        Map<String, Float> scalars = new LinkedHashMap<>();
        for (Object value : fields((ByteBuffer) event.get(5).get(0)).get(1)) {
            Map<Integer, List<Object>> scalar = fields((ByteBuffer) value);
            scalars.put(text(scalar.get(1).get(0)), (float) scalar.get(2).get(0));
        }
        return scalars;
    }

    @Test
    void aFileIsItsVersionASessionStartAndTheValues() throws Exception {
        TensorBoardMetrics board = new TensorBoardMetrics(folder);
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("loss/total", 2.5);
        values.put("accuracy/robust", 0.1);
        values.put("gate/angle", Double.NaN);
        board.onMeasuringFrom(300, 1);
        board.onStepMeasured(new Measurement(300, 1, values));
        board.onStepMeasured(measurement(301, "loss/total", -1e-30));

        // Without closing: each event is in the file when its step ends.
        assertThat(files())
                .singleElement()
                .satisfies(file -> assertThat(file.getFileName()).asString().contains("tfevents"));
        List<Map<Integer, List<Object>>> events = records(files().get(0)).stream()
                .map(TensorBoardMetricsTest::fields)
                .toList();
        assertThat(events).hasSize(4);
        assertThat(text(events.get(0).get(3).get(0))).isEqualTo("brain.Event:2");
        // 300 takes two bytes as a varint.
        assertThat(events.get(1).get(2)).containsExactly(300L);
        assertThat(fields((ByteBuffer) events.get(1).get(7).get(0)))
                .isEqualTo(Map.of(1, List.of(1L)));
        assertThat(events.get(2).get(2)).containsExactly(300L);
        assertThat(scalars(events.get(2)))
                .isEqualTo(Map.of("loss/total", 2.5f, "accuracy/robust", 0.1f));
        assertThat(events.get(3).get(2)).containsExactly(301L);
        assertThat(scalars(events.get(3))).isEqualTo(Map.of("loss/total", -1e-30f));
        assertThat((double) events.get(3).get(1).get(0))
                .isCloseTo(System.currentTimeMillis() / 1000.0, within(60.0));
        board.onTrainingEnd(null);
    }

    @Test
    void epochsHaveTheirOwnTags() throws Exception {
        TensorBoardMetrics board = new TensorBoardMetrics(folder);
        board.onMeasuringFrom(1, 1);
        board.onStepMeasured(measurement(1, "loss/total", 1));
        Map<String, Double> values = new LinkedHashMap<>();
        values.put("loss/total", 2.0);
        values.put("validation/robust", 3.0);
        board.onEpochMeasured(new Measurement(1, 1, values));
        board.onTrainingEnd(null);

        assertThat(scalars(fields(records(files().get(0)).get(3))))
                .isEqualTo(Map.of("loss/total_epoch", 2f, "validation/robust", 3f));
    }

    @Test
    void anEpochHasItsOwnTagsThoughItsLastStepWasGivenUp() throws Exception {
        TensorBoardMetrics board = new TensorBoardMetrics(folder);
        board.onMeasuringFrom(1, 1);
        board.onStepMeasured(measurement(1, "loss/kl", 1));
        board.onStepMeasured(measurement(2, "loss/total", 1));
        board.onEpochMeasured(measurement(2, "loss/kl", 2));
        board.onTrainingEnd(null);

        assertThat(scalars(fields(records(files().get(0)).get(4))))
                .isEqualTo(Map.of("loss/kl_epoch", 2f));
    }

    @Test
    void anEpochThatIsMeasuredAgainIsWrittenAtItsStepAndLeavesTheStepsOwnValues() throws Exception {
        TensorBoardMetrics board = new TensorBoardMetrics(folder);
        board.onMeasuringFrom(11, 1);
        board.onEpochMeasured(measurement(10, "validation/robust", 0.5));
        board.onTrainingEnd(null);

        List<Map<Integer, List<Object>>> events = records(files().get(0)).stream()
                .map(TensorBoardMetricsTest::fields)
                .toList();
        assertThat(events.get(1).get(2)).containsExactly(11L);
        assertThat(events.get(2).get(2)).containsExactly(10L);
        assertThat(scalars(events.get(2))).isEqualTo(Map.of("validation/robust", 0.5f));
    }

    @Test
    void aRunThatGoesOnOrBackWritesALaterFileThatSaysFromWhichStep() throws Exception {
        TensorBoardMetrics killed = new TensorBoardMetrics(folder);
        killed.onMeasuringFrom(1, 1);
        killed.onStepMeasured(measurement(1, "loss/total", 1));
        byte[] first = Files.readAllBytes(files().get(0));
        TensorBoardMetrics board = new TensorBoardMetrics(folder);
        board.onMeasuringFrom(5, 1);
        board.onStepMeasured(measurement(5, "loss/total", 1));
        board.onMeasuringFrom(4, 1);
        board.onStepMeasured(measurement(4, "loss/total", 1));
        board.onTrainingEnd(null);
        killed.onTrainingEnd(null);

        assertThat(files()).hasSize(3);
        assertThat(Files.readAllBytes(files().get(0))).isEqualTo(first);
        assertThat(fields(records(files().get(1)).get(1)).get(2)).containsExactly(5L);
        assertThat(fields(records(files().get(2)).get(1)).get(2)).containsExactly(4L);
    }

    @Test
    void aFolderThatCannotBeMadeDoesNotEndTheTraining() throws Exception {
        Path inFile = Files.createFile(folder.resolve("file")).resolve("tensorboard");
        TensorBoardMetrics board = new TensorBoardMetrics(inFile);

        assertThatCode(() -> {
                    board.onMeasuringFrom(1, 1);
                    board.onStepMeasured(measurement(1, "loss/total", 1));
                    board.onStepMeasured(measurement(2, "loss/total", 1));
                    board.onTrainingEnd(null);
                })
                .doesNotThrowAnyException();
    }
}
