package io.github.remoe.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.training.dataset.Batch;

import io.github.remoe.Tensors;
import io.github.remoe.data.ImageFiles;
import io.github.remoe.run.RunFolder.Weights;
import io.github.remoe.vit.VisionTransformer;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import javax.imageio.ImageIO;

/** What a run writes is what DJL loads. */
class ModelFolderOfRunTest {

    @TempDir
    private Path temp;

    private static Model model(float scale) {
        Model model = Model.newInstance("test", Device.cpu());
        VisionTransformer vit = Configs.tiny().createModel(10);
        vit.initialize(model.getNDManager(), DataType.FLOAT32, vit.inputShape(1));
        vit.getParameters().forEach(p -> p.getValue().getArray().muli(scale));
        model.setBlock(vit);
        return model;
    }

    private RunFolder folder() throws Exception {
        RunFolder folder = new RunFolder(temp.resolve("run"));
        folder.create(Configs.tiny(), Configs.INFO);
        return folder;
    }

    private static ZooModel<Image, Classifications> load(Path path, String name) throws Exception {
        return Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(path)
                .optModelName(name)
                .build()
                .loadModel();
    }

    private static float someWeight(Model model) {
        return model.getBlock().getParameters().get("posEmbed").getArray().toFloatArray()[0];
    }

    @Test
    void theBestWeightsAreLoadedElseTheAverageElseTheLast() throws Exception {
        RunFolder folder = folder();
        for (Weights weights : List.of(Weights.LAST, Weights.AVERAGE, Weights.BEST)) {
            try (Model model = model(1 + weights.ordinal())) {
                folder.saveModel(weights, model, 2);
                try (Model loaded = load(folder.getPath(), null);
                        Model byRunFolder = folder.loadModel(Device.cpu())) {
                    assertThat(someWeight(loaded))
                            .isEqualTo(someWeight(model))
                            .isEqualTo(someWeight(byRunFolder));
                }
            }
        }
        try (Model best = load(folder.getPath(), null);
                Model last = load(folder.getPath(), "last")) {
            assertThat(someWeight(last)).isNotEqualTo(someWeight(best));
        }
    }

    /** Photos are brought to size in one way, whether evaluated or classified. */
    @Test
    void aPhotoIsWhatItIsInAnEvaluation() throws Exception {
        RunFolder folder = folder();
        List<Path> photos = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            BufferedImage photo = new BufferedImage(50 + 9 * i, 61, BufferedImage.TYPE_INT_RGB);
            for (int k = 0; k < photo.getWidth() * 61; k++) {
                photo.setRGB(k % photo.getWidth(), k / photo.getWidth(), (k + i) * 0x9E3779B1);
            }
            Path file = temp.resolve(i + (i == 2 ? ".jpg" : ".png"));
            ImageIO.write(photo, i == 2 ? "jpg" : "png", file.toFile());
            photos.add(file);
        }
        ImageFiles.Builder files = ImageFiles.builder().setImageSize(32).setSampling(3, false);
        photos.forEach(files::addPath);

        try (Model model = model(1);
                NDManager manager = NDManager.newBaseManager()) {
            folder.saveModel(Weights.LAST, model, 1);
            Batch batch = files.build().getData(manager).iterator().next();
            NDArray expected = Tensors.forward(model.getBlock(), batch.getData().head())
                    .head()
                    .softmax(1);
            try (ZooModel<Image, Classifications> loaded = load(folder.getPath(), null);
                    Predictor<Image, Classifications> predictor = loaded.newPredictor()) {
                for (int i = 0; i < 3; i++) {
                    Classifications found =
                            predictor.predict(ImageFactory.getInstance().fromFile(photos.get(i)));
                    float[] row = expected.get(i).toFloatArray();
                    for (int c = 0; c < 10; c++) {
                        assertThat(found.getProbabilities().get(c))
                                .isCloseTo((double) row[c], within(1e-6));
                    }
                }
            }
            batch.close();
        }
    }

    @Test
    void foldersOfBeforeBecomeLoadable() throws Exception {
        RunFolder folder = folder();
        try (Model model = model(1)) {
            folder.saveModel(Weights.LAST, model, 1);
            for (String name : List.of("serving.properties", "network.json", "synset.txt")) {
                Files.delete(folder.getPath().resolve(name));
            }
            // The run is resumed, and saves again.
            new RunFolder(folder.getPath()).saveModel(Weights.LAST, model, 2);
            load(folder.getPath(), null).close();
        }
    }
}
