package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;

class ConfusionMatrixTest {

    private static List<String> names(int count) {
        return IntStream.range(0, count).mapToObj(i -> "class " + i).toList();
    }

    private static long[][] random(int size, int most, long seed) {
        Random random = new Random(seed);
        long[][] counts = new long[size][size];
        for (long[] row : counts) {
            for (int i = 0; i < size; i++) {
                row[i] = random.nextInt(most + 1);
            }
        }
        return counts;
    }

    /** The ground of the cell in which a number stands. */
    private static Element cell(Svg svg, String number) {
        return (Element) svg.text(number).getPreviousSibling();
    }

    @Test
    void aRowIsATrueClass() {
        Figure figure = ConfusionMatrix.of(
                "confusion", "Confusion", List.of("cat", "dog", "frog"), new long[][] {
                    {75, 25, 0}, {11, 12, 13}, {0, 0, 99}
                });
        Svg svg = Svg.of(figure).isSound();

        assertThat(svg.texts())
                .contains("true class", "predicted class", "75", "11", "99")
                .contains("share of the true class; numbers: images")
                .doesNotContain("0", "no images");
        assertThat(svg.titles())
                .contains("cat taken for dog: 25 of 100 images, 25.0 %")
                .contains("dog taken for cat: 11 of 36 images, 30.6 %");
        assertThat(Svg.number(cell(svg, "25"), "y")).isEqualTo(Svg.number(cell(svg, "75"), "y"));
        assertThat(Svg.number(cell(svg, "25"), "x"))
                .isGreaterThan(Svg.number(cell(svg, "75"), "x"))
                .isEqualTo(Svg.number(cell(svg, "12"), "x"));
        assertThat(cell(svg, "99").getAttribute("fill")).isEqualTo("#08306b");
        // A quarter has the colour in the middle, as colours go with the square root.
        assertThat(cell(svg, "25").getAttribute("fill")).isEqualTo("#6baed6");
        assertThat(Svg.pixels(figure, 0x08306b)).isGreaterThan(1000);
        assertThat(figure.description())
                .isEqualTo("186 of 235 images are classified rightly. The most frequent mistake:"
                        + " cat taken for dog: 25 of 100 images, 25.0 %.");
    }

    @Test
    void numbersThatAreTooLongArePercent() {
        long[][] counts = new long[10][10];
        for (int i = 0; i < 10; i++) {
            counts[i][i] = 123_456;
            counts[i][(i + 1) % 10] = 123_456;
        }
        counts[0] = new long[] {1_000_000, 0, 0, 0, 0, 0, 0, 0, 0, 0};

        assertThat(Svg.of(ConfusionMatrix.of("a", "a", names(10), counts))
                        .isSound()
                        .texts())
                .contains("50", "100", "share of the true class; numbers: %");
        Svg twenty = Svg.of(ConfusionMatrix.of("a", "a", names(20), random(20, 100_000, 0)));
        assertThat(twenty.isSound().texts()).contains("5", "share of the true class; numbers: %");
    }

    @Test
    void aRowWithoutImagesIsHatched() {
        Svg svg = Svg.of(ConfusionMatrix.of(
                        "a", "a", List.of("cat", "dog"), new long[][] {{0, 0}, {1, 2}}))
                .isSound();

        assertThat(svg.titles()).contains("no images of cat");
        assertThat(svg.texts()).contains("no images");
        Element hatch = svg.elements("path", "t-axis").get(0);
        double top = Svg.number(cell(svg, "1"), "y") - 0.5 - 48;
        List<Double> at = Svg.numbers(hatch);
        for (int i = 0; i < at.size(); i += 2) {
            assertThat(at.get(i)).isBetween(Svg.number(cell(svg, "1"), "x") - 0.6, 400.0);
            assertThat(at.get(i + 1)).isBetween(top - 0.1, top + 48.1);
        }
    }

    @Test
    void oneClassWorks() {
        for (String label : List.of("only", "", Svg.HOSTILE)) {
            Svg svg = Svg.of(ConfusionMatrix.of("a", "a", List.of(label), new long[][] {{7}}))
                    .isSound();
            assertThat(cell(svg, "7").getAttribute("fill")).isEqualTo("#08306b");
        }
    }

