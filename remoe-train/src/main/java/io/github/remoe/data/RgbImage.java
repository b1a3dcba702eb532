package io.github.remoe.data;

import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** One decoded image: 8-bit RGB in three planes, each row by row. */
final class RgbImage {

    private final int width;
    private final int height;
    private final byte[][] planes;

    private RgbImage(int width, int height) {
        this.width = width;
        this.height = height;
        planes = new byte[3][width * height];
    }

    /** Reads a JPEG or PNG file. */
    static RgbImage read(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        try {
            return decode(bytes);
        } catch (IOException e) {
            throw new IOException(
                    String.format(
                            "cannot read the image %s (%s); replace it or take it out of the dataset",
                            file, e.getMessage()),
                    e);
        }
    }

    /**
     * Tries the JDK's reader first, because it leaves embedded colour profiles alone as Pillow
     * does. TwelveMonkeys' reader, which applies them, takes what the JDK's refuses, and CMYK,
     * which only the newer JDKs read and in colours that are too bright.
     */
    private static RgbImage decode(byte[] bytes) throws IOException {
        List<ImageReader> readers = new ArrayList<>();
        try (ImageInputStream input = open(bytes)) {
            ImageIO.getImageReaders(input).forEachRemaining(readers::add);
        }
        readers.sort(Comparator.comparing(reader -> !isFromJdk(reader)));
        IOException failure = new IOException("the content is neither JPEG nor PNG");
        try {
            for (ImageReader reader : readers) {
                try (ImageInputStream input = open(bytes)) {
                    return decode(reader, input);
                } catch (IOException e) {
                    failure = e;
                } catch (RuntimeException e) {
                    // Readers meet damaged files with all kinds of runtime exceptions.
                    failure = new IOException(e.toString(), e);
                }
            }
        } finally {
            readers.forEach(ImageReader::dispose);
        }
        throw failure;
    }

    private static boolean isFromJdk(ImageReader reader) {
        return reader.getClass().getName().startsWith("com.sun.imageio.");
    }

    private static ImageInputStream open(byte[] bytes) {
        return new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes));
    }

    private static RgbImage decode(ImageReader reader, ImageInputStream input) throws IOException {
        List<String> warnings = new ArrayList<>();
        reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
        reader.setInput(input, true, true);
        BufferedImage decoded = reader.read(0);
        if (decoded.getColorModel().getNumColorComponents() > 3) {
            throw new IOException("the colours are not RGB, grey or CMYK");
        }
        RgbImage image = fromBufferedImage(decoded);
        // The JPEG readers fill what is missing of a cut-off file with grey and only warn.
        if (warnings.stream().anyMatch(warning -> warning.contains("Missing EOI marker"))) {
            throw new IOException("the file is cut off");
        }
        return image;
    }

    private static RgbImage fromBufferedImage(BufferedImage source) {
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
     * Resizes the shorter side to {@code size}, keeping the proportions, and writes the centre
     * square, planes R, G, B.
     *
     * @param size the side of the square
     * @param pixels 3 x size x size bytes to fill
     */
    void toSquare(int size, byte[] pixels) {
        int shorter = Math.min(width, height);
        BicubicAxis columns = axis(width, shorter, size);
        BicubicAxis rows = axis(height, shorter, size);
        for (int band = 0; band < 3; band++) {
            BicubicAxis.resample(planes[band], rows, columns, pixels, band * size * size);
        }
    }

    /** The roundings are torchvision's: Resize(size) cuts off, CenterCrop goes to even. */
    private static BicubicAxis axis(int length, int shorter, int size) {
        int resized = (int) ((long) size * length / shorter);
        return new BicubicAxis(length, resized, (int) Math.rint((resized - size) / 2.0), size);
    }
}
