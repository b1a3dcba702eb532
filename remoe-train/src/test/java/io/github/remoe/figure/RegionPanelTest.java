package io.github.remoe.figure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.github.remoe.figure.Prediction.Verdict;
import io.github.remoe.figure.RegionPanel.View;
import io.github.remoe.inference.RegionRouting;
import io.github.remoe.inference.RegionWeights;
import io.github.remoe.moe.RegionGrid;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

class RegionPanelTest {

    private static BufferedImage picture(int side) {
        BufferedImage picture = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < side * side; i++) {
            picture.setRGB(i % side, i / side, i * 0x9E3779B1);
        }
        return picture;
    }

    /** Patches that rise row by row; the first {@code on} regions stay on. */
    private static RegionRouting layer(int number, RegionGrid grid, int on, boolean gated) {
        List<Float> weights = new ArrayList<>();
        List<Float> routed = new ArrayList<>();
        for (int i = 0; i < grid.size(); i++) {
            weights.add(i + 0.5f);
            routed.add(i < on ? 1f : 0f);
        }
        List<Float> saliency =
                IntStream.range(0, grid.patches()).mapToObj(patch -> patch + 1f).toList();
        return new RegionRouting(
                new RegionWeights(number, grid.rows(), grid.columns(), weights),
                routed,
                saliency,
                gated,
                grid,
                grid.center());
    }

    private static View view(String heading, Verdict verdict, RegionRouting... layers) {
        return new View(
                heading, picture(8), new Prediction("ship", 0.584f, verdict), List.of(layers));
    }

    private static Figure draw(View clean, View attacked) {
        return new RegionPanel("panel", "image 7", "ship", clean, attacked).draw();
    }

    @Test
    void numbersMarksAndAnglesAreThere() {
        RegionGrid grid = new RegionGrid(4, 4, 2, 2);
        RegionRouting clean = layer(6, grid, 2, true);
        RegionRouting attacked = new RegionRouting(
                new RegionWeights(6, 2, 2, List.of(0.25f, 0.5f, 1f, 2.25f)),
                List.of(0f, 0f, 1f, 3f),
                clean.saliency(),
                true,
                grid,
                grid.center());

        Figure figure =
                draw(view("clean", Verdict.RIGHT, clean), view("pgd-20", Verdict.WRONG, attacked));

        Svg svg = Svg.of(figure).isSound();
        assertThat(svg.texts())
                .contains("image 7", "true class", "clean", "pgd-20", "Layer 6")
                .contains("58 %, right", "58 %, wrong")
                .contains("0.50", "1.50", "2.50", "3.50", "0.25", "1.00", "2.25")
                .contains("2 of 4 on", "W turned by")
                .contains(String.format(
                        Locale.ROOT, "%.1f°", clean.weights().angle(attacked.weights())))
                .doesNotContain("not used by the gate");
        // Two in each column, and the key.
        assertThat(Collections.frequency(svg.texts(), "off")).isEqualTo(2 + 2 + 1);
        assertThat(svg.titles())
                .contains("row 2, column 1: W 2.500, switched off by top-k")
                .contains("row 2, column 2: W 2.250, after top-k 3.000");
        assertThat(figure.description())
                .contains("clean: ship, 58 %, right.")
                .contains("Layer 6: W 0.50 1.50 2.50 (off) 3.50 (off).")
                .contains("Layer 6: W 0.25 (off) 0.50 (off) 1.00 2.25.");
    }

    @Test
    void coloursAreThoseOfTheScale() {
        // Saliency 1 to 4, relative to its mean 2.5: 0.4 to 1.6.
        Figure figure = draw(
                view("clean", Verdict.OPEN, layer(1, new RegionGrid(2, 2, 1, 1), 1, true)), null);

        assertThat(figure.svg())
                .contains("width=\"64\" height=\"64\" fill=\"" + Viridis.colour(1))
                .contains(Viridis.colour(0.25), Viridis.colour(0.5), Viridis.colour(0.75));
        assertThat(Svg.of(figure).texts()).contains("0", "1", "1.6").doesNotContain("W turned by");
    }

    @ParameterizedTest
    @CsvSource({
        "8, 1, 1, 1",
        "8, 2, 2, 2",
        "8, 3, 3, 3",
        "8, 4, 4, 1",
        "14, 3, 3, 2",
        "14, 4, 4, 1",
        "14, 7, 7, 1",
        "8, 8, 8, 1"
    })
    void panelsOfAllGridsAreDrawn(int patches, int rows, int columns, int layers) {
        RegionGrid grid = new RegionGrid(patches, patches, rows, columns);
        RegionRouting[] routings = IntStream.rangeClosed(1, layers)
                .mapToObj(layer -> layer(layer, grid, 1, true))
                .toArray(RegionRouting[]::new);

        Figure figure = draw(
                view("clean", Verdict.RIGHT, routings), view("attacked", Verdict.RIGHT, routings));

        Svg svg = Svg.of(figure).isSound();
        assertThat(svg.titles().stream().filter(title -> title.startsWith("row ")))
                .hasSize(2 * layers * grid.size());
        assertThat(svg.texts()).contains("1 of " + grid.size() + " on");
        if (grid.size() <= 16) {
            assertThat(svg.texts()).contains("0.50");
        }
        assertThat(figure.toPicture(1).getWidth()).isEqualTo(400 + 16);
        assertThat(figure.svg()).doesNotContain("NaN").doesNotContain("Infinity");
    }

    @Test
    void whatIsMissingIsSaid() {
        RegionGrid grid = new RegionGrid(4, 4, 2, 2);

        assertThat(Svg.of(draw(view("clean", Verdict.OPEN), null)).texts())
                .contains("no ReMoE layers,", "58 %")
                .doesNotContain("Layer 1");
        assertThat(Svg.of(draw(view("clean", Verdict.OPEN, layer(1, grid, 0, true)), null))
                        .texts())
                .contains("no regional experts")
                .doesNotContain("off");
        assertThat(Svg.of(draw(view("clean", Verdict.OPEN, layer(1, grid, 2, false)), null))
                        .texts())
                .contains("not used by the gate");
    }

    @Test
    void namesOfAnyKindDoNoHarm() {
        String name = Svg.HOSTILE + "a class name that is longer than there is room for";
        RegionRouting layer = layer(1, new RegionGrid(2, 2, 2, 2), 1, true);
        View view =
                new View(name, picture(8), new Prediction(name, 1, Verdict.OPEN), List.of(layer));

        Figure figure = new RegionPanel("panel", name, name, view, null).draw();

        assertThat(figure.svg()).doesNotContain("<img");
        assertThat(Svg.of(figure).isSound().texts().stream().filter(text -> text.endsWith("…")))
                .hasSizeGreaterThan(2);
    }

    @Test
    void columnsOfTwoNetworksAreRefused() {
        View two = view("clean", Verdict.OPEN, layer(1, new RegionGrid(4, 4, 2, 2), 1, true));
        View three = view("clean", Verdict.OPEN, layer(1, new RegionGrid(4, 4, 3, 3), 1, true));

        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionPanel("a", "b", null, two, three))
                .withMessageContaining("one network's layers");
    }
}
