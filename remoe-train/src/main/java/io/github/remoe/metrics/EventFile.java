package io.github.remoe.metrics;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Locale;
import java.util.zip.CRC32C;

/**
 * A TensorBoard event file: TFRecords of TensorFlow's {@code Event} messages.
 *
 * <p>A record is the length of its data as int64, the length's checksum, the data, and the data's
 * checksum, all little-endian. Of the messages only what scalars need is written:
 *
 * <pre>
 * Event      { double wall_time = 1; int64 step = 2; string file_version = 3;
 *              Summary summary = 5; SessionLog session_log = 7; }
 * Summary    { repeated Value value = 1; }
 * Value      { string tag = 1; float simple_value = 2; }
 * SessionLog { enum status = 1; }
 * </pre>
 */
final class EventFile extends MetricsFile {

    private static final byte[] VERSION = "brain.Event:2".getBytes(StandardCharsets.UTF_8);
    private static final int SESSION_START = 1;
    private static final double MILLIS = 1000;

    EventFile(Path folder) {
        super(folder);
    }

    /** Always a new file: TensorBoard reads those of a folder in the order of their names. */
    @Override
    RandomAccessFile open(Path folder, long step) throws IOException {
        Files.createDirectories(folder);
        Instant now = Instant.now();
        String name = String.format(
                Locale.ROOT, "events.out.tfevents.%010d.%09d", now.getEpochSecond(), now.getNano());
        return new RandomAccessFile(folder.resolve(name).toFile(), "rw");
    }

    /** TensorBoard takes a session start for a restart at its step, but for the first of a folder. */
    @Override
    byte[] header(Measurement first, long step) {
        Message header = new Message();
        header.bytes(record(event(step).field(3, VERSION)));
        header.bytes(record(
                event(step).field(7, new Message().field(1, SESSION_START).toBytes())));
        return header.toBytes();
    }

    @Override
    byte[] record(Measurement measurement) {
        Message summary = new Message();
        measurement.values().forEach((name, value) -> {
            if (!Double.isNaN(value)) {
                Message scalar = new Message()
                        .field(1, name.getBytes(StandardCharsets.UTF_8))
                        .field(2, value.floatValue());
                summary.field(1, scalar.toBytes());
            }
        });
        return record(event(measurement.step()).field(5, summary.toBytes()));
    }

    private static Message event(long step) {
        return new Message().field(1, System.currentTimeMillis() / MILLIS).field(2, step);
    }

    private static byte[] record(Message message) {
        byte[] data = message.toBytes();
        byte[] length = little(Long.BYTES).putLong(data.length).array();
        return new Message()
                .bytes(length)
                .bytes(little(Integer.BYTES).putInt(checksum(length)).array())
                .bytes(data)
                .bytes(little(Integer.BYTES).putInt(checksum(data)).array())
                .toBytes();
    }

    /** CRC-32C, masked since a checksum of data that holds checksums is weak. */
    private static int checksum(byte[] data) {
        CRC32C crc = new CRC32C();
        crc.update(data);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** A protocol buffer message: each field is its number and wire type, then its value. */
    private static final class Message {

        private static final int VARINT = 0;
        private static final int FIXED_64 = 1;
        private static final int LENGTH_DELIMITED = 2;
        private static final int FIXED_32 = 5;

        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message field(int number, long value) {
            return varint(number << 3 | VARINT).varint(value);
        }

        Message field(int number, double value) {
            return varint(number << 3 | FIXED_64)
                    .bytes(little(Double.BYTES).putDouble(value).array());
        }

        Message field(int number, float value) {
            return varint(number << 3 | FIXED_32)
                    .bytes(little(Float.BYTES).putFloat(value).array());
        }

        Message field(int number, byte[] value) {
            return varint(number << 3 | LENGTH_DELIMITED).varint(value.length).bytes(value);
        }

        /** Seven bits a byte, the lowest first; the eighth says that more follow. */
        private Message varint(long value) {
            long rest = value;
            while ((rest & ~0x7FL) != 0) {
                out.write((int) (rest & 0x7F | 0x80));
                rest >>>= 7;
            }
            out.write((int) rest);
            return this;
        }

        Message bytes(byte[] bytes) {
            out.writeBytes(bytes);
            return this;
        }

        byte[] toBytes() {
            return out.toByteArray();
        }
    }
}
