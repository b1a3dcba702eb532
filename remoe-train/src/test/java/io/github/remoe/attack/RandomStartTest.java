package io.github.remoe.attack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.Arrays;

class RandomStartTest {

    private static final float EPSILON = 0.25f;

    private NDManager manager;
    private NDArray images;

    @BeforeEach
    void open() {
        manager = NDManager.newBaseManager();
        // Zeros, so that the result is the noise.
        images = manager.zeros(new Shape(2, 3, 20, 20));
    }

    @AfterEach
    void close() {
        manager.close();
    }

    private float[] noise(int image, int restart, long... seeds) {
        float[] all = RandomStart.uniform(images, EPSILON, seeds, restart).toFloatArray();
        return Arrays.copyOfRange(all, image * 1200, (image + 1) * 1200);
    }

    @Test
    void noiseIsUniformInTheBall() {
        float[] noise = noise(0, 0, 7, 8);
        double sum = 0;
        double squares = 0;
        for (float value : noise) {
            assertThat(value).isBetween(-EPSILON, EPSILON);
            sum += value;
            squares += (double) value * value;
        }

        // A uniform variable has the variance eps^2 / 3; both bounds are over 4 standard errors.
        assertThat(sum / 1200).isCloseTo(0, within(0.02));
        assertThat(squares / 1200).isCloseTo(EPSILON * EPSILON / 3, within(0.0025));
    }

    @Test
    void anImagesNoiseComesFromItsSeedAlone() {
        assertThat(noise(0, 1, 7, 8)).isEqualTo(noise(0, 1, 7, 9));
        assertThat(noise(0, 1, 7, 8)).isEqualTo(noise(1, 1, 6, 7));
        assertThat(noise(0, 1, 7, 8)).isNotEqualTo(noise(1, 1, 7, 8));
    }

    @Test
    void everyRestartStartsElsewhere() {
        assertThat(noise(0, 0, 7, 8)).isNotEqualTo(noise(0, 1, 7, 8));
        assertThat(noise(0, 1, 7, 8)).isNotEqualTo(noise(0, 2, 7, 8));
        assertThat(noise(0, 2, 7, 8)).isEqualTo(noise(0, 2, 7, 8));
    }
}
