package io.github.remoe.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications;
import ai.djl.modality.cv.Image;
import ai.djl.modality.cv.ImageFactory;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;

import io.github.remoe.Tensors;
import io.github.remoe.attack.Fgsm;
import io.github.remoe.attack.Pgd;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.attack.TinyNetworks;
import io.github.remoe.evaluate.RobustReport.Attacked;
import io.github.remoe.inference.ModelFolder;
import io.github.remoe.inference.RegionWeights;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class RobustPredictorTest {

    private static final List<String> CLASSES = List.of("ant", "bee", "cat", "dog", "elk");
    private static final ThreatModel THREAT = ThreatModel.linf(0.1f);

    @TempDir
    private Path temp;

    private ZooModel<Image, Classifications> model;

    @BeforeEach
    void loadModel() throws Exception {
        try (NDManager manager = NDManager.newBaseManager()) {
            ModelFolder.save(temp, TinyNetworks.reMoEVit(manager), CLASSES);
        }
        model = Criteria.builder()
                .setTypes(Image.class, Classifications.class)
                .optModelPath(temp)
                .build()
                .loadModel();
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static List<Image> images(int count) {
        return IntStream.range(0, count)
                .mapToObj(k -> {
                    BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB);
                    for (int i = 0; i < 64; i++) {
                        image.setRGB(i % 8, i / 8, (i + 64 * k) * 0x9E3779B1);
                    }
                    return ImageFactory.getInstance().fromImage(image);
                })
                .toList();
    }

    @Test
    void theAnswerIsTheNetworksAndTheAttackedOneIsWhatItSaysOfTheAdversarialImage()
            throws Exception {
        Image image = images(1).get(0);
        try (RobustPredictor predictor = RobustPredictor.builder(model, THREAT).build();
                Predictor<Image, Classifications> plain = model.newPredictor()) {
            RobustReport report = predictor.predict(image);

            Classifications expected = plain.predict(image);
            assertThat(report.clean().getProbabilities().stream()
                            .mapToDouble(p -> p)
                            .toArray())
                    .usingComparatorWithPrecision(1e-6)
                    .containsExactly(expected.getProbabilities().stream()
                            .mapToDouble(p -> p)
                            .toArray());
            assertThat(report.labelName()).isEqualTo(expected.best().getClassName());
            assertThat(report.isRight()).isTrue();

            Attacked attacked = report.attacks().get(0);
            assertThat(attacked.attack()).isEqualTo("pgd-20");
            assertThat(attacked.broken()).isTrue();
            assertThat(report.isBroken()).isTrue();
            assertThat(attacked.norm()).isPositive().isLessThanOrEqualTo(0.1f + 1e-6f);
            assertThat(report.smallestNorm()).hasValue(attacked.norm());

            NDManager manager = model.getNDManager();
            NDArray pixels = manager.create(attacked.adversarial(), new Shape(1, 3, 8, 8));
            NDArray probabilities =
                    Tensors.forward(model.getBlock(), pixels).head().softmax(1);
            assertThat(attacked.classifications().get("cat").getProbability())
                    .isCloseTo(probabilities.toFloatArray()[2], within(1e-5));
            assertThat(attacked.classifications().best().getClassName())
                    .isNotEqualTo(report.labelName());

            RegionWeights before = report.clean().getRegionWeights().get(0);
            RegionWeights after = attacked.classifications().getRegionWeights().get(0);
            assertThat(attacked.angles()).singleElement().isEqualTo(before.angle(after));
            assertThat(attacked.angles().get(0)).isPositive();
        }
    }

    @Test
    void picturesAreTheAdversarialImagesRounded() throws Exception {
        Image image = images(1).get(0);
        try (RobustPredictor predictor = RobustPredictor.builder(model, THREAT).build()) {
            Attacked attacked = predictor.predict(image).attacks().get(0);
            BufferedImage picture = (BufferedImage) attacked.toImage().getWrappedImage();
            int red = picture.getRGB(3, 2) >> 16 & 0xFF;
            assertThat(red).isEqualTo(Math.round(255 * attacked.adversarial()[2 * 8 + 3]));
            int blue = picture.getRGB(7, 7) & 0xFF;
            assertThat(blue).isEqualTo(Math.round(255 * attacked.adversarial()[3 * 64 - 1]));
        }
    }

    @Test
    void anImagesFateDoesNotDependOnItsBatch() throws Exception {
        List<Image> images = images(5);
        try (RobustPredictor predictor = RobustPredictor.builder(model, THREAT)
                .addAttack("fgsm", new Fgsm(THREAT))
                .addAttack("pgd", Pgd.builder(THREAT).optSteps(3).build())
                .build()) {
            List<RobustReport> together = predictor.batchPredict(images);
            for (int i = 0; i < 5; i++) {
                RobustReport alone = predictor.predict(images.get(i));
                assertThat(alone.attacks())
                        .extracting(Attacked::attack)
                        .containsExactly("fgsm", "pgd");
                for (int a = 0; a < 2; a++) {
                    assertThat(together.get(i).attacks().get(a).adversarial())
                            .usingComparatorWithPrecision(1e-4f)
                            .containsExactly(alone.attacks().get(a).adversarial());
                }
            }
            assertThat(predictor.batchPredict(List.of())).isEmpty();
        }
    }

    @Test
    void aWrongAnswerIsBrokenFromTheStart() throws Exception {
        Image image = images(1).get(0);
        try (RobustPredictor predictor =
                RobustPredictor.builder(model, ThreatModel.linf(0)).build()) {
            RobustReport itsOwn = predictor.predict(image);
            assertThat(itsOwn.isBroken()).isFalse();
            assertThat(itsOwn.smallestNorm()).isEmpty();

            int wrong = (itsOwn.label() + 1) % 5;
            RobustReport report = predictor.predict(image, wrong);
            assertThat(report.label()).isEqualTo(wrong);
            assertThat(report.isRight()).isFalse();
            assertThat(report.isBroken()).isTrue();
            assertThat(report.smallestNorm()).hasValue(0);

            assertThat(predictor.predict(image, itsOwn.label()).isRight()).isTrue();
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> predictor.predict(image, 5))
                    .withMessageContaining("no class 5: classes count from 0 to 4");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> predictor.batchPredict(List.of(image), new int[2]))
                    .withMessageContaining("2 labels for 1 images");
        }
    }

    @Test
    void theModelStaysAsItWas() throws Exception {
        Map<Parameter, float[]> before = model.getBlock().getParameters().values().stream()
                .collect(Collectors.toMap(p -> p, p -> p.getArray().toFloatArray()));
        try (RobustPredictor predictor = RobustPredictor.builder(model, THREAT).build()) {
            predictor.batchPredict(images(2));
        }
        before.forEach((parameter, values) -> assertThat(
                        Arrays.equals(parameter.getArray().toFloatArray(), values))
                .isTrue());
    }

    @Test
    void attacksHaveNamesOfTheirOwn() {
        RobustPredictor.Builder builder =
                RobustPredictor.builder(model, THREAT).addAttack("fgsm", new Fgsm(THREAT));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.addAttack("fgsm", new Fgsm(THREAT)))
                .withMessageContaining("an attack \"fgsm\" already");
    }
}
