package io.github.remoe.image;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * One decoded image: 8-bit RGB in three planes, each row by row.
 *
 * <p>Grey samples are taken as they are, alpha is dropped, palettes are looked up; embedded colour
 * profiles and EXIF rotation of files are ignored. So pixels are those that Pillow's {@code
 * convert("RGB")} gives. Immutable, and so for use by many threads.
 */
public final class RgbImage {

    // Where Pillow begins to warn: a quarter of a gigabyte of pixels.
    private static final long MAX_PIXELS = (1L << 30) / 4 / 3;

    private static final int START_OF_SCAN = 0xDA;
    private static final int APP2 = 0xE2;

    private final int width;
    private final int height;
    private final byte[][] planes;

    private RgbImage(int width, int height) {
        this.width = width;
        this.height = height;
        planes = new byte[3][width * height];
    }

    /**
     * Takes the planes R, G, B of an image.
     *
     * @param pixels 3 x height x width bytes, which are copied
     * @param height the rows of a plane
     * @param width the columns of a plane
     * @return the image
     * @throws IllegalArgumentException if there are more or fewer bytes, or no pixels
     */
    public static RgbImage of(byte[] pixels, int height, int width) {
        if (height < 1 || width < 1 || pixels.length != 3L * height * width) {
            throw new IllegalArgumentException(String.format(
                    "An image of %d x %d pixels takes three bytes for each, got %d bytes.",
                    height, width, pixels.length));
        }
        RgbImage image = new RgbImage(width, height);
        for (int band = 0; band < 3; band++) {
            System.arraycopy(pixels, band * width * height, image.planes[band], 0, width * height);
        }
        return image;
    }

    /**
     * Reads a JPEG or PNG file.
     *
     * @param file the file
     * @return the image
     * @throws IOException if the file is missing, damaged, cut off or of another format; the message
     *     names it
     */
    public static RgbImage read(Path file) throws IOException {
        try {
            return decode(Files.readAllBytes(file));
        } catch (ClosedByInterruptException e) {
            throw e; // no fault of the file
        } catch (IOException e) {
            String reason = e instanceof NoSuchFileException ? "it is not there" : e.getMessage();
            throw new IOException(
                    String.format(
                            "cannot read the image %s (%s); replace it or leave it out",
                            file, reason),
                    e);
        }
    }

    /**
     * Decodes the content of a JPEG or PNG file. JPEG files in CMYK need a plugin of ImageIO for them,
     * such as TwelveMonkeys' {@code imageio-jpeg}.
     *
     * @param bytes the content
     * @return the image
     * @throws IOException if the content is damaged, cut off or of another format, or claims more than
     *     89,478,485 pixels, which would take half a gigabyte of memory, however small the file
     */
    public static RgbImage decode(byte[] bytes) throws IOException {
        try (ImageInputStream input =
                new MemoryCacheImageInputStream(new ByteArrayInputStream(withoutProfile(bytes)))) {
            Iterator<ImageReader> readers = ImageIO.getImageReaders(input);
            if (!readers.hasNext()) {
                throw new IOException("the content is neither JPEG nor PNG");
            }
            ImageReader reader = readers.next();
            try {
                List<String> warnings = new ArrayList<>();
                reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
                reader.setInput(input, true, true);
                long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
                if (pixels > MAX_PIXELS) {
                    throw new IOException(String.format(
                            "it has %d x %d pixels, more than %d in all: make it smaller",
                            reader.getWidth(0), reader.getHeight(0), MAX_PIXELS));
                }
                RgbImage image = of(reader.read(0));
                // The JPEG reader fills what is missing of a cut-off file with grey and only warns.
                if (warnings.stream().anyMatch(warning -> warning.contains("Missing EOI marker"))) {
                    throw new IOException("the file is cut off");
                }
                return image;
            } finally {
                reader.dispose();
            }
        } catch (RuntimeException e) {
            // Readers meet damaged files with all kinds of runtime exceptions.
            throw new IOException(e.toString(), e);
        }
    }

    /**
     * Takes the colour profile out of a JPEG file. Java's readers apply it, Pillow does not, and a
     * network trained with the one should see the same pixels with the other.
     */
    private static byte[] withoutProfile(byte[] bytes) {
        if (bytes.length < 2 || bytes[0] != (byte) 0xFF || bytes[1] != (byte) 0xD8) {
            return bytes; // no JPEG
        }
        ByteArrayOutputStream kept = new ByteArrayOutputStream(bytes.length);
        kept.write(bytes, 0, 2);
        int start = 2;
        // The segments before the image data: 0xFF, kind, length of the rest in two bytes.
        while (start + 4 <= bytes.length && bytes[start] == (byte) 0xFF) {
            int kind = bytes[start + 1] & 0xFF;
            int end = start + 2 + ((bytes[start + 2] & 0xFF) << 8 | bytes[start + 3] & 0xFF);
            if (kind < 0xC0 || kind == START_OF_SCAN || kind == 0xFF || end > bytes.length) {
                break;
            }
            if (kind != APP2 || !startsWith(bytes, start + 4, "ICC_PROFILE")) {
                kept.write(bytes, start, end - start);
            }
            start = end;
        }
        kept.write(bytes, start, bytes.length - start);
        return kept.toByteArray();
    }

