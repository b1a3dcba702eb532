package io.github.remoe.moe;

import static io.github.remoe.Tensors.array;
import static io.github.remoe.Tensors.doubles;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.stream.IntStream;

class RegionTransformTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    // One image whose token i is the number i.
    private NDArray counted(int tokens) {
        double[] numbers = IntStream.range(0, tokens).asDoubleStream().toArray();
        return array(manager, new Shape(1, tokens, 1), numbers);
    }

    @Test
    void toRegionsGathersThePatchesOfEachRegion() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(4, 4, 2, 2), 0);

        NDArray regions = transform.toRegions(counted(16));

        //  0  1 |  2  3
        //  4  5 |  6  7
        // ------+------
        //  8  9 | 10 11
        // 12 13 | 14 15
        // The first patch of each region, then the second ...
        assertThat(regions.getShape()).isEqualTo(new Shape(1, 4, 4, 1));
        assertThat(doubles(regions))
                .containsExactly(0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15);
    }

    @Test
    void toRegionsSkipsThePrefixTokens() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(2, 2, 2, 1), 2);

        // Tokens 0 and 1 are prefix tokens; the patches are 2 3 over 4 5.
        assertThat(doubles(transform.toRegions(counted(6)))).containsExactly(2, 4, 3, 5);
    }

    @Test
    void toRegionsPadsSmallerRegionsWithZeros() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(3, 3, 2, 2), 1);

        // 1 | 2 3
        // --+----
        // 4 | 5 6
        // 7 | 8 9
        assertThat(doubles(transform.toRegions(counted(10))))
                .containsExactly(1, 2, 4, 5, 0, 3, 0, 6, 0, 0, 7, 8, 0, 0, 0, 9);
    }

    @Test
    void toRegionsKeepsTheImagesOfABatchApart() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(1, 2, 1, 2), 0);
        NDArray tokens = array(manager, new Shape(2, 2, 2), 1, 2, 3, 4, 5, 6, 7, 8);

        NDArray regions = transform.toRegions(tokens);

        // One patch of each of the two regions.
        assertThat(regions.getShape()).isEqualTo(new Shape(2, 1, 2, 2));
        assertThat(doubles(regions)).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
    }

    @Test
    void ofCenterGathersTheCenterRegion() {
        RegionTransform transform = RegionTransform.ofCenter(new RegionGrid(4, 4, 2, 2), 1);

        // The patches 5, 6, 9 and 10 in row-major order stand one token later.
        assertThat(doubles(transform.toRegions(counted(17)))).containsExactly(6, 7, 10, 11);
    }

    @Test
    void toTokensScattersBackAndLeavesTheRestZero() {
        RegionTransform transform = RegionTransform.ofCenter(new RegionGrid(4, 4, 2, 2), 1);
        NDArray regionTokens = array(manager, new Shape(1, 4, 1, 1), 10, 20, 30, 40);

        assertThat(doubles(transform.toTokens(regionTokens)))
                .containsExactly(0, 0, 0, 0, 0, 0, 10, 20, 0, 0, 30, 40, 0, 0, 0, 0, 0);
    }

    @Test
    void toTokensDropsThePadding() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(1, 3, 1, 2), 0);
        NDArray regionTokens = array(manager, new Shape(1, 2, 2, 1), 1, 2, 99, 3);

        // Region 1 is one patch, so its second is padding.
        assertThat(doubles(transform.toTokens(regionTokens))).containsExactly(1, 2, 3);
    }

    @ParameterizedTest
    @CsvSource({"2,2,2,2,0", "4,4,2,2,1", "5,3,2,2,1", "4,4,3,3,2", "7,5,3,2,0"})
    void thereAndBackIsTheIdentityOnPatchesAndZeroOnPrefixTokens(
            int patchRows, int patchColumns, int rows, int columns, int prefixTokens) {
        RegionGrid grid = new RegionGrid(patchRows, patchColumns, rows, columns);
        RegionTransform transform = RegionTransform.ofRegions(grid, prefixTokens);
        NDArray tokens =
                Golden.tensor(manager, DataType.FLOAT32, "x", 2, prefixTokens + grid.patches(), 3);

        NDArray back = transform.toTokens(transform.toRegions(tokens));

        NDArray zeros = manager.zeros(new Shape(2, prefixTokens, 3));
        NDArray expected = zeros.concat(tokens.get(":, {}:", prefixTokens), 1);
        assertThat(back.getShape()).isEqualTo(tokens.getShape());
        assertThat(doubles(back)).isEqualTo(doubles(expected));
    }

    @Test
    void meanDividesByTheRealSizeOfARegion() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(3, 3, 2, 2), 1);

        NDArray means = transform.mean(counted(10));

        // 1, (2+3)/2, (4+7)/2 and (5+6+8+9)/4.
        assertThat(means.getShape()).isEqualTo(new Shape(1, 4, 1));
        assertThat(doubles(means)).containsExactly(1, 2.5, 5.5, 7);
    }

    @Test
    void meanIsTakenForEachImageAndChannel() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(1, 2, 1, 1), 0);
        NDArray values = array(manager, new Shape(2, 2, 2), 1, 10, 3, 30, 5, 50, 7, 70);

        assertThat(doubles(transform.mean(values))).containsExactly(2, 20, 6, 60);
    }

    @Test
    void weighMultipliesEachRegionOfEachImageByItsWeight() {
        RegionTransform transform = RegionTransform.ofRegions(new RegionGrid(2, 2, 1, 2), 0);
        // Two patches of each of two regions, of two images.
        NDArray regionTokens = array(manager, new Shape(2, 2, 2, 1), 1, 2, 3, 4, 5, 6, 7, 8);
        NDArray weights = array(manager, new Shape(2, 2), 10, 100, 1000, 10000);

        NDArray weighed = transform.weigh(regionTokens, weights);

        assertThat(weighed.getShape()).isEqualTo(new Shape(2, 2, 2, 1));
        assertThat(doubles(weighed)).containsExactly(10, 200, 30, 400, 5000, 60000, 7000, 80000);
    }
}
