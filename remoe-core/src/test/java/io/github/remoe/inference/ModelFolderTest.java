package io.github.remoe.inference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Application;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.modality.cv.translator.ImageClassificationTranslator;
import ai.djl.modality.cv.translator.ImageClassificationTranslatorFactory;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.core.Linear;
import ai.djl.repository.Repository;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ModelNotFoundException;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import io.github.remoe.Golden;
import io.github.remoe.ReMoE;
import io.github.remoe.Tensors;
import io.github.remoe.image.RgbImage;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

class ModelFolderTest {

    private static final List<String> CLASSES = List.of("ant", "bee", "cat", "Dog, große", "elk");

    @TempDir
    private Path temp;

    private NDManager manager;
    private VisionTransformer vit;

    @BeforeEach
    void makeNetwork() {
        manager = NDManager.newBaseManager();
        vit = VisionTransformer.builder()
                .optImageSize(8)
                .optPatchSize(2)
                .optEmbedDim(12)
                .optDepth(2)
                .optNumClasses(5)
                .build();
        ReMoE.builder().optLayers(2).build().insertInto(vit);
        vit.getParameters()
                .forEach(p ->
                        p.getValue().setInitializer(Golden.initializer(p.getKey(), -0.3, 0.3)));
        vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private Path saved() throws IOException {
        Path folder = temp.resolve("saved");
        ModelFolder.save(folder, vit, CLASSES);
        return folder;
    }

    private static <O> Criteria<Image, O> criteria(Path folder, Class<O> output) {
        return Criteria.builder()
                .setTypes(Image.class, output)
                .optModelPath(folder)
                .build();
    }

    private static BufferedImage gradient(int width, int height) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            int x = i % width;
            int y = i / width;
            image.setRGB(x, y, (x * 7 % 256) << 16 | (y * 5 % 256) << 8 | (x + y) % 256);
        }
        return image;
    }

    private double[] logits(BufferedImage image) {
        byte[] pixels = new byte[3 * 8 * 8];
        RgbImage.of(image).toSquare(8, pixels);
        float[] values = new float[pixels.length];
        for (int i = 0; i < pixels.length; i++) {
            values[i] = (pixels[i] & 0xFF) / 255f;
        }
        NDArray images = manager.create(values, new Shape(1, 3, 8, 8));
        return Tensors.doubles(Tensors.forward(vit, images).head());
    }

    private static double[] softmax(double[] logits) {
        double sum = Arrays.stream(logits).map(Math::exp).sum();
        return Arrays.stream(logits).map(logit -> Math.exp(logit) / sum).toArray();
    }

    @Test
    void aPlainCriteriaLoadsAFolder() throws Exception {
        BufferedImage image = gradient(31, 17);
        double[] expected = softmax(logits(image));
        try (ZooModel<Image, Classifications> model =
                        criteria(saved(), Classifications.class).loadModel();
                Predictor<Image, Classifications> predictor = model.newPredictor()) {
            Classifications result =
                    predictor.predict(ImageFactory.getInstance().fromImage(image));

            assertThat(result).isExactlyInstanceOf(Classifications.class);
            assertThat(result.getClassNames()).isEqualTo(CLASSES);
            assertThat(result.getProbabilities().stream().mapToDouble(p -> p).toArray())
                    .usingComparatorWithPrecision(1e-6)
                    .containsExactly(expected);
            assertThat(model.getBlock()).isInstanceOf(VisionTransformer.class);
        }
    }

    @Test
    void imagesOfDifferentSizesMakeOneBatch() throws Exception {
        List<Image> images = Stream.of(gradient(31, 17), gradient(8, 8), gradient(9, 40))
                .map(image -> ImageFactory.getInstance().fromImage(image))
                .toList();
        try (ZooModel<Image, RegionClassifications> model =
                        criteria(saved(), RegionClassifications.class).loadModel();
                Predictor<Image, RegionClassifications> predictor = model.newPredictor()) {
            List<RegionClassifications> results = predictor.batchPredict(images);

            for (int i = 0; i < images.size(); i++) {
                RegionClassifications alone = predictor.predict(images.get(i));
                assertThat(results.get(i).best().getClassName())
                        .isEqualTo(alone.best().getClassName());
                RegionWeights weights = alone.getRegionWeights().get(0);
                assertThat(weights.layer()).isEqualTo(2);
                assertThat(weights.rows()).isEqualTo(2);
                assertThat(weights.weights().stream()
                                .mapToDouble(w -> w)
                                .average()
                                .orElseThrow())
                        .isCloseTo(1, within(1e-5));
                assertThat(results.get(i).getRegionWeights().get(0).angle(weights))
                        .isLessThan(0.1);
            }
        }
    }

    @Test
    void filesAreReadToo() throws Exception {
        Path file = temp.resolve("photo.png");
        ImageIO.write(gradient(20, 12), "png", file.toFile());
        Criteria<Path, Classifications> criteria = Criteria.builder()
                .setTypes(Path.class, Classifications.class)
                .optModelPath(saved())
                .optArgument("applySoftmax", "false")
                .build();
        try (ZooModel<Path, Classifications> model = criteria.loadModel();
                Predictor<Path, Classifications> predictor = model.newPredictor()) {
            assertThat(predictor.predict(file).getProbabilities().stream()
                            .mapToDouble(p -> p)
                            .toArray())
                    .usingComparatorWithPrecision(1e-5)
                    .containsExactly(logits(gradient(20, 12)));
            Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 60));
            assertThatExceptionOfType(TranslateException.class)
                    .isThrownBy(() -> predictor.predict(file))
                    .havingCause()
                    .withMessageContaining("cannot read the image " + file);
        }
    }

    @Test
    void servingGetsJson() throws Exception {
        Path folder = saved();
        Files.writeString(
                folder.resolve("serving.properties"),
                Files.readString(folder.resolve("serving.properties")) + "topK=2\nbatch_size=4\n");
        JsonArray classes = JsonParser.parseString(serve(folder, false)).getAsJsonArray();

        double[] expected = softmax(logits(gradient(20, 12)));
        assertThat(classes).hasSize(2);
        assertThat(classes.get(0).getAsJsonObject().get("probability").getAsDouble())
                .isCloseTo(Arrays.stream(expected).max().orElseThrow(), within(1e-6));

        JsonObject regions = JsonParser.parseString(serve(folder, true)).getAsJsonObject();
        assertThat(regions.get("classifications")).isEqualTo(classes);
        JsonObject layer = regions.getAsJsonArray("regionWeights").get(0).getAsJsonObject();
        assertThat(layer.get("layer").getAsInt()).isEqualTo(2);
        assertThat(layer.getAsJsonArray("weights")).hasSize(4);
    }

    private String serve(Path folder, boolean regionWeights) throws Exception {
        Criteria.Builder<Input, Output> criteria =
                Criteria.builder().setTypes(Input.class, Output.class).optModelPath(folder);
        if (regionWeights) {
            criteria.optArgument("regionWeights", "true");
        }
        try (ZooModel<Input, Output> model = criteria.build().loadModel();
                Predictor<Input, Output> predictor = model.newPredictor()) {
            ByteArrayOutputStream png = new ByteArrayOutputStream();
            ImageIO.write(gradient(20, 12), "png", png);
            Input input = new Input();
            input.addProperty("Content-Type", "image/png");
            input.add("data", png.toByteArray());
            Output output = predictor.predict(input);
            assertThat(output.getProperty("Content-Type", "")).isEqualTo("application/json");
            Input text = new Input();
            text.add("data", "no image".getBytes(StandardCharsets.UTF_8));
            assertThatExceptionOfType(TranslateException.class)
                    .isThrownBy(() -> predictor.predict(text))
                    .withMessageContaining("neither JPEG nor PNG");
            return output.getData().getAsString();
        }
    }

    @Test
    void weightsAreChosenByName() throws Exception {
        Path folder = saved();
        Files.move(folder.resolve("model-0000.params"), folder.resolve("best-0003.params"));
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("no model-NNNN.params")
                .withMessageContaining("best");

        Criteria<Image, Classifications> named = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(folder)
                .optModelName("best")
                .build();
        named.loadModel().close();

        ModelFolder.describe(folder, vit, CLASSES, "best");
        criteria(folder, Classifications.class).loadModel().close();
    }

    @Test
    void settingsOfTheUserStay() throws IOException {
        Path folder = saved();
        Path serving = folder.resolve("serving.properties");
        Files.writeString(serving, Files.readString(serving) + "# mine\nbatch_size=4\n");

        ModelFolder.describe(folder, vit, CLASSES, "last");

        Properties properties = new Properties();
        properties.load(Files.newBufferedReader(serving));
        assertThat(properties.getProperty("batch_size")).isEqualTo("4");
        assertThat(properties.getProperty("option.modelName")).isEqualTo("last");
        assertThat(Files.readString(serving)).contains("# mine").doesNotContain("=model\n");
        try (Stream<Path> files = Files.list(folder)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder(
                            "model-0000.params",
                            "network.json",
                            "serving.properties",
                            "synset.txt");
        }
    }

    @Test
    void classNamesMustFit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModelFolder.save(temp, vit, List.of("ant")))
                .withMessageContaining("1 class names for a network of 5 classes");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ModelFolder.save(temp, vit, List.of("a", "b", "c", "d", "e\nf")))
                .withMessageContaining("one line of text");
        assertThat(temp).isEmptyDirectory();
    }

    @Test
    void damagedFoldersAreRefused() throws Exception {
        Path folder = saved();
        Path parameters = folder.resolve("model-0000.params");
        byte[] bytes = Files.readAllBytes(parameters);
        Files.write(parameters, Arrays.copyOf(bytes, bytes.length / 2));
        assertThatExceptionOfType(MalformedModelException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("cut off");
        Files.write(parameters, new byte[100]);
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("not hold parameters in DJL's format");
        Files.write(parameters, bytes);

        Files.writeString(folder.resolve("synset.txt"), "ant\nbee\n");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("2 class names for a network of 5 classes");
        Files.delete(folder.resolve("synset.txt"));
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("no synset.txt in " + folder);
        ModelFolder.describe(folder, vit, CLASSES, "model");

        Path network = folder.resolve("network.json");
        Files.writeString(
                network, Files.readString(network).replace("\"depth\": 2", "\"depth\": 3"));
        assertThatExceptionOfType(MalformedModelException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("depth 2");
        Files.writeString(network, "{");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining(network + " cannot be read");
        Files.delete(network);
        assertThatExceptionOfType(FileNotFoundException.class)
                .isThrownBy(() -> criteria(folder, Classifications.class).loadModel())
                .withMessageContaining("no network.json in " + folder);
    }

    /** The other folders of an application must not notice that this library is there. */
    @Test
    void otherFoldersAreLoadedAsByDjl() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("other"));
        try (Model model = Model.newInstance("other")) {
            Block linear = Linear.builder().setUnits(2).build();
            linear.initialize(model.getNDManager(), DataType.FLOAT32, new Shape(1, 3));
            model.setBlock(linear);
            model.save(folder, "other");
        }
        Criteria<NDList, NDList> criteria = Criteria.builder()
                .setTypes(NDList.class, NDList.class)
                .optModelPath(folder)
                .optBlock(Linear.builder().setUnits(2).build())
                .build();
        try (ZooModel<NDList, NDList> model = criteria.loadModel()) {
            assertThat(model.getBlock().getParameters().get(0).getValue().getShape())
                    .isEqualTo(new Shape(2, 3));
        }
        assertThatExceptionOfType(ModelNotFoundException.class)
                .isThrownBy(() ->
                        criteria(temp.resolve("none"), Classifications.class).loadModel());

        Path nested = Files.createDirectories(temp.resolve("zoo/model/nlp/a/b"));
        Files.writeString(
                nested.resolve("metadata.json"),
                "{\"metadataVersion\": \"0.2\", \"resourceType\": \"model\", \"application\":"
                        + " \"nlp\", \"groupId\": \"a\", \"artifactId\": \"b\", \"artifacts\": []}");
        assertThat(Repository.newInstance("zoo", temp.resolve("zoo")).getResources())
                .singleElement()
                .satisfies(mrl -> {
                    assertThat(mrl.getArtifactId()).isEqualTo("b");
                    assertThat(mrl.getApplication()).isEqualTo(Application.NLP.ANY);
                });
    }

    @Test
    void savingAgainReplacesWhatWasThere() throws Exception {
        Path folder = saved();
        Files.copy(folder.resolve("model-0000.params"), folder.resolve("model-large-0001.params"));
        Files.move(folder.resolve("model-0000.params"), folder.resolve("model-0003.params"));
        vit.getParameters().values().forEach(p -> p.getArray().stopGradient().muli(1.5f));
        double[] expected = softmax(logits(gradient(9, 9)));

        ModelFolder.save(folder, vit, CLASSES);

        assertThat(folder.resolve("model-0003.params")).doesNotExist();
        assertThat(folder.resolve("model-large-0001.params")).exists();
        assertThat(classify(criteria(folder, Classifications.class), gradient(9, 9)))
                .usingComparatorWithPrecision(1e-6)
                .containsExactly(expected);
    }

    private static double[] classify(Criteria<Image, Classifications> criteria, BufferedImage image)
            throws Exception {
        try (ZooModel<Image, Classifications> model = criteria.loadModel();
                Predictor<Image, Classifications> predictor = model.newPredictor()) {
            return predictor
                    .predict(ImageFactory.getInstance().fromImage(image))
                    .getProbabilities()
                    .stream()
                    .mapToDouble(p -> p)
                    .toArray();
        }
    }

    @Test
    void settingsThatAreThereBeforeAreCompleted() throws Exception {
        Path folder = Files.createDirectories(temp.resolve("served"));
        Path serving = folder.resolve("serving.properties");
        Files.writeString(serving, "batch_size=8\n option.modelName : other\nengine = PyTorch\n");

        ModelFolder.save(folder, vit, CLASSES);

        assertThat(Files.readAllLines(serving))
                .startsWith("batch_size=8", "engine = PyTorch")
                .endsWith("option.modelName=model")
                .hasSize(5);
        criteria(folder, Classifications.class).loadModel().close();

        Files.writeString(serving, "key=\\u12\n");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> ModelFolder.save(folder, vit, CLASSES))
                .withMessageContaining(serving + " cannot be read");
    }

    @Test
    void theOnlyFolderInAFolderIsLoaded() throws Exception {
        double[] expected = softmax(logits(gradient(31, 17)));
        ModelFolder.save(temp.resolve("runs/first"), vit, CLASSES);

        assertThat(classify(
                        criteria(temp.resolve("runs"), Classifications.class), gradient(31, 17)))
                .usingComparatorWithPrecision(1e-6)
                .containsExactly(expected);
    }

    @Test
    void aTranslatorThatIsNamedIsTaken() throws Exception {
        String named = ImageClassificationTranslatorFactory.class.getName();
        Criteria<Image, Classifications> criteria = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelUrls(saved().toUri() + "?translatorFactory=" + named)
                .build();
        try (ZooModel<Image, Classifications> model = criteria.loadModel()) {
            assertThat(model.getTranslator()).isInstanceOf(ImageClassificationTranslator.class);
        }
    }

    @Test
    void networksThatCannotBeBuiltNameTheFile() throws Exception {
        Path network = saved().resolve("network.json");
        Files.writeString(
                network, Files.readString(network).replace("\"imageSize\": 8", "\"imageSize\": 9"));
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() ->
                        criteria(network.getParent(), Classifications.class).loadModel())
                .withMessageStartingWith(network + " cannot be read: ")
                .withMessageContaining("9");
    }

    @Test
    void namesAreCheckedBeforeTheWeightsAreRead() throws Exception {
        Path folder = saved();
        Files.writeString(folder.resolve("synset.txt"), "ant\nbee\n");
        NetworkFactory factory = new NetworkFactory();
        Map<String, String> ours =
                Map.of("translatorFactory", ClassificationTranslatorFactory.class.getName());
        try (Model model = Model.newInstance("model")) {
            assertThatExceptionOfType(IOException.class)
                    .isThrownBy(() -> factory.newBlock(model, folder, ours))
                    .withMessageContaining("synset.txt cannot be read")
                    .withMessageContaining("2 class names for a network of 5 classes");
            // Somebody's own translator may know the classes from elsewhere.
            assertThat(factory.newBlock(model, folder, Map.of("translatorFactory", "own.Factory")))
                    .isInstanceOf(VisionTransformer.class);
        }
    }

    @Test
    void jsonIsKnownInAnyCase() throws Exception {
        Criteria<Input, Output> criteria = Criteria.builder()
                .setTypes(Input.class, Output.class)
                .optModelPath(saved())
                .build();
        try (ZooModel<Input, Output> model = criteria.loadModel();
                Predictor<Input, Output> predictor = model.newPredictor()) {
            Input input = new Input();
            input.addProperty("Content-Type", "Application/JSON");
            input.add("data", "{}".getBytes(StandardCharsets.UTF_8));
            assertThatExceptionOfType(TranslateException.class)
                    .isThrownBy(() -> predictor.predict(input))
                    // DJL's words, which differ between its versions: it was given the JSON.
                    .withMessageNotContaining("The input is no image");
        }
    }
}
