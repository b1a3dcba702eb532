package io.github.remoe.figure;

import io.github.remoe.figure.RegionPanel.View;
import io.github.remoe.inference.RegionRouting;
import io.github.remoe.moe.Region;
import io.github.remoe.moe.RegionGrid;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Where the parts of a {@link RegionPanel} lie: words on the left, and right of them a column for each
 * picture. The template has their shapes.
 */
final class PanelDrawing {

    /** The width and height of every map, in units. */
    private static final double SIDE = 128;

    private static final double GAP = 8;
    private static final double TOP = 44;
    private static final double CAPTION = 40;
    private static final double BAND = 2 * SIDE + GAP;
    private static final double BETWEEN_BANDS = 20;
    private static final int SCALE_STEPS = 32;

    // What text of 11 units takes: 0.98, and one line.
    private static final double TWO_DIGITS = 27;
    private static final double ONE_DIGIT = 21;
    private static final double TWO_LINES = 27;
    private static final double HATCH = 7;

    // Edges lie at half units, which are whole pixels of the PNG: there is no seam between colours.
    private static final double HALF = 0.5;

    // How near a number at the colour scale may come to the one at its beginning and its end.
    private static final double AFTER_ZERO = 17;
    private static final double BEFORE_HIGHEST = 27;

    private static final Template TEMPLATE = new Template(Figure.class, "region-panel.svg.ftlx");

    /**
     * The two lines below a picture that say what it is taken for.
     *
     * @param className the class, the first line
     * @param classShown as much of it as there is room for
     * @param judged how sure the model is and how good that is, the second line
     * @param style the class of the second line's text in a drawing
     */
    public record Caption(String className, String classShown, String judged, String style) {

        static Caption of(Prediction prediction, double room) {
            return new Caption(
                    prediction.className(),
                    Text.shorten(prediction.className(), 0.92 * room),
                    prediction.judged(),
                    prediction.verdict().style());
        }
    }

    /** A picture with its words. */
    public record Column(
            String id,
            double x,
            String heading,
            String headingShown,
            String uri,
            boolean pixelated,
            Caption caption) {}

    /** A rectangle of patches. */
    public record Cell(double x, double y, double width, double height, String colour) {}

    /** A region: its number, or a colour where that has no room, and what else there is to say. */
    public record Tile(
            double x,
            double y,
            double width,
            double height,
            List<String> lines,
            String colour,
            boolean off,
            String hatch,
            String text) {}

    /** One layer in one column. */
    public record Layer(
            String id, double x, List<Cell> cells, List<Tile> tiles, String borders, Cell center) {}

    /** One layer. */
    public record Band(
            double y,
            String name,
            List<String> saliencyWords,
            List<Cell> scale,
            List<Tick> ticks,
            List<String> weightWords,
            boolean hatched,
            boolean centered,
            String angle,
            List<Layer> layers) {}

    /** A number at the colour scale. */
    public record Tick(double x, String label, String anchor) {}

    private final RegionPanel panel;
    private final List<View> views;

    PanelDrawing(RegionPanel panel) {
        this.panel = panel;
        views = panel.attacked() == null
                ? List.of(panel.clean())
                : List.of(panel.clean(), panel.attacked());
    }

    Figure figure() {
        double width = x(views.size()) - GAP;
        List<Band> bands = new ArrayList<>();
        for (int i = 0; i < panel.clean().layers().size(); i++) {
            bands.add(band(i));
        }
        Map<String, Object> values = new HashMap<>();
        values.put("width", width);
        values.put(
                "height",
                bands.isEmpty() ? TOP + SIDE + CAPTION : bandY(bands.size()) - BETWEEN_BANDS);
        values.put("title", panel.title());
        values.put("titleShown", Text.shorten(panel.title(), 0.9 * width));
        values.put("description", description());
        values.put("trueClass", panel.trueClass() == null ? "" : panel.trueClass());
        values.put(
                "trueClassShown",
                panel.trueClass() == null ? "" : Text.shorten(panel.trueClass(), SIDE - GAP));
        values.put("side", SIDE);
        values.put("gap", GAP);
        values.put("top", TOP);
        values.put("columns", columns());
        values.put("bands", bands);
        return new Figure(panel.name(), panel.title(), description(), TEMPLATE.fill(values));
    }

    /** The left side of a column; before the first lie the words. */
    private static double x(int column) {
        return (column + 1) * (SIDE + GAP);
    }

