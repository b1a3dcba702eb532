package io.github.remoe.figure;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

import javax.imageio.ImageIO;

/**
 * A confusion matrix: which classes are taken for which. A row is a true class, and the darker a cell,
 * the larger its share of the row's images.
 *
 * <p>Up to 20 classes have their names and, where there is room, their numbers: counts, or if these
 * are too long, percent of the row. More classes are drawn as a picture with a pixel for each cell, and
 * go by their indices.
 */
public final class ConfusionMatrix {

    private static final Template TEMPLATE =
            new Template(ConfusionMatrix.class, "confusion-matrix.svg.ftlx");

    private static final int MOST_NAMED = 20;

    private static final double WIDTH = 400;
    private static final double TOP = 22;
    private static final double MOST_NAME = 78;
    private static final double MOST_CELL = 48;
    private static final double PICTURE = 350;
    private static final double GAP = 6;
    private static final double SWATCH = 12;
    private static final Color NO_IMAGES = new Color(0xd0d7de);
    private static final List<Integer> KEY = List.of(0, 1, 5, 25, 100);

    // Numbers in cells are smaller than other text, by so much.
    private static final double CELL_TEXT = 11 / Text.SIZE;

    // So many pixels a side a picture has at least: enlarging fewer would smooth them.
    private static final int PIXELS = 700;

    private final String name;
    private final String title;
    private final List<String> classes;
    private final long[][] counts;
    private final long[] images;

    /** A cell; it has no text where there is no room. */
    public record Cell(double x, double y, String colour, String text, String ink, String says) {}

    /** A name along a side. */
    public record Name(double at, String text, String full) {}

    /** A row without images, as the data of a path that hatches it. */
    public record Hatch(String lines, String says) {}

    /** What a colour means; hatched if there is none. */
    public record Swatch(Legend.Entry place, String colour) {}

    private ConfusionMatrix(String name, String title, List<String> classes, long[][] counts) {
        this.name = name;
        this.title = title;
        this.classes = classes;
        this.counts = counts;
        images =
                Arrays.stream(counts).mapToLong(row -> Arrays.stream(row).sum()).toArray();
    }

    /**
     * Draws a confusion matrix.
     *
     * @param name what the figure's files are called
     * @param title what it shows, in a few words
     * @param classes the names of the classes
     * @param counts the numbers of images, by true class and then by predicted class
     * @return the figure; a row without images is hatched, or grey in a picture
     * @throws IllegalArgumentException if there is no class, a count is negative, or there is not one for
     *     each pair of classes
     */
    public static Figure of(String name, String title, List<String> classes, long[][] counts) {
        if (classes.isEmpty() || counts.length != classes.size()) {
            throw new IllegalArgumentException(String.format(
                    "The confusion matrix %s has %d rows for %d classes, and takes one for each, of"
                            + " one class at least.",
                    name, counts.length, classes.size()));
        }
        for (long[] row : counts) {
            if (row.length != classes.size() || Arrays.stream(row).anyMatch(count -> count < 0)) {
                throw new IllegalArgumentException(String.format(
                        "Each row of the confusion matrix %s takes %d counts of 0 or more, got %s.",
                        name, classes.size(), Arrays.toString(row)));
            }
        }
        ConfusionMatrix matrix = new ConfusionMatrix(name, title, classes, counts);
        return classes.size() <= MOST_NAMED ? matrix.cells() : matrix.picture();
    }

    private Figure cells() {
        int size = classes.size();
        List<String> shown = shownNames();
        double names = shown.stream().mapToDouble(Text::width).max().orElseThrow();
        double left = names + GAP;
        double cell = Math.min(MOST_CELL, (WIDTH - left) / size);
        boolean countsFit = Arrays.stream(counts)
                .flatMapToLong(Arrays::stream)
                .allMatch(count -> fits(Long.toString(count), cell));
        List<Cell> cells = new ArrayList<>();
        List<Hatch> hatches = new ArrayList<>();
        List<Name> columns = new ArrayList<>();
        List<Name> rows = new ArrayList<>();
        for (int truth = 0; truth < size; truth++) {
            double y = TOP + truth * cell;
            String label = classes.get(truth);
            rows.add(new Name(y + cell / 2, shown.get(truth), label));
            columns.add(new Name(left + (truth + 0.5) * cell, shown.get(truth), label));
            if (images[truth] == 0) {
                hatches.add(
                        new Hatch(hatching(left, y, size * cell, cell), "no images of " + label));
            }
            for (int predicted = 0; predicted < size; predicted++) {
                long count = counts[truth][predicted];
                if (count > 0) {
                    double share = (double) count / images[truth];
                    Color colour = ShareColour.of(share);
                    String text = countsFit ? Long.toString(count) : "" + Math.round(100 * share);
                    cells.add(new Cell(
                            left + predicted * cell,
                            y,
                            ShareColour.hex(colour),
                            fits(text, cell) ? text : "",
                            ShareColour.hex(ShareColour.text(colour)),
                            says(truth, predicted)));
                }
            }
        }
        boolean allHaveRoom = cells.stream().noneMatch(one -> one.text.isEmpty());
        String numbers = countsFit
                ? "numbers: images"
                : allHaveRoom ? "numbers: %" : "numbers: %, but for 100 %";
        Map<String, Object> values = new HashMap<>();
        values.put("cell", cell);
        values.put("cells", cells);
        values.put("hatches", hatches);
        values.put("columns", columns);
        values.put("rows", rows);
        return figure(
                values, left, size * cell, names + GAP, numbers, hatches.isEmpty() ? null : "");
    }

