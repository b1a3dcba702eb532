package io.github.remoe.weights;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.NetworkConfig;
import io.github.remoe.vit.VisionTransformer;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/** A network's own file made wrong at random: loaded, or refused with a message, fast and small. */
class PretrainedFuzzTest {

    private static final int TRIES = 1_000;

    private static NDManager manager;
    private static VisionTransformer vit;
    private static Path file;
    private static byte[] valid;
    private static int loaded;

    @BeforeContainer
    static void open() throws IOException {
        manager = NDManager.newBaseManager();
        vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(4)
                .optEmbedDim(4)
                .optDepth(1)
                .optNumHeads(1)
                .optNumClasses(2)
                .build();
        ReMoE.builder().optLayers(1).optRegions(1, 2).build().insertInto(vit);
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
        file = Files.createTempFile("fuzz", ".safetensors");
        SafeTensors.save(
                file,
                TimmTensors.of(vit, manager),
                Map.of("network", NetworkConfig.of(vit).toJson()));
        valid = Files.readAllBytes(file);
        assertThat(load()).isNull();
    }

    @AfterContainer
    static void close() throws IOException {
        manager.close();
        Files.delete(file);
        assertThat(loaded).isBetween(TRIES / 100, TRIES / 2);
    }

    @Property(tries = TRIES, shrinking = ShrinkingMode.OFF)
    void aWrongFileIsLoadedOrRefused(@ForAll long seed) throws IOException {
        Random random = new Random(seed);
        // One in five has other weights alone, and so mostly loads.
        Files.write(
                file,
                random.nextInt(5) == 0
                        ? otherWeights(random)
                        : SafeTensorsFuzzTest.mutated(valid, random));
        String[] message = new String[1];
        long start = System.nanoTime();

        long allocated = Allocated.bytes(() -> message[0] = load());

        assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(5));
        assertThat(allocated).isLessThan(10_000_000);
        if (message[0] == null) {
            loaded++;
        } else {
            assertThat(message[0]).contains(file.toString()).hasSizeLessThan(5_000);
        }
    }

    private static byte[] otherWeights(Random random) {
        byte[] bytes = valid.clone();
        int start = Long.BYTES
                + (int) ByteBuffer.wrap(valid).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        bytes[random.nextInt(start, bytes.length)] ^= (byte) (1 << random.nextInt(Byte.SIZE));
        return bytes;
    }

    private static String load() {
        try {
            Pretrained.builder().build().load(vit, file);
            return null;
        } catch (IOException e) {
            return e.getMessage();
        }
    }
}