    private static double bandY(int band) {
        return TOP + SIDE + CAPTION + band * (BAND + BETWEEN_BANDS);
    }

    private List<Column> columns() {
        List<Column> columns = new ArrayList<>();
        for (View view : views) {
            columns.add(new Column(
                    id(columns.size()),
                    x(columns.size()),
                    view.heading(),
                    Text.shorten(view.heading(), SIDE),
                    Png.dataUri(view.picture()),
                    view.picture().getWidth() < SIDE,
                    Caption.of(view.prediction(), SIDE)));
        }
        return columns;
    }

    private String id(int column) {
        return panel.name() + (column == 0 ? "-clean" : "-attacked");
    }

    private Band band(int index) {
        RegionRouting clean = panel.clean().layers().get(index);
        double y = bandY(index);
        // One scale for both columns.
        double highest = views.stream()
                .flatMap(view -> view.layers().get(index).relativeSaliency().stream())
                .mapToDouble(Float::doubleValue)
                .max()
                .orElseThrow();
        List<Layer> layers = new ArrayList<>();
        for (int column = 0; column < views.size(); column++) {
            layers.add(layer(views.get(column).layers().get(index), column, y, highest));
        }
        boolean hatched =
                layers.stream().flatMap(layer -> layer.tiles().stream()).anyMatch(Tile::off);
        return new Band(
                y,
                "Layer " + clean.layer(),
                saliencyWords(clean),
                scale(y),
                ticks(highest),
                weightWords(clean),
                hatched,
                clean.center() != null,
                panel.attacked() == null ? "" : angle(index),
                layers);
    }

    private static List<String> saliencyWords(RegionRouting layer) {
        return layer.gatedBySaliency()
                ? List.of("saliency of patches", "1 = mean of regions")
                : List.of("saliency of patches", "1 = mean of regions", "not used by the gate");
    }

    private static List<String> weightWords(RegionRouting layer) {
        int on = on(layer);
        if (on == 0) {
            return List.of("region weights W", "1 = mean", "no regional experts");
        }
        return List.of(
                "region weights W", "1 = mean", on + " of " + layer.grid().size() + " on");
    }

    private static int on(RegionRouting layer) {
        int on = 0;
        for (float weight : layer.routed()) {
            on += weight > 0 ? 1 : 0;
        }
        return on;
    }

    private String angle(int layer) {
        double angle = panel.clean()
                .layers()
                .get(layer)
                .weights()
                .angle(panel.attacked().layers().get(layer).weights());
        return String.format(Locale.ROOT, "%.1f°", angle);
    }

    private static List<Cell> scale(double y) {
        List<Cell> cells = new ArrayList<>();
        double step = (SIDE - 2 * GAP) / SCALE_STEPS;
        for (int i = 0; i < SCALE_STEPS; i++) {
            cells.add(
                    new Cell(i * step, y, step, 0, Viridis.colour((double) i / (SCALE_STEPS - 1))));
        }
        return cells;
    }

    private static List<Tick> ticks(double highest) {
        double length = SIDE - 2 * GAP;
        List<Tick> ticks = new ArrayList<>();
        ticks.add(new Tick(0, "0", "start"));
        double mean = length / highest;
        if (mean > AFTER_ZERO && mean < length - BEFORE_HIGHEST) {
            ticks.add(new Tick(mean, "1", "middle"));
        }
        ticks.add(new Tick(length, String.format(Locale.ROOT, "%.1f", highest), "end"));
        return ticks;
    }

    private Layer layer(RegionRouting routing, int column, double y, double highest) {
        RegionGrid grid = routing.grid();
        List<Float> saliency = routing.relativeSaliency();
        List<Cell> cells = new ArrayList<>();
        for (int patch = 0; patch < saliency.size(); patch++) {
            Region one = new Region(patch / grid.patchColumns(), patch % grid.patchColumns(), 1, 1);
            cells.add(cell(one, grid, column, y, Viridis.colour(saliency.get(patch) / highest)));
        }
        List<Tile> tiles = new ArrayList<>();
        for (int region = 0; region < grid.size(); region++) {
            tiles.add(tile(routing, region, column, y + SIDE + GAP, highest));
        }
        Cell center = routing.center() == null
                ? null
                : cell(routing.center(), grid, column, y + SIDE + GAP, "");
        return new Layer(id(column), x(column), cells, tiles, borders(tiles), center);
    }