    private List<String> shownNames() {
        List<String> shown =
                classes.stream().map(label -> Text.shorten(label, MOST_NAME)).toList();
        if (shown.stream().distinct().count() == shown.size()) {
            return shown;
        }
        // Names that begin alike are told by their indices.
        return IntStream.range(0, classes.size())
                .mapToObj(i -> Text.shorten(i + " " + classes.get(i), MOST_NAME))
                .toList();
    }

    private static boolean fits(String number, double cell) {
        return CELL_TEXT * Text.width(number) <= cell;
    }

    private String says(int truth, int predicted) {
        long count = counts[truth][predicted];
        return String.format(
                Locale.ROOT,
                "%s taken for %s: %d of %d images, %.1f %%",
                classes.get(truth),
                classes.get(predicted),
                count,
                images[truth],
                100.0 * count / images[truth]);
    }

    private static String hatching(double left, double top, double width, double height) {
        StringBuilder path = new StringBuilder();
        for (double foot = left - height; foot < left + width; foot += 7) {
            double from = Math.max(left, foot);
            double to = Math.min(left + width, foot + height);
            path.append('M').append(Numbers.coordinate(from));
            path.append(' ').append(Numbers.coordinate(top + height - (from - foot)));
            path.append('L').append(Numbers.coordinate(to));
            path.append(' ').append(Numbers.coordinate(top + height - (to - foot)));
        }
        return path.toString();
    }

    private Figure picture() {
        int size = classes.size();
        Axis axis = Axis.between(0, size - 1, true, PICTURE);
        double left = axis.width() + GAP;
        double cell = PICTURE / size;
        List<Name> columns = new ArrayList<>();
        List<Name> rows = new ArrayList<>();
        for (Axis.Tick tick : axis.ticks()) {
            String full = classes.get((int) tick.value());
            columns.add(new Name(left + (tick.value() + 0.5) * cell, tick.label(), full));
            rows.add(new Name(TOP + (tick.value() + 0.5) * cell, tick.label(), full));
        }
        boolean gaps = Arrays.stream(images).anyMatch(count -> count == 0);
        Map<String, Object> values = new HashMap<>();
        values.put("picture", Base64.getEncoder().encodeToString(pixels()));
        values.put("columns", columns);
        values.put("rows", rows);
        return figure(values, left, PICTURE, 18, "", gaps ? ShareColour.hex(NO_IMAGES) : null);
    }

    private byte[] pixels() {
        int size = classes.size();
        int scale = Math.max(1, PIXELS / size);
        BufferedImage picture =
                new BufferedImage(size * scale, size * scale, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < picture.getHeight(); y++) {
            int truth = y / scale;
            for (int x = 0; x < picture.getWidth(); x++) {
                Color colour = images[truth] == 0
                        ? NO_IMAGES
                        : ShareColour.of((double) counts[truth][x / scale] / images[truth]);
                picture.setRGB(x, y, colour.getRGB());
            }
        }
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        try {
            ImageIO.write(picture, "png", png);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return png.toByteArray();
    }

    private Figure figure(
            Map<String, Object> values,
            double left,
            double side,
            double columnHeight,
            String numbers,
            String noImages) {
        double label = TOP + side + columnHeight + Text.LINE;
        List<String> labels = new ArrayList<>();
        List<String> colours = new ArrayList<>();
        for (int percent : KEY) {
            labels.add(percent + " %");
            colours.add(ShareColour.hex(ShareColour.of(percent / 100.0)));
        }
        if (noImages != null) {
            labels.add("no images");
            colours.add(noImages);
        }
        Legend legend = Legend.of(labels, SWATCH, WIDTH, label + Text.LINE + 8);
        values.put("title", title);
        values.put("description", description());
        values.put("width", WIDTH);
        values.put("height", label + Text.LINE + 8 + legend.height());
        values.put("left", left);
        values.put("top", TOP);
        values.put("side", side);
        values.put("ground", ShareColour.hex(ShareColour.of(0)));
        values.put("label", label);
        values.put("labelX", Math.max(left + side / 2, Text.width("predicted class") / 2));
        values.put("numbers", numbers);
        values.put(
                "swatches",
                IntStream.range(0, labels.size())
                        .mapToObj(i -> new Swatch(legend.entries().get(i), colours.get(i)))
                        .toList());
        return new Figure(name, title, description(), TEMPLATE.fill(values));
    }

    private String description() {
        long all = Arrays.stream(images).sum();
        long right =
                IntStream.range(0, counts.length).mapToLong(i -> counts[i][i]).sum();
        String text =
                String.format(Locale.ROOT, "%d of %d images are classified rightly.", right, all);
        int truth = -1;
        int predicted = -1;
        for (int i = 0; i < counts.length; i++) {
            for (int j = 0; j < counts.length; j++) {
                if (i != j && counts[i][j] > (truth < 0 ? 0 : counts[truth][predicted])) {
                    truth = i;
                    predicted = j;
                }
            }
        }
        return truth < 0
                ? text
                : text + " The most frequent mistake: " + says(truth, predicted) + ".";
    }
}
