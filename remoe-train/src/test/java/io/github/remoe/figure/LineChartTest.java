package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

class LineChartTest {

    private static final Offset<Double> TENTH = within(0.11);

    private static LineChart.Builder chart() {
        return LineChart.builder("chart", "A chart").setX("epoch").setY("accuracy, %");
    }

    private static double[] numbers(int count) {
        return IntStream.rangeClosed(1, count).mapToDouble(i -> i).toArray();
    }

    @Test
    void pointsLieWhereTheAxesSay() {
        Svg svg = Svg.of(chart().optIntegerX()
                .optYRange(0, 100)
                .optReference("chance", 10)
                .addSeries("robust", new double[] {0, 5, 10}, new double[] {0, 50, 100})
                .build());
        double bottom = Svg.number(svg.text("0"), "y") - 4;
        double top = Svg.number(svg.text("100"), "y") - 4;
        double left = Svg.number(svg.text("2"), "x")
                - (Svg.number(svg.text("4"), "x") - Svg.number(svg.text("2"), "x"));
        double right = Svg.number(svg.text("10"), "x");

        List<Element> marks = svg.elements("circle");
        assertThat(marks).hasSize(3);
        assertThat(Svg.number(marks.get(0), "cx")).isCloseTo(left, TENTH);
        assertThat(Svg.number(marks.get(0), "cy")).isCloseTo(bottom, TENTH);
        assertThat(Svg.number(marks.get(1), "cx")).isCloseTo((left + right) / 2, TENTH);
        assertThat(Svg.number(marks.get(1), "cy")).isCloseTo((bottom + top) / 2, TENTH);
        assertThat(Svg.number(marks.get(2), "cx")).isCloseTo(right, TENTH);
        assertThat(Svg.number(marks.get(2), "cy")).isCloseTo(top, TENTH);
        assertThat(Svg.numbers(svg.elements("path", "s1-line").get(0)))
                .isEqualTo(marks.stream()
                        .flatMap(m -> List.of(Svg.number(m, "cx"), Svg.number(m, "cy")).stream())
                        .toList());
        Element chance = svg.elements("path", "t-axis").stream()
                .filter(path -> path.getTextContent().equals("chance: 10 %"))
                .findFirst()
                .orElseThrow();
        assertThat(Svg.numbers(chance).get(1)).isCloseTo(bottom + (top - bottom) / 10, TENTH);
    }

    @Test
    void equalRatiosHaveEqualLengthsOnALogarithmicAxis() {
        Svg svg = Svg.of(chart().optLogX()
                .addSeries("loss", new double[] {100, 0, 1, 10}, new double[] {3, 9, 1, 2})
                .build());

        List<Double> x = svg.elements("circle").stream()
                .map(mark -> Svg.number(mark, "cx"))
                .toList();
        assertThat(x).hasSize(3).isSorted();
        assertThat(x.get(1) - x.get(0)).isCloseTo(x.get(2) - x.get(1), within(0.11));
    }

    @Test
    void hoveringTellsThePoint() {
        Figure figure = LineChart.builder("chart", "A chart")
                .setX("epoch")
                .setY("accuracy, %")
                .addSeries(
                        "robust",
                        new double[] {3, 4},
                        new double[] {41.234, 50},
                        new double[] {38, Double.NaN},
                        new double[] {44.5, Double.NaN})
                .build();

        assertThat(Svg.of(figure).titles())
                .contains("robust: epoch 3, 41.23 % (38 to 44.5)", "robust: epoch 4, 50 %");
        assertThat(figure.description())
                .isEqualTo(
                        "accuracy, % over epoch. robust: from epoch 3, 41.23 % to epoch 4, 50 %.");
    }

    @Test
    void gapsStayGaps() {
        double nan = Double.NaN;
        Svg svg =
                Svg.of(chart().addSeries("clean", new double[] {1, 2, 3, 4, 5, nan}, new double[] {
                            1, 2, nan, 4, Double.POSITIVE_INFINITY, 6
                        })
                        .build());

        String line = svg.elements("path", "s1-line").get(0).getAttribute("d");
        assertThat(line.chars().filter(c -> c == 'M').count()).isEqualTo(2);
        assertThat(line.chars().filter(c -> c == 'L').count()).isEqualTo(1);
        assertThat(line).endsWith("m-1 0h2");
        assertThat(svg.elements("circle")).hasSize(3);
    }

    @Test
    void oneEpochIsAMarker() {
        Figure figure = chart().optIntegerX()
                .addSeries(
                        "clean",
                        new double[] {1},
                        new double[] {40},
                        new double[] {30},
                        new double[] {50})
                .build();

        Svg svg = Svg.of(figure).isSound();
        assertThat(svg.texts()).contains("0", "1", "2");
        assertThat(svg.elements("circle")).hasSize(1);
        assertThat(svg.elements("path", "s1-fill").get(0).getAttribute("d")).doesNotContain("NaN");
        assertThat(Svg.pixels(figure, 0x0072b2)).isGreaterThan(30);
    }