    /** The lines between the regions. */
    private static String borders(List<Tile> tiles) {
        Tile first = tiles.get(0);
        StringBuilder path = new StringBuilder();
        for (Tile tile : tiles) {
            if (tile.x() > first.x()) {
                path.append(String.format(
                        Locale.ROOT, "M%.1f %.1fv%.1f", tile.x(), tile.y(), tile.height()));
            }
            if (tile.y() > first.y()) {
                path.append(String.format(
                        Locale.ROOT, "M%.1f %.1fh%.1f", tile.x(), tile.y(), tile.width()));
            }
        }
        return path.toString();
    }

    private static Cell cell(Region region, RegionGrid grid, int column, double y, String colour) {
        double left = edge(region.left(), grid.patchColumns());
        double top = edge(region.top(), grid.patchRows());
        return new Cell(
                x(column) + left,
                y + top,
                edge(region.left() + region.width(), grid.patchColumns()) - left,
                edge(region.top() + region.height(), grid.patchRows()) - top,
                colour);
    }

    private static double edge(int patch, int patches) {
        return HALF * Math.round(SIDE * patch / patches / HALF);
    }

    private static Tile tile(
            RegionRouting routing, int region, int column, double y, double highest) {
        RegionGrid grid = routing.grid();
        Cell place = cell(grid.regions().get(region), grid, column, y, "");
        float weight = routing.weights().weights().get(region);
        boolean off = on(routing) > 0 && !routing.isOn(region);
        List<String> lines = new ArrayList<>();
        if (place.width() >= ONE_DIGIT && place.height() >= ONE_DIGIT) {
            lines.add(number(weight, place.width()));
            if (off && place.height() >= TWO_LINES) {
                lines.add("off");
            }
        }
        return new Tile(
                place.x(),
                place.y(),
                place.width(),
                place.height(),
                lines,
                lines.isEmpty() ? Viridis.colour(weight / highest) : "",
                off,
                off ? hatch(place) : "",
                text(routing, region));
    }

    private static String number(float weight, double width) {
        int digits = width >= TWO_DIGITS && weight < 9.995 ? 2 : 1;
        return String.format(Locale.ROOT, "%." + digits + "f", weight);
    }

    /** Lines from the lower left to the upper right. */
    private static String hatch(Cell place) {
        StringBuilder path = new StringBuilder();
        double width = place.width();
        double height = place.height();
        for (double sum = HATCH / 2; sum < width + height; sum += HATCH) {
            double left = Math.max(0, sum - height);
            double right = Math.min(width, sum);
            path.append(String.format(
                    Locale.ROOT,
                    "M%.1f %.1fL%.1f %.1f",
                    place.x() + left,
                    place.y() + sum - left,
                    place.x() + right,
                    place.y() + sum - right));
        }
        return path.toString();
    }

    private static String text(RegionRouting routing, int region) {
        String place = String.format(
                Locale.ROOT,
                "row %d, column %d: W %.3f",
                region / routing.grid().columns() + 1,
                region % routing.grid().columns() + 1,
                routing.weights().weights().get(region));
        if (on(routing) == 0) {
            return place;
        }
        return routing.isOn(region)
                ? place
                        + String.format(
                                Locale.ROOT,
                                ", after top-k %.3f",
                                routing.routed().get(region))
                : place + ", switched off by top-k";
    }

    private String description() {
        StringBuilder text = new StringBuilder();
        for (View view : views) {
            text.append(String.format(
                    "%s: %s, %s. ",
                    view.heading(),
                    view.prediction().className(),
                    view.prediction().judged()));
            for (RegionRouting layer : view.layers()) {
                text.append(String.format("Layer %d: W %s. ", layer.layer(), weights(layer)));
            }
        }
        if (panel.attacked() != null) {
            for (int i = 0; i < panel.clean().layers().size(); i++) {
                text.append(String.format(
                        "W of layer %d turned by %s. ",
                        panel.clean().layers().get(i).layer(), angle(i)));
            }
        }
        if (panel.clean().layers().isEmpty()) {
            text.append("The network has no ReMoE layers. ");
        }
        return text.toString().strip();
    }

    private static String weights(RegionRouting layer) {
        List<String> numbers = new ArrayList<>();
        boolean experts = on(layer) > 0;
        for (int region = 0; region < layer.grid().size(); region++) {
            numbers.add(number(layer.weights().weights().get(region), SIDE)
                    + (experts && !layer.isOn(region) ? " (off)" : ""));
        }
        return numbers.stream().collect(Collectors.joining(" "));
    }
}
