package io.github.remoe.data;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.remoe.image.RgbImage;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.io.InputStream;

class CmykImageTest {

    /** An 8 x 8 CMYK file of one colour: (230, 186, 76). */
    @Test
    void cmykBecomesRgb() throws IOException {
        byte[] pixels = new byte[3 * 64];
        try (InputStream in = getClass().getResourceAsStream("cmyk.jpg")) {
            RgbImage.decode(in.readAllBytes()).toSquare(8, pixels);
        }
        assertThat(pixels[0] & 0xFF).isBetween(228, 232);
        assertThat(pixels[64] & 0xFF).isBetween(184, 188);
        assertThat(pixels[128] & 0xFF).isBetween(74, 78);
    }
}
