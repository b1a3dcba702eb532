package io.github.remoe.moe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.google.gson.Gson;
import com.google.gson.JsonObject;

import io.github.remoe.Golden;

import net.jqwik.api.ForAll;
import net.jqwik.api.GenerationMode;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.stream.Stream;

class RegionGridTest {

    // A drawing's numbers are the regions, from 1; a star marks the centre region.
    private static void assertDrawing(RegionGrid grid, String drawing) {
        assertThat(grid.draw().lines().map(String::stripTrailing).toList())
                .isEqualTo(drawing.lines().toList());
    }

    @Test
    void twoByTwoPatchesInTwoByTwoRegions() {
        assertDrawing(new RegionGrid(2, 2, 2, 2), """
                 1* 2
                 3  4
                """);
    }

    @Test
    void twoByTwoPatchesInOneRegion() {
        assertDrawing(new RegionGrid(2, 2, 1, 1), """
                 1* 1
                 1  1
                """);
    }

    @Test
    void threeByThreePatchesInTwoByTwoRegions() {
        assertDrawing(new RegionGrid(3, 3, 2, 2), """
                 1* 2* 2
                 3* 4* 4
                 3  4  4
                """);
    }

    @Test
    void fourByFourPatchesInTwoByTwoRegions() {
        assertDrawing(new RegionGrid(4, 4, 2, 2), """
                 1  1  2  2
                 1  1* 2* 2
                 3  3* 4* 4
                 3  3  4  4
                """);
    }

    @Test
    void fourByFourPatchesInThreeByThreeRegions() {
        assertDrawing(new RegionGrid(4, 4, 3, 3), """
                 1  2  3  3
                 4  5* 6* 6
                 7  8* 9* 9
                 7  8  9  9
                """);
    }

    @Test
    void fourByTwoPatchesInFourByOneRegions() {
        assertDrawing(new RegionGrid(4, 2, 4, 1), """
                 1  1
                 2* 2
                 3* 3
                 4  4
                """);
    }

    @Test
    void twoDigitNumbersLineUp() {
        assertDrawing(new RegionGrid(4, 4, 4, 4), """
                  1   2   3   4
                  5   6*  7*  8
                  9  10* 11* 12
                 13  14  15  16
                """);
    }

    @Test
    void fiveByThreePatchesInTwoByTwoRegions() {
        assertDrawing(new RegionGrid(5, 3, 2, 2), """
                 1  2  2
                 1* 2* 2
                 3* 4* 4
                 3* 4* 4
                 3  4  4
                """);
    }

    @Test
    void fourteenPatchesInThreePartsAreFourFiveAndFive() {
        RegionGrid grid = new RegionGrid(14, 14, 3, 3);

        assertThat(grid.regions())
                .containsExactly(
                        new Region(0, 0, 4, 4),
                        new Region(0, 4, 4, 5),
                        new Region(0, 9, 4, 5),
                        new Region(4, 0, 5, 4),
                        new Region(4, 4, 5, 5),
                        new Region(4, 9, 5, 5),
                        new Region(9, 0, 5, 4),
                        new Region(9, 4, 5, 5),
                        new Region(9, 9, 5, 5));
        assertThat(grid.center()).isEqualTo(new Region(3, 3, 7, 7));
        assertThat(grid.size()).isEqualTo(9);
        assertThat(grid.patches()).isEqualTo(196);
    }

    @ParameterizedTest
    @CsvSource({"1,0,1", "2,0,1", "3,0,2", "4,1,2", "5,1,3", "8,2,4", "14,3,7"})
    void centerSpansHalfOfEachSideRoundedUp(int side, int start, int length) {
        assertThat(new RegionGrid(side, side, 1, 1).center())
                .isEqualTo(new Region(start, start, length, length));
    }

    @Test
    void aQuarterOfFourByFourPatchesIsTheOneBesideTheMiddle() {
        assertDrawing(new RegionGrid(4, 4, 2, 2, 0.25f), """
                 1  1  2  2
                 1  1* 2  2
                 3  3  4  4
                 3  3  4  4
                """);
    }

    @Test
    void threeQuartersOfFourByFivePatches() {
        // 3 rows, and 3.75 columns rounded up to 4.
        assertDrawing(new RegionGrid(4, 5, 1, 1, 0.75f), """
                 1* 1* 1* 1* 1
                 1* 1* 1* 1* 1
                 1* 1* 1* 1* 1
                 1  1  1  1  1
                """);
    }

    @Test
    void theCenterCanBeTheWholeImage() {
        assertDrawing(new RegionGrid(2, 3, 1, 2, 1), """
                 1* 2* 2*
                 1* 2* 2*
                """);
    }