    @Test
    void aSeriesWithoutValuesIsLeftOut() {
        double[] nan = {Double.NaN, Double.NaN};
        Svg one = Svg.of(chart().addSeries("empty", new double[] {1, 2}, nan)
                .addSeries("full", new double[] {1, 2}, new double[] {3, 4})
                .build());
        assertThat(one.texts()).contains("full").doesNotContain("empty", "no values");
        assertThat(one.elements("path", "s2-line")).isEmpty();

        Svg none = Svg.of(chart().addSeries("empty", new double[] {1, 2}, nan).build());
        assertThat(none.isSound().texts()).contains("no values").doesNotContain("empty");
    }

    @Test
    void whatCannotBeDrawnIsSaid() {
        assertThatThrownBy(() -> chart().build())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no series");
        assertThatThrownBy(() -> LineChart.builder("chart", "A chart")
                        .addSeries("a", new double[1], new double[1])
                        .build())
                .hasMessageContaining("labels");
        assertThatThrownBy(() -> chart().addSeries("a", new double[2], new double[3]))
                .hasMessageContaining("2 x, 3 y");
        assertThatThrownBy(() -> chart().optYRange(1, 1)).hasMessageContaining("1.0 to 1.0");
    }

    @Test
    void manyPointsKeepTheirOutliersInASmallFile() {
        Random random = new Random(0);
        double[] x = numbers(20_000);
        LineChart.Builder chart = chart().optYRange(0, 100).optIntegerX();
        for (int series = 0; series < 6; series++) {
            double[] y = random.doubles(x.length, 20, 30).toArray();
            y[5_000 + series] = 100;
            y[10_000 + series] = 0;
            double[] lower = Arrays.stream(y).map(v -> v - 5).toArray();
            double[] upper = Arrays.stream(y).map(v -> v + 5).toArray();
            chart.addSeries("series " + series, x, y, lower, upper);
        }
        Figure figure = chart.build();
        Svg svg = Svg.of(figure).isSound();

        assertThat(figure.svg()).hasSizeLessThan(60_000);
        assertThat(svg.elements("circle")).hasSizeBetween(60, 360);
        double top = Svg.number(svg.text("100"), "y") - 4;
        double bottom = Svg.number(svg.text("0"), "y") - 4;
        for (int series = 1; series <= 6; series++) {
            List<Double> line =
                    Svg.numbers(svg.elements("path", "s" + series + "-line").get(0));
            List<Double> heights = IntStream.range(0, line.size() / 2)
                    .mapToObj(i -> line.get(2 * i + 1))
                    .toList();
            assertThat(heights).contains(top, bottom);
        }
    }

    @Test
    void sixSeriesLookDifferent() {
        LineChart.Builder chart = chart();
        for (int series = 0; series < 6; series++) {
            chart.addSeries("series " + series, numbers(3), new double[] {series, series, series});
        }
        Svg svg = Svg.of(chart.build()).isSound();

        assertThat(IntStream.rangeClosed(1, 6)
                        .mapToObj(i -> svg.elements("path", "s" + i + "-line").get(0))
                        .map(line -> line.getAttribute("stroke")
                                + line.getAttribute("stroke-dasharray")))
                .doesNotHaveDuplicates();
        assertThat(IntStream.range(0, 36).mapToObj(Palette::series)).doesNotHaveDuplicates();
    }

    @Test
    void hostileNamesAreText() {
        Figure figure = LineChart.builder("chart", Svg.HOSTILE)
                .setX(Svg.HOSTILE)
                .setY(Svg.HOSTILE)
                .optReference(Svg.HOSTILE, 1)
                .addSeries(Svg.HOSTILE, numbers(2), numbers(2))
                .build();

        Svg svg = Svg.of(figure).isSound();
        assertThat(svg.texts())
                .filteredOn(text -> text.startsWith("<img onerror=alert(1)>"))
                .hasSize(4);
        assertThat(figure.toPicture(1).getWidth()).isEqualTo(416);
    }

    @Provide
    Arbitrary<String> labels() {
        return Arbitraries.oneOf(
                Arbitraries.of(
                        "clean",
                        "PGD-20",
                        Svg.HOSTILE,
                        "",
                        "\u0347",
                        "\u200b",
                        "\u202e",
                        "W".repeat(200),
                        "語".repeat(90)),
                Arbitraries.strings().ofMaxLength(60));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void textNeverOverlaps(
            @ForAll @Size(min = 1, max = 9) List<@net.jqwik.api.From("labels") String> labels,
            @ForAll @IntRange(min = -4, max = 6) int powerX,
            @ForAll @DoubleRange(min = -1e3, max = 1e4) double offset,
            @ForAll @IntRange(min = -3, max = 6) int powerY,
            @ForAll @IntRange(min = 1, max = 80) int points,
            @ForAll boolean log,
            @ForAll long seed) {
        Random random = new Random(seed);
        double largestX = Math.pow(10, powerX);
        LineChart.Builder chart =
                LineChart.builder("chart", "A chart").setX(labels.get(0)).setY(labels.get(0));
        if (log) {
            chart.optLogX();
        }
        for (String label : labels) {
            chart.addSeries(
                    label,
                    random.doubles(points, 1e-5 * largestX, largestX).toArray(),
                    random.doubles(points, offset, offset + Math.pow(10, powerY))
                            .toArray());
        }

        Svg.of(chart.build()).isSound();
    }
}
