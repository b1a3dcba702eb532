package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.figure.Prediction.Verdict;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import javax.imageio.ImageIO;

class AttackSheetTest {

    private static final Prediction BEFORE = new Prediction("tench", 0.931f, Verdict.RIGHT);
    private static final Prediction AFTER = new Prediction("church", 0.712f, Verdict.WRONG);

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

    private static AttackSheet.Row row(NDArray clean, NDArray attacked) {
        return AttackSheet.Row.of("fish.jpg", "tench", BEFORE, AFTER, clean, attacked);
    }

    /** The pictures that lie in a drawing. */
    private static List<BufferedImage> pictures(Figure figure) throws IOException {
        Matcher matcher = Pattern.compile("data:image/png;base64,([^\"]+)").matcher(figure.svg());
        List<BufferedImage> pictures = new ArrayList<>();
        while (matcher.find()) {
            byte[] bytes = Base64.getDecoder().decode(matcher.group(1));
            pictures.add(ImageIO.read(new ByteArrayInputStream(bytes)));
        }
        return pictures;
    }

    private static int rgb(BufferedImage image, int x, int y) {
        return image.getRGB(x, y) & 0xFFFFFF;
    }

    @Test
    void thePicturesAreTheArraysPixelByPixel() throws IOException {
        manager.getEngine().setRandomSeed(1);
        NDArray clean = manager.randomUniform(0, 1, new Shape(3, 5, 5));
        NDArray attacked = clean.add(manager.randomUniform(-0.03f, 0.03f, new Shape(3, 5, 5)))
                .clip(0, 1);

        Figure figure = new AttackSheet("sheet", "title", List.of(row(clean, attacked))).draw();

        List<BufferedImage> pictures = pictures(figure);
        assertThat(pictures).hasSize(3);
        NDArray[] arrays = {clean, null, attacked};
        for (int i = 0; i < 3; i += 2) {
            assertThat(pictures.get(i).getWidth()).isEqualTo(5);
            float[] planes = arrays[i].toFloatArray();
            for (int p = 0; p < 25; p++) {
                int expected = Math.round(255 * planes[p]) << 16
                        | Math.round(255 * planes[25 + p]) << 8
                        | Math.round(255 * planes[50 + p]);
                assertThat(rgb(pictures.get(i), p % 5, p / 5)).isEqualTo(expected);
            }
        }
    }

    @Test
    void theChangeIsAmplifiedAroundGrey() throws IOException {
        NDArray clean = manager.zeros(new Shape(3, 2, 2));
        NDArray attacked = manager.zeros(new Shape(3, 2, 2));
        // Red of the right upper pixel grows by 0.2: twice that is the most that stays below 0.5.
        attacked.setScalar(new NDIndex(0, 0, 1), 0.2f);

        AttackSheet.Row row = row(clean, attacked);
        Figure figure = new AttackSheet("sheet", "title", List.of(row)).draw();

        assertThat(row.factor()).isEqualTo(2);
        assertThat((double) row.linf()).isEqualTo(0.2, within(1e-7));
        assertThat((double) row.l2()).isEqualTo(0.2, within(1e-7));
        BufferedImage change = pictures(figure).get(1);
        assertThat(rgb(change, 0, 0)).isEqualTo(0x808080);
        assertThat(rgb(change, 1, 0)).isEqualTo(Math.round(255 * 0.9f) << 16 | 0x8080);
        assertThat(Svg.of(figure).texts())
                .contains("amplified × 2", "linf 51.0/255, l2 0.20")
                .contains("93 %, right", "71 %, wrong", "fish.jpg, true class tench");
    }

    @Test
    void noChangeIsGreyAndNearlyNoneIsNotBlownUp() throws IOException {
        NDArray image = manager.ones(new Shape(3, 4, 4)).muli(0.5f);
        AttackSheet.Row none = row(image, image);
        AttackSheet.Row little = row(image, image.add(1e-7f));

        assertThat(none.factor()).isEqualTo(1);
        assertThat(rgb(none.perturbation(), 2, 2)).isEqualTo(0x808080);
        assertThat(little.factor()).isEqualTo(1000);
    }

    @Test
    void smallPicturesAreDrawnPixelByPixel() {
        NDArray image = manager.zeros(new Shape(3, 2, 2));
        image.setScalar(new NDIndex(1, 0, 1), 1f);
        Figure figure = new AttackSheet("sheet", "title", List.of(row(image, image))).draw();

        BufferedImage drawn = figure.toPicture(2);

        // The margin, 44 units of headings and 22 of the row's: two pixels each.
        int top = 2 * (8 + 44 + 22);
        assertThat(figure.svg()).contains("image-rendering=\"pixelated\"");
        assertThat(rgb(drawn, 16, top)).isZero();
        assertThat(rgb(drawn, 16 + 127, top + 64)).isZero();
        assertThat(rgb(drawn, 16 + 128, top + 64)).isEqualTo(0x00FF00);
        assertThat(rgb(drawn, 16 + 255, top + 127)).isEqualTo(0x00FF00);
        assertThat(rgb(drawn, 16 + 255, top + 128)).isZero();
    }

    @Test
    void imagesOfAllSizesFindRoomAndFilesAreWritten() throws IOException {
        List<AttackSheet.Row> rows = new ArrayList<>();
        for (int size : new int[] {1, 32, 224, 300}) {
            NDArray image = manager.ones(new Shape(3, size, size)).muli(0.5f);
            rows.add(row(image, image));
        }
        Figure figure = new AttackSheet(
                        "sheet", "a title much longer than the sheet ".repeat(9), rows)
                .draw();

        figure.write(folder);

        assertThat(ImageIO.read(folder.resolve("sheet.png").toFile()).getWidth())
                .isEqualTo(2 * (400 + 16));
        assertThat(folder.resolve("sheet.svg")).hasContent(figure.svg());
        assertThat(Svg.of(figure).isSound().texts().get(0)).endsWith("…");
    }

    @Test
    void namesOfAnyKindDoNoHarm() {
        String name = Svg.HOSTILE + "a name that is longer than there is room for in any line";
        Prediction prediction = new Prediction(name, 1, Verdict.UNCHANGED);
        NDArray image = manager.ones(new Shape(3, 8, 8));

        Figure figure = new AttackSheet(
                        "sheet",
                        name,
                        List.of(AttackSheet.Row.of(
                                name, name, prediction, prediction, image, image)))
                .draw();

        assertThat(figure.svg()).doesNotContain("<img");
        assertThat(Svg.of(figure).isSound().texts())
                .contains("100 %, unchanged")
                .filteredOn(text -> text.endsWith("…"))
                .hasSize(4);
    }

    @Test
    void whatCannotBeDrawnIsRefused() {
        NDArray image = manager.ones(new Shape(3, 8, 8));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new AttackSheet("sheet", "title", List.of()))
                .withMessageContaining("at least one image");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> row(image, manager.ones(new Shape(3, 4, 4))))
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
}