    // Neither 0.6f, 0.7f nor 0.1f is exact; the last is less than a patch.
    @ParameterizedTest
    @CsvSource({"5,0.6,3", "10,0.7,7", "10,0.1,1", "8,0.51,5", "14,0.3,5", "3,0.01,1"})
    void theCenterSpansItsPartOfEachSideRoundedUp(int side, float ratio, int length) {
        Region center = new RegionGrid(side, side, 1, 1, ratio).center();

        assertThat(center.height()).isEqualTo(length);
        assertThat(center.width()).isEqualTo(length);
        assertThat(center.top()).isEqualTo((side - length) / 2);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -0.5f, 1.01f, Float.NaN})
    void theCenterIsPartOfTheImage(float ratio) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionGrid(4, 4, 2, 2, ratio))
                .withMessageContaining("more than 0 and at most 1 of each side");
    }

    @ParameterizedTest
    @ValueSource(strings = {"remoe_dense", "remoe_uneven"})
    void regionsHoldThePatchesOfTheGoldenFiles(String name) {
        JsonObject file = Golden.read(name);
        RegionGrid grid = new RegionGrid(
                file.get("rows").getAsInt(),
                file.get("cols").getAsInt(),
                file.get("gridRows").getAsInt(),
                file.get("gridCols").getAsInt());

        int[][] regions = grid.regions().stream().map(r -> patches(grid, r)).toArray(int[][]::new);

        assertThat(regions).isDeepEqualTo(new Gson().fromJson(file.get("regions"), int[][].class));
        assertThat(patches(grid, grid.center()))
                .isEqualTo(new Gson().fromJson(file.get("centre"), int[].class));
    }

    private static int[] patches(RegionGrid grid, Region region) {
        return Stream.iterate(0, patch -> patch < grid.patches(), patch -> patch + 1)
                .filter(p -> region.contains(p / grid.patchColumns(), p % grid.patchColumns()))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    @Property(generation = GenerationMode.EXHAUSTIVE)
    void everyPatchIsInExactlyOneRegion(
            @ForAll @IntRange(min = 1, max = 9) int patchRows,
            @ForAll @IntRange(min = 1, max = 9) int patchColumns,
            @ForAll @IntRange(min = 1, max = 4) int rows,
            @ForAll @IntRange(min = 1, max = 4) int columns) {
        int fittingRows = Math.min(rows, patchRows);
        int fittingColumns = Math.min(columns, patchColumns);
        List<Region> regions =
                new RegionGrid(patchRows, patchColumns, fittingRows, fittingColumns).regions();

        assertThat(regions).hasSize(fittingRows * fittingColumns);
        for (int row = 0; row < patchRows; row++) {
            for (int column = 0; column < patchColumns; column++) {
                int r = row;
                int c = column;
                assertThat(regions.stream().filter(region -> region.contains(r, c)))
                        .hasSize(1);
            }
        }
        assertThat(regions.stream().mapToInt(Region::size).sum())
                .isEqualTo(patchRows * patchColumns);
    }

    @Property
    void regionsDifferByAtMostOneRowAndOneColumn(
            @ForAll @IntRange(min = 4, max = 64) int patchRows,
            @ForAll @IntRange(min = 4, max = 64) int patchColumns,
            @ForAll @IntRange(min = 1, max = 4) int rows,
            @ForAll @IntRange(min = 1, max = 4) int columns) {
        for (Region region : new RegionGrid(patchRows, patchColumns, rows, columns).regions()) {
            // floor(n / k) or one more.
            assertThat(region.height() - patchRows / rows).isBetween(0, 1);
            assertThat(region.width() - patchColumns / columns).isBetween(0, 1);
        }
    }

    @Test
    void moreRegionsThanPatchesDoNotFit() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionGrid(2, 4, 3, 3))
                .withMessage(
                        "3 x 3 regions do not fit a grid of 2 x 4 patches: choose 1 to 2 rows and"
                                + " 1 to 4 columns.");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionGrid(4, 2, 3, 3))
                .withMessageContaining("1 to 4 rows and 1 to 2 columns");
    }

    @ParameterizedTest
    @CsvSource({"0,2", "2,0", "-1,2"})
    void thereIsAtLeastOneRegion(int rows, int columns) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionGrid(4, 4, rows, columns))
                .withMessageContaining("do not fit a grid of 4 x 4 patches");
    }

    @ParameterizedTest
    @CsvSource({"0,4", "4,0"})
    void thereIsAtLeastOnePatch(int patchRows, int patchColumns) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new RegionGrid(patchRows, patchColumns, 1, 1))
                .withMessageContaining("at least 1 x 1 patches");
    }
}
