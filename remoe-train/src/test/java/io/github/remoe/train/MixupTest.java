package io.github.remoe.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.Golden;
import io.github.remoe.Tensors;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;

class MixupTest {

    private NDManager manager;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private static Mixup mixup(float mixupAlpha, float cutmixAlpha) {
        return new Mixup(mixupAlpha, cutmixAlpha, 4, 0);
    }

    /** Two images of 4 x 4 pixels, the first black, the second white. */
    private NDArray blackAndWhite() {
        return manager.zeros(new Shape(1, 3, 4, 4)).concat(manager.ones(new Shape(1, 3, 4, 4)));
    }

    private NDArray labels(long... labels) {
        return manager.create(labels);
    }

    @Test
    void anImageIsMixedWithItsMirrorInTheBatch() {
        NDArray images = Tensors.array(manager, new Shape(3, 1, 1, 1), 0, 0.5, 1);

        Mixup.Mixed mixed = mixup(1, 0).mixup(images, labels(0, 1, 3), 0.75);

        assertThat(Tensors.doubles(mixed.images()))
                .containsExactly(new double[] {0.25, 0.5, 0.75}, within(1e-7));
        assertThat(Tensors.doubles(mixed.labels()))
                .containsExactly(
                        new double[] {0.75, 0, 0, 0.25, 0, 1, 0, 0, 0.25, 0, 0, 0.75},
                        within(1e-7));
    }

    @Test
    void labelsAreSmoothedBeforeTheyAreMixed() {
        Mixup smooth = new Mixup(1, 0, 4, 0.2f);

        Mixup.Mixed mixed = smooth.mixup(blackAndWhite(), labels(0, 1), 0.75);

        // 0.8 + 0.05 for the true class and 0.05 for each other.
        double[] first = {0.75 * 0.85 + 0.25 * 0.05, 0.75 * 0.05 + 0.25 * 0.85, 0.05, 0.05};
        assertThat(Arrays.copyOf(Tensors.doubles(mixed.labels()), 4))
                .containsExactly(first, within(1e-6));
    }

    @Test
    void aBoxOfTheOtherImageIsPutIn() {
        // Half of each side around row 1, column 2: rows 0 and 1, columns 1 and 2.
        Mixup.Box box = Mixup.Box.around(1, 2, 0.75, 4, 4);

        Mixup.Mixed mixed = mixup(0, 1).cutmix(blackAndWhite(), labels(0, 1), box);

        double[] pixels = Tensors.doubles(mixed.images());
        assertThat(Arrays.copyOf(pixels, 16))
                .containsExactly(0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        assertThat(Arrays.copyOfRange(pixels, 48, 64))
                .containsExactly(1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1);
        assertThat(Tensors.doubles(mixed.labels()))
                .containsExactly(new double[] {0.75, 0.25, 0, 0, 0.25, 0.75, 0, 0}, within(1e-7));
    }

    @ParameterizedTest
    @CsvSource({
        // row, column, lambda, top, bottom, left, right
        "0, 0, 0.75, 0, 1, 0, 1", // three quarters of the box lie outside
        "3, 3, 0.75, 2, 4, 2, 4",
        "2, 2, 0, 0, 4, 0, 4",
        "2, 2, 1, 2, 2, 2, 2", // no box
        "1, 1, 0.4, 0, 3, 0, 3" // an odd side: int(4 x 0.7746) = 3
    })
    void theBorderCutsTheBox(
            int row, int column, double lambda, int top, int bottom, int left, int right) {
        Mixup.Box box = Mixup.Box.around(row, column, lambda, 4, 4);

        assertThat(box).isEqualTo(new Mixup.Box(top, bottom, left, right, 4, 4));
        assertThat(box.share()).isEqualTo((bottom - top) * (right - left) / 16.0);
    }

    @Test
    void theSameSeedMixesTheSameAndAnotherOtherwise() {
        NDArray images = Golden.tensor(manager, DataType.FLOAT32, "image", 4, 3, 8, 8);
        NDArray labels = labels(0, 1, 2, 3);
        double[] before = Tensors.doubles(images);

        Mixup.Mixed first = mixup(0.8f, 1).apply(images, labels, 3);
        Mixup.Mixed second = mixup(0.8f, 1).apply(images, labels, 3);
        Mixup.Mixed other = mixup(0.8f, 1).apply(images, labels, 4);

        assertThat(Tensors.doubles(second.images())).isEqualTo(Tensors.doubles(first.images()));
        assertThat(Tensors.doubles(second.labels())).isEqualTo(Tensors.doubles(first.labels()));
        assertThat(Tensors.doubles(other.images())).isNotEqualTo(Tensors.doubles(first.images()));
        assertThat(Tensors.doubles(images)).isEqualTo(before);
    }

    @Test
    void bothAreChosenEquallyOftenAndLambdaIsBetaDistributed() {
        NDArray images = blackAndWhite();
        int cutmixes = 0;
        double sum = 0;
        double squares = 0;
        for (int seed = 0; seed < 400; seed++) {
            Mixup.Mixed mixed = mixup(0.2f, 1).apply(images, labels(0, 1), seed);
            float share = 1 - mixed.labels().getFloat(0, 0);
            float corner = mixed.images().max().getFloat();
            if (share > 0 && corner == 1 && mixed.images().get("0").max().getFloat() == 1) {
                cutmixes++;
            }
            Mixup.Mixed alone = mixup(0.2f, 0).apply(images, labels(0, 1), seed);
            double lambda = alone.labels().getFloat(0, 0);
            sum += lambda;
            squares += (lambda - 0.5) * (lambda - 0.5);
        }

        // A quarter of the boxes are smaller than a pixel; some shares of mixup round to 1.
        assertThat(cutmixes).isBetween(140, 230);
        assertThat(sum / 400).isCloseTo(0.5, within(0.08));
        // The variance of Beta(a, a) is 1 / (4 (2 a + 1)).
        assertThat(squares / 400).isCloseTo(1 / (4 * 1.4), within(0.03));
    }

    @Test
    void mixedPixelsStayInTheirRange() {
        NDArray white = manager.ones(new Shape(2, 1, 1, 1));
        NDArray edge = Tensors.array(manager, new Shape(2, 1, 1, 1), 1, 0.3);
        for (double lambda = 0; lambda <= 1; lambda += 1 / 199.0) {
            assertThat(Tensors.doubles(
                            mixup(1, 0).mixup(white, labels(0, 1), lambda).images()))
                    .containsExactly(1, 1);
            for (double pixel : Tensors.doubles(
                    mixup(1, 0).mixup(edge, labels(0, 1), lambda).images())) {
                assertThat(pixel).isBetween(0.3f * 1.0, 1.0);
            }
        }
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mixup(-1, 0))
                .withMessageContaining("alpha of mixup");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mixup(1, Float.NaN))
                .withMessageContaining("alpha of CutMix");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mixup(0, 0))
                .withMessageContaining("Both");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Mixup(1, 0, 4, 1.5f))
                .withMessageContaining("smoothing must be 0 to 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Mixup(1, 0, 0, 0))
                .withMessageContaining("at least 1 class");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> mixup(1, 0).apply(blackAndWhite(), labels(0, 4), 0))
                .withMessageContaining("Label 4");
    }
}
