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
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.UniqueElements;

import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

import java.util.List;
import java.util.Random;

class RowChartsTest {

    private static final Offset<Double> TENTH = within(0.11);

    private static IntervalChart.Builder twoRuns() {
        return IntervalChart.builder("accuracy", "Accuracy")
                .addRun("ReMoE")
                .addRun("SAT")
                .addGroup("clean")
                .addGroup("PGD-20");
    }

    private static double x(Svg svg, double percent) {
        double zero = Svg.number(svg.text("0"), "x");
        return zero + percent / 100 * (Svg.number(svg.text("100"), "x") - zero);
    }

    private static Element mark(Svg svg, String says) {
        return svg.elements("g").stream()
                .filter(g -> g.getElementsByTagName("title").getLength() == 1)
                .filter(g ->
                        g.getElementsByTagName("title").item(0).getTextContent().equals(says))
                .findFirst()
                .orElseThrow(() -> new AssertionError(says + " in " + svg.titles()));
    }

    private static Element child(Element mark, String name) {
        return (Element) mark.getElementsByTagName(name).item(0);
    }

    @Test
    void valuesAndIntervalsLieWhereTheAxisSays() {
        Svg svg = Svg.of(twoRuns()
                        .add("ReMoE", "clean", 80, 75, 84)
                        .add("SAT", "PGD-20", 40, Double.NaN, Double.NaN)
                        .build())
                .isSound();

        Element remoe = mark(svg, "ReMoE: clean, 80 % (75 to 84)");
        assertThat(Svg.number(child(remoe, "circle"), "cx")).isCloseTo(x(svg, 80), TENTH);
        assertThat(Svg.number(child(remoe, "circle"), "cy"))
                .isLessThan(Svg.number(svg.text("clean"), "y"));
        List<Double> whisker = Svg.numbers(child(remoe, "path"));
        assertThat(whisker.get(0)).isCloseTo(x(svg, 75), TENTH);
        assertThat(whisker.get(5)).isCloseTo(x(svg, 84), TENTH);
        Element sat = mark(svg, "SAT: PGD-20, 40 %");
        assertThat(Svg.number(child(sat, "circle"), "cx")).isCloseTo(x(svg, 40), TENTH);
        assertThat(sat.getElementsByTagName("path").getLength()).isEqualTo(1);
        assertThat(svg.texts())
                .contains("80.0", "40.0", "ReMoE", "SAT", "accuracy, %")
                .doesNotContain("the paper");
        assertThat(svg.texts()).filteredOn("–"::equals).hasSize(2);
    }

    @Test
    void thePaperIsAHollowDiamond() {
        Figure figure = twoRuns()
                .add("SAT", "PGD-20", 40, 39, 41)
                .addPaper("PGD-20", 53)
                .build();
        Svg svg = Svg.of(figure).isSound();

        Element paper = mark(svg, "the paper: PGD-20, 53 %");
        assertThat(child(paper, "path").getAttribute("fill")).isEqualTo("none");
        assertThat(Svg.numbers(child(paper, "path")).get(0)).isCloseTo(x(svg, 53), TENTH);
        assertThat(svg.texts()).contains("the paper", "53.0");
        assertThat(figure.description()).contains("the paper: PGD-20, 53 %.");
        assertThat(Svg.pixels(figure, 0xd55e00)).isGreaterThan(20);
    }

    @Test
    void heightGrowsWithTheRows() {
        double one = Svg.of(IntervalChart.builder("a", "a")
                        .addRun("r")
                        .addGroup("g")
                        .build())
                .height();
        double two = Svg.of(twoRuns().build()).height();
        assertThat(two).isGreaterThan(one + 3 * 16);
    }

    @Test
    void anIntervalChartSaysWhatItLacks() {
        assertThatThrownBy(() -> twoRuns().addRun("SAT")).hasMessageContaining("two runs SAT");
        assertThatThrownBy(() -> twoRuns().addGroup("clean"))
                .hasMessageContaining("two groups clean");
        assertThatThrownBy(() -> twoRuns().add("x", "clean", 1, 1, 1))
                .hasMessageContaining("no run x");
        assertThatThrownBy(() -> twoRuns().addPaper("FGSM", 1))
                .hasMessageContaining("no group FGSM");
        assertThatThrownBy(() -> IntervalChart.builder("a", "a").build())
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void dotsOfARowAreJoined() {
        Svg svg = Svg.of(DotPlot.builder("classes", "Accuracy by class")
                        .setX("accuracy, %")
                        .optRange(0, 100)
                        .addSeries("clean")
                        .addSeries("PGD-20")
                        .addRow("cat", 71, 21)
                        .addRow("dog", 60, Double.NaN)
                        .addRow("none")
                        .build())
                .isSound();

        Element clean = child(mark(svg, "clean: cat, 71 %"), "circle");
        assertThat(Svg.number(clean, "cx")).isCloseTo(x(svg, 71), TENTH);
        assertThat(Svg.number(clean, "cy")).isCloseTo(Svg.number(svg.text("cat"), "y") - 4, TENTH);
        List<Element> links = svg.elements("path", "t-axis").stream()
                .filter(path -> path.hasAttribute("stroke-width"))
                .toList();
        assertThat(links).hasSize(1);
        assertThat(Svg.numbers(links.get(0)).get(0)).isCloseTo(x(svg, 21), TENTH);
        assertThat(Svg.numbers(links.get(0)).get(2)).isCloseTo(x(svg, 71), TENTH);
        assertThat(svg.texts()).filteredOn("–"::equals).hasSize(1);
    }

    @Test
    void aDotPlotSaysWhatItLacks() {
        DotPlot.Builder plot = DotPlot.builder("a", "a").setX("x").addSeries("one");
        assertThatThrownBy(plot::build).hasMessageContaining("0 rows");
        assertThatThrownBy(() -> plot.addRow("row", 1, 2)).hasMessageContaining("2 values for 1");
        for (int i = 0; i <= DotPlot.MOST_ROWS; i++) {
            plot.addRow("row " + i, i);
        }
        assertThatThrownBy(plot::build).hasMessageContaining("21 rows");
        assertThatThrownBy(() -> DotPlot.builder("a", "a").build()).hasMessageContaining("setX");
    }

    @Provide
    Arbitrary<String> labels() {
        return Arbitraries.oneOf(
                Arbitraries.of("clean", "PGD-20", Svg.HOSTILE, "", "W".repeat(200), "語".repeat(90)),
                Arbitraries.strings().ofMaxLength(60));
    }

    @Property(tries = 60, shrinking = ShrinkingMode.OFF)
    void textNeverOverlaps(
            @ForAll @Size(min = 1, max = 7) @UniqueElements List<@From("labels") String> runs,
            @ForAll @Size(min = 1, max = 8) @UniqueElements List<@From("labels") String> groups,
            @ForAll boolean paper,
            @ForAll long seed) {
        Random random = new Random(seed);
        IntervalChart.Builder intervals = IntervalChart.builder("a", runs.get(0));
        DotPlot.Builder dots = DotPlot.builder("a", runs.get(0)).setX(groups.get(0));
        runs.forEach(intervals::addRun);
        runs.forEach(dots::addSeries);
        for (String group : groups) {
            intervals.addGroup(group);
            for (String run : runs) {
                double value = 100 * random.nextDouble();
                intervals.add(run, group, value, value - 1, value + 1);
            }
            if (paper) {
                intervals.addPaper(group, 50);
            }
            dots.addRow(group, random.doubles(runs.size(), -1e3, 1e6).toArray());
        }

        Svg.of(intervals.build()).isSound();
        Svg.of(dots.build()).isSound();
    }
}