    @Test
    void aThousandClassesAreAPicture() throws IOException {
        int size = 1000;
        long[][] counts = new long[size][size];
        for (int i = 0; i < size; i++) {
            counts[i][i] = i == 500 ? 0 : 40;
        }
        counts[3][998] = 10;
        counts[4][997] = 40;
        Figure figure = ConfusionMatrix.of("a", "a", names(size), counts);
        Svg svg = Svg.of(figure).isSound();

        Element image = svg.elements("image").get(0);
        String data = image.getAttribute("href").substring("data:image/png;base64,".length());
        BufferedImage picture =
                ImageIO.read(new ByteArrayInputStream(Base64.getDecoder().decode(data)));
        assertThat(picture.getWidth()).isEqualTo(size);
        assertThat(picture.getRGB(7, 7) & 0xFFFFFF).isEqualTo(0x08306b);
        assertThat(picture.getRGB(998, 3) & 0xFFFFFF)
                .isEqualTo(ShareColour.of(0.2).getRGB() & 0xFFFFFF);
        assertThat(picture.getRGB(3, 998) & 0xFFFFFF).isEqualTo(0xf7fbff);
        assertThat(picture.getRGB(3, 500) & 0xFFFFFF).isEqualTo(0xd0d7de);
        assertThat(svg.texts()).contains("0", "400", "800", "no images");
        assertThat(figure.svg()).hasSizeLessThan(100_000);
        double side = Svg.number(image, "width");
        assertThat(Svg.number(
                        svg.elements("text").stream()
                                .filter(t -> t.getTextContent().equals("400"))
                                .filter(t -> t.getAttribute("text-anchor").equals("middle"))
                                .findFirst()
                                .orElseThrow(),
                        "x"))
                .isCloseTo(Svg.number(image, "x") + 0.4005 * side, within(0.11));
    }

    @Test
    void aPictureIsDrawnWhereItBelongs() {
        int size = 40;
        long[][] counts = new long[size][size];
        for (int i = 0; i < size; i++) {
            counts[i][i] = 1;
        }
        Figure figure = ConfusionMatrix.of("a", "a", names(size), counts);
        Element image = Svg.of(figure).elements("image").get(0);
        double cell = Svg.number(image, "width") / size;
        BufferedImage drawn = figure.toPicture(2);

        for (int row : new int[] {0, 20, 39}) {
            for (int column : new int[] {0, 20, 39}) {
                int x = (int) (2 * (8 + Svg.number(image, "x") + (column + 0.5) * cell));
                int y = (int) (2 * (8 + Svg.number(image, "y") + (row + 0.5) * cell));
                assertThat(new Color(drawn.getRGB(x, y)))
                        .isEqualTo(new Color(row == column ? 0x08306b : 0xf7fbff));
            }
        }
        int top = (int) (2 * (8 + Svg.number(image, "y")));
        int last = (int) (2 * (8 + Svg.number(image, "x") + 39.5 * cell));
        assertThat(drawn.getRGB(last, top) & 0xFFFFFF).isEqualTo(0xf7fbff);
    }

    @Test
    void whatDoesNotFitIsSaid() {
        assertThatThrownBy(() -> ConfusionMatrix.of("a", "a", List.of(), new long[0][0]))
                .hasMessageContaining("one class at least");
        assertThatThrownBy(() -> ConfusionMatrix.of("a", "a", names(2), new long[3][3]))
                .hasMessageContaining("3 rows for 2 classes");
        assertThatThrownBy(() -> ConfusionMatrix.of("a", "a", names(2), new long[2][3]))
                .hasMessageContaining("[0, 0, 0]");
        assertThatThrownBy(() -> ConfusionMatrix.of("a", "a", names(1), new long[][] {{-1}}))
                .hasMessageContaining("0 or more");
    }

    @Test
    void namesThatBeginAlikeAreToldByTheirIndices() {
        Svg svg = Svg.of(ConfusionMatrix.of(
                        "a", "a", Collections.nCopies(20, "W".repeat(200)), random(20, 9, 1)))
                .isSound();

        assertThat(svg.texts()).filteredOn(text -> text.startsWith("19 W")).hasSize(2);
        assertThat(svg.titles()).contains("W".repeat(200));
    }

    @Property(tries = 200, shrinking = ShrinkingMode.OFF)
    void textCanBeReadOnEveryColour(@ForAll @DoubleRange(min = 0, max = 1) double share) {
        Color ground = ShareColour.of(share);
        assertThat(ShareColour.contrast(ground, ShareColour.text(ground)))
                .isGreaterThanOrEqualTo(4.5);
    }

    @Test
    void contrastIsThatOfWcag() {
        assertThat(ShareColour.contrast(Color.BLACK, Color.WHITE)).isCloseTo(21, within(1e-9));
        assertThat(ShareColour.contrast(Color.WHITE, new Color(0x767676)))
                .isCloseTo(4.54, within(0.005));
        for (int series = 0; series < 6; series++) {
            assertThat(ShareColour.contrast(
                            Color.WHITE, Color.decode(Palette.series(series).colour())))
                    .isGreaterThan(3);
        }
    }

    @Provide
    Arbitrary<String> labels() {
        return Arbitraries.oneOf(
                Arbitraries.of("cat", "dog", Svg.HOSTILE, "", "W".repeat(200), "語".repeat(90)),
                Arbitraries.strings().ofMaxLength(60));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void textNeverOverlaps(
            @ForAll @Size(min = 1, max = 24) List<@From("labels") String> labels,
            @ForAll @IntRange(min = 0, max = 2000) int most,
            @ForAll long seed) {
        Svg.of(ConfusionMatrix.of("a", "a", labels, random(labels.size(), most, seed)))
                .isSound();
    }
}
