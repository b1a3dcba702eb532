package io.github.remoe.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.figure.Png;
import io.github.remoe.report.AttackedImage.Prediction;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import javax.imageio.ImageIO;

class AdversarialSheetTest {

    // Where the pictures of a row start, and how many screen pixels one of 2 x 2 gets.
    private static final int TOP = 20 + 20 + 16 + 20;
    private static final int LEFT = 16;
    private static final int NEXT = 224 + 16;
    private static final int ENLARGED = 112;

    @TempDir
    private Path folder;

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static AttackedImage outcome(int before, int after, int stored) {
        return new AttackedImage(
                "tench.jpg",
                0,
                "tench",
                new Prediction(before, "class " + before, 0.93f),
                new Prediction(after, "class " + after, 0.71f),
                new Prediction(stored, "class " + stored, 0.5f),
                0.1f,
                0.2f);
    }

    @Test
    void onlyARightAnswerCanBeFooled() {
        assertThat(outcome(0, 1, 0).fooled()).isTrue();
        assertThat(outcome(0, 1, 0).fooledWhenStored()).isFalse();
        assertThat(outcome(0, 0, 1).fooled()).isFalse();
        assertThat(outcome(0, 0, 1).fooledWhenStored()).isTrue();
        assertThat(outcome(1, 1, 1).rightBefore()).isFalse();
        assertThat(outcome(1, 1, 1).fooled()).isFalse();
        assertThat(outcome(1, 1, 1).fooledWhenStored()).isFalse();
    }

    @Test
    void predictionsAreToldInPercent() {
        assertThat(new Prediction(3, "chain saw", 0.706f)).hasToString("chain saw 71 %");
    }

    @Test
    void theChangeIsAmplifiedAroundGreyAndPixelsStayPixels() {
        NDArray clean = manager.zeros(new Shape(3, 2, 2));
        NDArray adversarial = manager.zeros(new Shape(3, 2, 2));
        // Red of the right upper pixel grows by 0.2: twice that is the most that stays below 0.5.
        adversarial.setScalar(new NDIndex(0, 0, 1), 0.2f);

        AdversarialSheet sheet = new AdversarialSheet("title");
        sheet.add(outcome(0, 1, 1), clean, adversarial);
        BufferedImage drawn = sheet.draw();

        int grey = 0x808080;
        int changed = Math.round(255 * 0.9f) << 16 | 0x8080;
        assertThat(rgb(drawn, LEFT, TOP)).isZero();
        assertThat(rgb(drawn, LEFT + NEXT, TOP)).isEqualTo(grey);
        assertThat(rgb(drawn, LEFT + NEXT + ENLARGED - 1, TOP)).isEqualTo(grey);
        assertThat(rgb(drawn, LEFT + NEXT + ENLARGED, TOP)).isEqualTo(changed);
        assertThat(rgb(drawn, LEFT + NEXT + 223, TOP + ENLARGED - 1)).isEqualTo(changed);
        assertThat(rgb(drawn, LEFT + NEXT + 223, TOP + ENLARGED)).isEqualTo(grey);
        assertThat(rgb(drawn, LEFT + 2 * NEXT + 223, TOP)).isEqualTo(51 << 16);
    }

    @Test
    void noChangeIsGrey() {
        NDArray image = manager.ones(new Shape(3, 4, 4));
        AdversarialSheet sheet = new AdversarialSheet("title");
        sheet.add(outcome(0, 0, 0), image, image);

        assertThat(rgb(sheet.draw(), LEFT + NEXT + 100, TOP + 100)).isEqualTo(0x808080);
    }

    @Test
    void imagesOfAllSizesFindRoom() {
        AdversarialSheet sheet =
                new AdversarialSheet("a title much longer than the sheet ".repeat(9));
        for (int size : new int[] {1, 32, 224, 300}) {
            NDArray image = manager.ones(new Shape(3, size, size)).muli(0.5f);
            sheet.add(outcome(0, 1, 1), image, image);
        }
        BufferedImage drawn = sheet.draw();

        assertThat(drawn.getWidth()).isEqualTo(3 * 300 + 4 * 16);
        assertThat(drawn.getHeight()).isGreaterThan(3 * 224 + 300);
    }

    @Test
    void theFileIsTheDrawing() throws IOException {
        NDArray image = manager.ones(new Shape(3, 8, 8));
        AdversarialSheet sheet = new AdversarialSheet("title");
        sheet.add(outcome(0, 1, 1), image, image);
        Path file = folder.resolve("sheet.png");

        sheet.write(file);

        BufferedImage read = ImageIO.read(file.toFile());
        BufferedImage drawn = sheet.draw();
        assertThat(read.getWidth()).isEqualTo(drawn.getWidth());
        assertThat(read.getRGB(100, 100)).isEqualTo(drawn.getRGB(100, 100));
        assertThat(Files.list(folder)).containsExactly(file);
    }

    @Test
    void anEmptySheetAndUnequalImagesAreRefused() {
        AdversarialSheet sheet = new AdversarialSheet("title");
        NDArray image = manager.ones(new Shape(3, 8, 8));

        assertThatIllegalStateException().isThrownBy(sheet::draw).withMessageContaining("no row");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> sheet.add(outcome(0, 1, 1), image, manager.ones(new Shape(3, 4, 4))))
                .withMessageContaining("(3, 4, 4)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Png.picture(manager.ones(new Shape(1, 4, 4))))
                .withMessageContaining("(3, height, width)");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Png.picture(image.mul(2)))
                .withMessageContaining("got 2.0");
    }

    @Test
    void pixelValuesAreRoundedToTheNearestLevel() {
        NDArray image = manager.create(
                new float[] {0.4f / 255, 0.6f / 255, 254.4f / 255, 1, 0, 1, 0, 1, 0, 1, 0, 1},
                new Shape(3, 2, 2));
        BufferedImage picture = Png.picture(image);

        assertThat(rgb(picture, 0, 0) >> 16).isZero();
        assertThat(rgb(picture, 1, 0)).isEqualTo(0x01FFFF);
        assertThat(rgb(picture, 0, 1) >> 16).isEqualTo(254);
        assertThat(rgb(picture, 1, 1)).isEqualTo(0xFFFFFF);
    }

    private static int rgb(BufferedImage image, int x, int y) {
        return image.getRGB(x, y) & 0xFFFFFF;
    }
}
