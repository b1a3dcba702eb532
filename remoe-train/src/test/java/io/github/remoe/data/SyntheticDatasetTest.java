package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.types.Shape;
import ai.djl.training.dataset.Dataset.Usage;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

class SyntheticDatasetTest {

    @Test
    void hasTenBalancedClassesOf32By32() {
        SyntheticDataset dataset = open(Usage.TRAIN, 200, 0);
        assertThat(dataset.getClasses()).hasSize(10).doesNotHaveDuplicates();
        assertThat(dataset.getImageShape()).isEqualTo(new Shape(3, 32, 32));
        assertThat(dataset.size()).isEqualTo(200);
        int[] counts = new int[10];
        for (int i = 0; i < 200; i++) {
            counts[dataset.label(i)]++;
        }
        assertThat(counts).containsOnly(20);
    }

    @Test
    void imageDependsOnSeedUsageAndIndexAlone() {
        byte[][] images = images(open(Usage.TRAIN, 20, 1));
        assertThat(Arrays.copyOf(images(open(Usage.TRAIN, 30, 1)), 20)).isDeepEqualTo(images);
        byte[][] others = images(open(Usage.TRAIN, 20, 2));
        for (int i = 0; i < 20; i++) {
            assertThat(others[i]).isNotEqualTo(images[i]);
        }
    }

    @Test
    void trainingAndTestImagesAreDifferentDraws() {
        Set<String> train = new HashSet<>();
        for (byte[] image : images(open(Usage.TRAIN, 1000, 0))) {
            train.add(Arrays.toString(image));
        }
        assertThat(train).hasSize(1000);
        for (byte[] image : images(open(Usage.TEST, 300, 0))) {
            assertThat(train).doesNotContain(Arrays.toString(image));
        }
    }

    /**
     * The spread of a channel, in units of 1/255, far above the 16 that eps 8/255 can take away.
     */
    @Test
    void patternsHaveContrastInEveryChannel() {
        for (byte[] image : images(open(Usage.TRAIN, 300, 0))) {
            for (int c = 0; c < 3; c++) {
                int[] sorted = new int[1024];
                for (int i = 0; i < 1024; i++) {
                    sorted[i] = image[c * 1024 + i] & 0xFF;
                }
                Arrays.sort(sorted);
                assertThat(sorted[1010] - sorted[13]).isGreaterThan(60);
            }
        }
    }

    @Test
    void meanColourSaysNothingAboutTheClass() {
        double[][] train = meanColours(images(open(Usage.TRAIN, 2000, 0)));
        double[][] test = meanColours(images(open(Usage.TEST, 1000, 0)));
        double[][] classMeans = new double[10][3];
        for (int i = 0; i < train.length; i++) {
            for (int c = 0; c < 3; c++) {
                classMeans[i % 10][c] += train[i][c] / (train.length / 10.0);
            }
        }
        int byClassMean = 0;
        int byNeighbour = 0;
        for (int i = 0; i < test.length; i++) {
            byClassMean += nearest(test[i], classMeans) == i % 10 ? 1 : 0;
            byNeighbour += nearest(test[i], train) % 10 == i % 10 ? 1 : 0;
        }
        // Chance is 100 of 1000, with a standard deviation of 9.5.
        assertThat(byClassMean).isBetween(60, 140);
        assertThat(byNeighbour).isBetween(60, 140);
    }

    @Test
    void sizeMustBePositive() {
        assertThatThrownBy(() -> SyntheticDataset.builder().optSize(0))
                .hasMessage("size must be 1 or more, was 0");
    }

    private static int nearest(double[] point, double[][] others) {
        int best = 0;
        for (int i = 1; i < others.length; i++) {
            if (distance(point, others[i]) < distance(point, others[best])) {
                best = i;
            }
        }
        return best;
    }

    private static double distance(double[] a, double[] b) {
        return Math.hypot(Math.hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
    }

    private static double[][] meanColours(byte[][] images) {
        double[][] means = new double[images.length][3];
        for (int i = 0; i < images.length; i++) {
            for (int p = 0; p < 3072; p++) {
                means[i][p / 1024] += (images[i][p] & 0xFF) / 1024.0;
            }
        }
        return means;
    }

    private static byte[][] images(SyntheticDataset dataset) {
        byte[][] images = new byte[(int) dataset.size()][3072];
        for (int i = 0; i < images.length; i++) {
            dataset.readPixels(i, images[i]);
        }
        return images;
    }

    private static SyntheticDataset open(Usage usage, int size, long seed) {
        return SyntheticDataset.builder()
                .optUsage(usage)
                .optSize(size)
                .optSeed(seed)
                .setSampling(10, false)
                .build();
    }
}
