package io.github.remoe.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.translate.NoBatchifyTranslator;
import ai.djl.translate.Translator;
import ai.djl.translate.TranslatorContext;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.image.RgbImage;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.awt.image.BufferedImage;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;

class ClassificationTranslatorTest {

    private static final List<String> CLASSES = List.of("a", "b", "c", "d", "e");

    @TempDir
    private Path temp;

    private NDManager manager;
    private Model model;
    private VisionTransformer vit;

    @BeforeEach
    void makeNetwork() {
        manager = NDManager.newBaseManager();
        model = Model.newInstance("tiny");
        vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .build();
        ReMoE.builder().optLayers(1).build().insertInto(vit);
        vit.getParameters()
                .forEach(p ->
                        p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.3, 0.3)));
        vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
        model.setBlock(vit);
    }

    @AfterEach
    void close() {
        model.close();
        manager.close();
    }

    private ClassificationTranslator.Builder builder() {
        return ClassificationTranslator.builder(vit).setClassNames(CLASSES);
    }

    private static BufferedImage random(int width, int height, int type, int seed) {
        BufferedImage image = new BufferedImage(width, height, type);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, (i + seed) * 0x9E3779B1);
        }
        return image;
    }

    private float[] pixels(ClassificationTranslator translator, RgbImage image) {
        try (NDManager scope = manager.newSubManager()) {
            return translator.processInput(scope, image).head().toFloatArray();
        }
    }

    /** 16 x 8 pixels whose red tells the column and whose green the row. */
    private static RgbImage ruler() {
        byte[] planes = new byte[3 * 16 * 8];
        for (int i = 0; i < 16 * 8; i++) {
            planes[i] = (byte) (i % 16);
            planes[16 * 8 + i] = (byte) (10 * (i / 16));
        }
        return RgbImage.of(planes, 8, 16);
    }

    @Test
    void theCentreIsCutOut() {
        float[] pixels = pixels(builder().build(), ruler());

        assertThat(pixels[0] * 255).isEqualTo(4);
        assertThat(pixels[7] * 255).isEqualTo(11);
        assertThat(pixels[64 + 8 * 7] * 255).isEqualTo(70);
        assertThat(pixels[128]).isZero();
    }

    @Test
    void aCropRatioKeepsLess() {
        // 8 / 0.5: the image is made 32 x 16, and the middle 8 x 8 are columns 6 to 10 of 16.
        float[] pixels = pixels(builder().optCropRatio(0.5f).build(), ruler());

        assertThat(Math.round(pixels[0] * 255)).isEqualTo(6);
        assertThat(Math.round(pixels[7] * 255)).isBetween(9, 10);
        assertThat(Math.round(pixels[64] * 255)).isBetween(16, 19);
    }

    @Test
    void imagesOfOtherLibrariesGiveTheSamePixels() throws Exception {
        RgbImage ruler = ruler();
        byte[] rows = new byte[3 * 16 * 8];
        for (int i = 0; i < 16 * 8; i++) {
            rows[3 * i] = (byte) (i % 16);
            rows[3 * i + 1] = (byte) (10 * (i / 16));
        }
        // What OpenCV's images give: no BufferedImage, but an array of (h,w,3).
        Image image = (Image) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Image.class},
                (proxy, method, args) -> switch (method.getName()) {
                    case "getWidth" -> 16;
                    case "getHeight" -> 8;
                    case "getWrappedImage" -> "a Mat";
                    case "toNDArray" ->
                        ((NDManager) args[0])
                                .create(ByteBuffer.wrap(rows), new Shape(8, 16, 3), DataType.UINT8);
                    default -> throw new UnsupportedOperationException(method.getName());
                });
        ClassificationTranslator translator = builder().build();
        try (Predictor<Image, float[]> predictor = model.newPredictor(new PixelsOnly(translator))) {
            assertThat(predictor.predict(image)).isEqualTo(pixels(translator, ruler));
        }
    }

    /** Stops before the network: what it would be given is all that counts. */
    private record PixelsOnly(ClassificationTranslator images)
            implements NoBatchifyTranslator<Image, float[]> {

        @Override
        public NDList processInput(TranslatorContext ctx, Image image) {
            NDArray pixels = images.processInput(ctx, image).head();
            ctx.setAttachment("pixels", pixels.toFloatArray());
            return new NDList(pixels.expandDims(0));
        }

        @Override
        public float[] processOutput(TranslatorContext ctx, NDList list) {
            return (float[]) ctx.getAttachment("pixels");
        }
    }

    @Test
    void greyAndTransparentImagesAreTaken() throws Exception {
        BufferedImage grey = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
        BufferedImage colour = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
        BufferedImage transparent = new BufferedImage(8, 8, BufferedImage.TYPE_INT_ARGB);
        for (int i = 0; i < 64; i++) {
            int level = 3 * i;
            grey.getRaster().setSample(i % 8, i / 8, 0, level);
            colour.setRGB(i % 8, i / 8, level * 0x010101);
            transparent.setRGB(i % 8, i / 8, 0x40000000 | level * 0x010101);
        }
        try (Predictor<Image, Classifications> predictor =
                model.newPredictor(builder().build())) {
            List<Double> expected = predict(predictor, colour).getProbabilities();
            assertThat(predict(predictor, grey).getProbabilities()).isEqualTo(expected);
            assertThat(predict(predictor, transparent).getProbabilities()).isEqualTo(expected);
        }
    }

    private static Classifications predict(
            Predictor<Image, Classifications> predictor, BufferedImage image) throws Exception {
        return predictor.predict(ImageFactory.getInstance().fromImage(image));
    }

    @Test
    void threadsGiveWhatOneGives() throws Exception {
        Translator<Image, RegionClassifications> translator = builder().build().withRegionWeights();
        List<Image> images = IntStream.range(0, 24)
                .mapToObj(i -> ImageFactory.getInstance()
                        .fromImage(random(8 + i, 30 - i, BufferedImage.TYPE_INT_RGB, i)))
                .toList();
        List<String> expected = new ArrayList<>();
        try (Predictor<Image, RegionClassifications> predictor = model.newPredictor(translator)) {
            for (Image image : images) {
                expected.add(predictor.predict(image).toJson());
            }
        }
        assertThat(expected).doesNotHaveDuplicates();

        ExecutorService threads = Executors.newFixedThreadPool(6);
        try {
            List<Future<List<String>>> results = new ArrayList<>();
            for (int thread = 0; thread < 6; thread++) {
                results.add(threads.submit(() -> {
                    List<String> found = new ArrayList<>();
                    try (Predictor<Image, RegionClassifications> predictor =
                            model.newPredictor(translator)) {
                        for (Image image : images) {
                            found.add(predictor.predict(image).toJson());
                        }
                    }
                    return found;
                }));
            }
            for (Future<List<String>> result : results) {
                assertThat(result.get()).isEqualTo(expected);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void wrongSettingsAreNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().optTopK(0).build())
                .withMessageContaining("topK must be 1 or more");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().optCropRatio(1.5f).build())
                .withMessageContaining("at most 1, got 1.5");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ClassificationTranslator.builder(vit).build())
                .withMessageContaining("setClassNames");
    }

    @Test
    void anglesBetweenWeights() {
        RegionWeights even = new RegionWeights(1, 1, 2, List.of(1f, 1f));
        RegionWeights one = new RegionWeights(1, 1, 2, List.of(2f, 0f));
        assertThat(even.angle(even)).isLessThan(1e-5);
        assertThat(even.angle(one)).isCloseTo(45, within(1e-5));
        assertThat(one.weight(0, 0)).isEqualTo(2);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionWeights(1, 2, 2, List.of(1f)))
                .withMessageContaining("1 weights for 2 x 2 regions");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> one.angle(new RegionWeights(1, 2, 1, List.of(1f, 1f))))
                .withMessageContaining("1 x 2 regions cannot be compared with those of 2 x 1");
    }

    @ParameterizedTest
    @CsvSource({"0.8, 10", "0.9, 8", "0.7, 11", "1, 8"})
    void theCropIsTimms(double cropRatio, int resized) {
        // As int(math.floor(8 / crop_pct)) in Python.
        byte[] expected = new byte[3 * 8 * 8];
        ruler().toSquare(resized, 8, expected);
        float[] pixels = pixels(builder().optCropRatio(cropRatio).build(), ruler());
        for (int i = 0; i < pixels.length; i++) {
            assertThat(Math.round(pixels[i] * 255)).isEqualTo(expected[i] & 0xFF);
        }
    }

    @Test
    void theClassesOfAModelInMemoryMustBeNamed() throws Exception {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ClassificationTranslator.builder(model))
                .withMessageContaining("not loaded from a folder")
                .withMessageContaining("setClassNames");
        // A model that is saved takes the folder for its own, and that may be gone again.
        model.save(temp.resolve("gone"), "tiny");
        Files.delete(temp.resolve("gone/tiny-0000.params"));
        Files.delete(temp.resolve("gone"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ClassificationTranslator.builder(model))
                .withMessageContaining("not loaded from a folder");
    }
}
