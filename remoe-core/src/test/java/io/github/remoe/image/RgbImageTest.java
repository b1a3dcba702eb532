package io.github.remoe.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.awt.image.WritableRaster;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;

import javax.imageio.ImageIO;

class RgbImageTest {

    @TempDir
    Path folder;

    @Test
    void planesAreRedGreenBlue() throws IOException {
        BufferedImage image = plain(2, 2, 0x0A1420);
        image.setRGB(1, 0, 0xFF0102);
        assertThat(pixels(write(image, folder.resolve("1.png")), 2))
                .containsExactly(10, 255, 10, 10, 20, 1, 20, 20, 32, 2, 32, 32);
    }

    @Test
    void greyStaysAsDarkAsItIs() throws IOException {
        BufferedImage grey = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
        fill(grey.getRaster(), 76);
        assertThat(pixels(write(grey, folder.resolve("1.png")), 8)).containsOnly(76);
        assertThat(pixels(write(grey, folder.resolve("1.jpg")), 8)).containsOnly(76);
        BufferedImage deep = new BufferedImage(8, 8, BufferedImage.TYPE_USHORT_GRAY);
        fill(deep.getRaster(), 76 * 256 + 255);
        assertThat(pixels(write(deep, folder.resolve("2.png")), 8)).containsOnly(76);
    }

    @Test
    void alphaIsDropped() throws IOException {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, 0x400A141E);
        assertThat(pixels(write(image, folder.resolve("1.png")), 1)).containsExactly(10, 20, 30);
    }

    @ParameterizedTest
    @ValueSource(ints = {BufferedImage.TYPE_BYTE_INDEXED, BufferedImage.TYPE_BYTE_BINARY})
    void palettesBecomeColours(int type) throws IOException {
        BufferedImage image = new BufferedImage(2, 2, type);
        image.setRGB(1, 0, 0xFFFFFFFF);
        assertThat(pixels(write(image, folder.resolve("1.png")), 2))
                .containsExactly(0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0);
    }

    @Test
    void colourProfilesAreIgnored() throws IOException {
        Path file = write(plain(8, 8, 0x4C4C4C), folder.resolve("1.jpg"));
        byte[] plain = Files.readAllBytes(file);
        byte[] profile = ICC_Profile.getInstance(ColorSpace.CS_LINEAR_RGB).getData();
        int length = 2 + 14 + profile.length;
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(plain, 0, 2);
            out.write(new byte[] {(byte) 0xFF, (byte) 0xE2, (byte) (length >> 8), (byte) length});
            out.write("ICC_PROFILE\0\1\1".getBytes(StandardCharsets.ISO_8859_1));
            out.write(profile);
            out.write(plain, 2, plain.length - 2);
        }
        assertThat(ImageIO.read(file.toFile()).getRGB(0, 0) & 0xFF).isGreaterThan(140); // applied
        assertThat(pixels(file, 8)).containsOnly(76);
    }

    /** The expected numbers are Pillow's, {@code Image.resize(size, BICUBIC)}. */
    @Test
    void resizingAgreesWithPillow() {
        byte[] row = {0, 10, (byte) 200, 50, 90, (byte) 255, 30, 7, 60, 120};
        assertThat(resample(row, 1, 10, 1, 4)).containsExactly(48, 121, 98, 61);
        assertThat(resample(row, 1, 10, 1, 15))
                .containsExactly(0, 0, 35, 186, 134, 44, 74, 189, 238, 60, 1, 11, 50, 95, 124);
        byte[] plane = new byte[35];
        for (int i = 0; i < plane.length; i++) {
            plane[i] = (byte) (i * 37);
        }
        assertThat(resample(plane, 7, 5, 4, 3))
                .containsExactly(103, 68, 96, 124, 151, 115, 119, 83, 110, 138, 166, 131);
        assertThat(resample(plane, 7, 5, 7, 5)).isEqualTo(unsigned(plane));
    }

    @Test
    void shorterSideIsResizedAndTheCentreKept() throws IOException {
        // 12 x 4: three squares, red, green, blue; the middle one is left.
        BufferedImage wide = new BufferedImage(12, 4, BufferedImage.TYPE_INT_RGB);
        BufferedImage tall = new BufferedImage(4, 12, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 48; i++) {
            int colour = 0xFF0000 >> (8 * (i / 16));
            wide.setRGB(i / 4, i % 4, colour);
            tall.setRGB(i % 4, i / 4, colour);
        }
        int[] green = new int[48];
        Arrays.fill(green, 16, 32, 255);
        assertThat(pixels(write(wide, folder.resolve("1.png")), 4)).isEqualTo(green);
        assertThat(pixels(write(tall, folder.resolve("2.png")), 4)).isEqualTo(green);
    }

    /** One-pixel stripes turn grey; without antialiasing some would be picked and others not. */
    @Test
    void reducingDoesNotAlias() throws IOException {
        BufferedImage stripes = new BufferedImage(60, 60, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 3600; i++) {
            stripes.setRGB(i % 60, i / 60, i % 2 == 0 ? 0xFFFFFF : 0);
        }
        int[] pixels = pixels(write(stripes, folder.resolve("1.png")), 7);
        assertThat(Arrays.stream(pixels)).allMatch(value -> value > 110 && value < 145);
    }

    private static int[] pixels(Path file, int size) throws IOException {
        byte[] pixels = new byte[3 * size * size];
        RgbImage.read(file).toSquare(size, pixels);
        return unsigned(pixels);
    }

    private static BufferedImage plain(int width, int height, int rgb) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < width * height; i++) {
            image.setRGB(i % width, i / width, rgb);
        }
        return image;
    }

    private static Path write(BufferedImage image, Path file) throws IOException {
        String name = file.toString();
        ImageIO.write(image, name.substring(name.lastIndexOf('.') + 1), file.toFile());
        return file;
    }

    private static int[] resample(byte[] plane, int height, int width, int rows, int columns) {
        byte[] target = new byte[rows * columns];
        BicubicAxis.resample(
                plane,
                width,
                0,
                new BicubicAxis(height, rows, 0, rows),
                new BicubicAxis(width, columns, 0, columns),
                target,
                0);
        return unsigned(target);
    }

    private static int[] unsigned(byte[] bytes) {
        int[] values = new int[bytes.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = bytes[i] & 0xFF;
        }
        return values;
    }

    private static void fill(WritableRaster raster, int value) {
        for (int i = 0; i < 64 * raster.getNumBands(); i++) {
            raster.setSample(i % 8, i / 8 % 8, i / 64, value);
        }
    }

    /** A few hundred bytes must not take gigabytes of memory, whatever they claim. */
    @Test
    void moreThanFitsIsRefusedBeforeItIsDecoded() throws IOException {
        Path file = write(plain(1, 1, 0), folder.resolve("1.png"));
        byte[] bytes = Files.readAllBytes(file);
        // Behind the signature: length and kind of the first chunk, width, height, five bytes, CRC.
        ByteBuffer header = ByteBuffer.wrap(bytes);
        header.putInt(16, 11_000).putInt(20, 11_000);
        CRC32 crc = new CRC32();
        crc.update(bytes, 12, 17);
        header.putInt(29, (int) crc.getValue());
        Files.write(file, bytes);

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> RgbImage.read(file))
                .withMessageContaining(file + " (it has 11000 x 11000 pixels");
    }

    @Test
    void planesMustBeComplete() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RgbImage.of(new byte[11], 2, 2))
                .withMessageContaining("2 x 2 pixels takes three bytes for each, got 11 bytes");
        assertThatIllegalArgumentException().isThrownBy(() -> RgbImage.of(new byte[0], 0, 2));
    }
}
