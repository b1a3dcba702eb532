package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Files that were made wrong at random: each is read, or refused with a message, fast and small. */
class SafeTensorsFuzzTest {

    private static final int TRIES = 10_000;
    private static final long SPARE_BYTES = 200_000;
    private static final long SECONDS = 5;
    private static final Pattern NUMBER = Pattern.compile("\\d+");
    private static final Pattern PIECE = Pattern.compile("\"[^\"]*\"|\\d+|[\\[\\]{},:]");

    private static byte[] valid;
    private static Path file;
    private static FileChannel channel;
    private static int read;

    @BeforeContainer
    static void open() throws IOException, URISyntaxException {
        valid = Files.readAllBytes(Path.of(SafeTensorsFuzzTest.class
                .getResource("/golden/types.safetensors")
                .toURI()));
        file = Files.createTempFile("fuzz", ".safetensors");
        channel = FileChannel.open(file, StandardOpenOption.WRITE);
    }

    @AfterContainer
    static void close() throws IOException {
        channel.close();
        Files.delete(file);
        // Neither everything nor nothing: the files are wrong, but hardly.
        assertThat(read).isBetween(TRIES / 100, TRIES / 2);
    }

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void aWrongFileIsReadOrRefused(@ForAll long seed) throws IOException {
        byte[] bytes = mutated(valid, new Random(seed));
        // A file that is closed after each change would be brought to the disk each time.
        channel.write(ByteBuffer.wrap(bytes), 0);
        channel.truncate(bytes.length);
        String[] message = new String[1];
        long start = System.nanoTime();

        long allocated = Allocated.bytes(() -> message[0] = read());

        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(SECONDS));
        if (allocated > SPARE_BYTES) {
            // The first time on a path through the code, its classes are loaded.
            allocated = Allocated.bytes(SafeTensorsFuzzTest::read);
        }
        assertThat(allocated).isLessThan(2L * bytes.length + SPARE_BYTES);
        if (message[0] == null) {
            read++;
        } else {
            assertThat(message[0]).startsWith(file.toString()).endsWith(".").hasSizeLessThan(2_500);
        }
    }

    /** Reads the file and all its numbers; returns the message if it is refused. */
    private static String read() {
        try (NDManager manager = NDManager.newBaseManager()) {
            NDList arrays = SafeTensors.load(file, manager);
            SafeTensors.loadMetadata(file);
            for (NDArray array : arrays) {
                array.toByteBuffer();
            }
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    static byte[] mutated(byte[] valid, Random random) {
        byte[] bytes = valid.clone();
        int times = 1 + random.nextInt(3);
        for (int i = 0; i < times; i++) {
            bytes = switch (random.nextInt(6)) {
                case 0 -> flip(bytes, random);
                case 1 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
                case 2 -> lengthEdited(bytes, random);
                case 3 -> spliced(bytes, random);
                default -> jsonEdited(bytes, random);
            };
        }
        return bytes;
    }

    private static byte[] flip(byte[] bytes, Random random) {
        byte[] flipped = bytes.clone();
        for (int i = 0; i <= random.nextInt(8) && flipped.length > 0; i++) {
            flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        }
        return flipped;
    }

    private static byte[] lengthEdited(byte[] bytes, Random random) {
        byte[] edited = bytes.clone();
        if (edited.length >= Long.BYTES) {
            ByteBuffer buffer = ByteBuffer.wrap(edited).order(ByteOrder.LITTLE_ENDIAN);
            long length = random.nextBoolean()
                    ? buffer.getLong(0) + random.nextInt(-9, 10)
                    : random.nextLong() >>> random.nextInt(Long.SIZE);
            buffer.putLong(0, length);
        }
        return edited;
    }

    /** A part of the file again, or left out. */
    private static byte[] spliced(byte[] bytes, Random random) {
        int from = random.nextInt(bytes.length + 1);
        int to = from + random.nextInt(bytes.length - from + 1);
        boolean again = random.nextBoolean();
        ByteBuffer buffer = ByteBuffer.allocate(2 * bytes.length);
        buffer.put(bytes, 0, again ? to : from);
        buffer.put(bytes, again ? from : to, bytes.length - (again ? from : to));
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    /** Another header of the right length: what is wrong is what it says. */
    private static byte[] jsonEdited(byte[] bytes, Random random) {
        if (bytes.length < Long.BYTES) {
            return bytes;
        }
        long length = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        int end = (int) Math.max(0, Math.min(length, bytes.length - Long.BYTES)) + Long.BYTES;
        String json = new String(bytes, Long.BYTES, end - Long.BYTES, StandardCharsets.UTF_8);
        byte[] edited = edited(json, random).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(bytes.length - end + Long.BYTES + edited.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(edited.length)
                .put(edited)
                .put(bytes, end, bytes.length - end)
                .array();
    }

    private static String edited(String json, Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> replaced(json, NUMBER, number(random), random);
            case 1 -> replaced(json, PIECE, piece(json, random), random);
            case 2 -> replaced(json, PIECE, "", random);
            case 3 ->
                replaced(
                        json,
                        Pattern.compile("\"[A-Z]+\\d*\""),
                        "\"" + type(random) + "\"",
                        random);
            default -> {
                int at = random.nextInt(json.length() + 1);
                yield json.substring(0, at)
                        + piece(json, random).repeat(1 + random.nextInt(1 << random.nextInt(12)))
                        + json.substring(at);
            }
        };
    }

    private static String replaced(String json, Pattern pattern, String by, Random random) {
        List<MatchResult> places = pattern.matcher(json).results().toList();
        if (places.isEmpty()) {
            return json;
        }
        MatchResult place = places.get(random.nextInt(places.size()));
        return json.substring(0, place.start()) + by + json.substring(place.end());
    }

    private static String number(Random random) {
        return switch (random.nextInt(4)) {
            case 0 -> String.valueOf(random.nextInt(50));
            case 1 -> String.valueOf(random.nextLong());
            case 2 -> random.nextInt() + ".5e" + random.nextInt(400);
            default -> "9".repeat(1 + random.nextInt(40));
        };
    }

    private static String piece(String json, Random random) {
        List<String> pieces = new ArrayList<>(List.of(
                "[",
                "{",
                "null",
                "true",
                "-1",
                "\"",
                "\\",
                "\\ud800",
                "\u0000",
                "\ufeff",
                "__metadata__"));
        PIECE.matcher(json).results().map(MatchResult::group).forEach(pieces::add);
        return pieces.get(random.nextInt(pieces.size()));
    }

    private static String type(Random random) {
        return List.of(
                        "F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL",
                        "F8_E5M2", "C64")
                .get(random.nextInt(12));
    }
}