    private static boolean startsWith(byte[] bytes, int start, String text) {
        byte[] wanted = text.getBytes(StandardCharsets.US_ASCII);
        int end = Math.min(bytes.length, start + wanted.length);
        return Arrays.equals(bytes, start, end, wanted, 0, wanted.length);
    }

    /**
     * Takes the pixels of an image in memory.
     *
     * @param source the image, which is not changed
     * @return the same in RGB
     */
    public static RgbImage of(BufferedImage source) {
        RgbImage image = new RgbImage(source.getWidth(), source.getHeight());
        ColorModel colors = source.getColorModel();
        int components = colors.getNumColorComponents();
        // Samples are taken as they are where they are grey or RGB. BufferedImage.getRGB would
        // brighten grey images (Java holds their colour space to be linear) and is slow; it serves
        // palettes and the rare rest.
        boolean plain =
                colors instanceof ComponentColorModel && (components == 1 || components == 3);
        Raster raster = source.getRaster();
        int[] row = new int[image.width];
        for (int y = 0; y < image.height; y++) {
            if (!plain) {
                source.getRGB(0, y, image.width, 1, row, 0, image.width);
            }
            for (int band = 0; band < 3; band++) {
                int shift = 16 - 8 * band;
                if (plain) {
                    int sample = components == 1 ? 0 : band;
                    raster.getSamples(0, y, image.width, 1, sample, row);
                    shift = colors.getComponentSize(sample) - 8; // 16-bit files keep the upper half
                }
                for (int x = 0; x < image.width; x++) {
                    image.planes[band][y * image.width + x] = (byte) (row[x] >> shift);
                }
            }
        }
        return image;
    }

    /**
     * Resizes the shorter side to {@code size}, keeping the proportions (bicubic with antialiasing),
     * and writes the centre square, planes R, G, B: torchvision's {@code Resize} and {@code
     * CenterCrop} to about one step of 255.
     *
     * @param size the side of the square
     * @param pixels 3 x size x size bytes to fill
     */
    public void toSquare(int size, byte[] pixels) {
        toSquare(size, size, pixels);
    }

    /**
     * Resizes the shorter side, keeping the proportions, and writes a smaller square of the centre.
     *
     * @param resized the length of the shorter side before the cut
     * @param size the side of the square, at most {@code resized}
     * @param pixels 3 x size x size bytes to fill
     */
    public void toSquare(int resized, int size, byte[] pixels) {
        int shorter = Math.min(width, height);
        BicubicAxis columns = axis(width, shorter, resized, size);
        BicubicAxis rows = axis(height, shorter, resized, size);
        for (int band = 0; band < 3; band++) {
            BicubicAxis.resample(planes[band], width, 0, rows, columns, pixels, band * size * size);
        }
    }

    /**
     * Resizes a part of the image, and writes it as planes R, G, B. Pixels around the part have no
     * influence.
     *
     * @param top the first row of the part
     * @param left the first column of the part
     * @param height the number of rows of the part, 1 or more
     * @param width the number of columns of the part, 1 or more
     * @param rows the height to resize it to
     * @param columns the width to resize it to
     * @param pixels 3 x rows x columns bytes to fill
     * @throws IllegalArgumentException if the part leaves the image
     */
    public void resizePart(
            int top, int left, int height, int width, int rows, int columns, byte[] pixels) {
        if (top < 0
                || left < 0
                || height < 1
                || width < 1
                || height > this.height - top
                || width > this.width - left) {
            throw new IllegalArgumentException(String.format(
                    "The part of %d x %d at row %d, column %d is not in the image, which has %d x %d.",
                    height, width, top, left, this.height, this.width));
        }
        BicubicAxis down = new BicubicAxis(height, rows, 0, rows);
        BicubicAxis right = new BicubicAxis(width, columns, 0, columns);
        int from = top * this.width + left;
        for (int band = 0; band < 3; band++) {
            BicubicAxis.resample(
                    planes[band], this.width, from, down, right, pixels, band * rows * columns);
        }
    }

    /**
     * Returns the height.
     *
     * @return rows of pixels
     */
    public int height() {
        return height;
    }

    /**
     * Returns the width.
     *
     * @return columns of pixels
     */
    public int width() {
        return width;
    }

    /** The roundings are torchvision's: Resize(size) cuts off, CenterCrop goes to even. */
    private static BicubicAxis axis(int length, int shorter, int resizedShorter, int size) {
        int resized = (int) ((long) resizedShorter * length / shorter);
        return new BicubicAxis(length, resized, (int) Math.rint((resized - size) / 2.0), size);
    }
}
