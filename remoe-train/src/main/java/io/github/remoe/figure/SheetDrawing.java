package io.github.remoe.figure;

import io.github.remoe.figure.AttackSheet.Row;
import io.github.remoe.figure.PanelDrawing.Caption;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Where the parts of an {@link AttackSheet} lie. The template has their shapes. */
final class SheetDrawing {

    private static final double SIDE = 128;
    private static final double GAP = 8;
    private static final double WIDTH = 3 * SIDE + 2 * GAP;
    private static final double TOP = 44;
    private static final double HEAD = 22;
    private static final double CAPTION = 36;
    private static final double BETWEEN_ROWS = 20;
    private static final double ROW = HEAD + SIDE + CAPTION + BETWEEN_ROWS;

    private static final Template TEMPLATE = new Template(Figure.class, "attack-sheet.svg.ftlx");

    /** A row. */
    public record Placed(
            double y,
            String name,
            String nameShown,
            List<String> uris,
            boolean pixelated,
            Caption before,
            String factor,
            String size,
            Caption after) {}

    private final AttackSheet sheet;

    SheetDrawing(AttackSheet sheet) {
        this.sheet = sheet;
    }

    Figure figure() {
        List<Placed> rows = new ArrayList<>();
        for (Row row : sheet.rows()) {
            rows.add(place(row, TOP + rows.size() * ROW));
        }
        Map<String, Object> values = new HashMap<>();
        values.put("width", WIDTH);
        values.put("height", TOP + rows.size() * ROW - BETWEEN_ROWS);
        values.put("title", sheet.title());
        values.put("titleShown", Text.shorten(sheet.title(), 0.9 * WIDTH));
        values.put("description", description());
        values.put("side", SIDE);
        values.put("step", SIDE + GAP);
        values.put("head", HEAD);
        values.put("rows", rows);
        return new Figure(sheet.name(), sheet.title(), description(), TEMPLATE.fill(values));
    }

    private static Placed place(Row row, double y) {
        String name = row.trueClass() == null
                ? row.name()
                : row.name() + ", true class " + row.trueClass();
        return new Placed(
                y,
                name,
                Text.shorten(name, WIDTH),
                List.of(
                        Png.dataUri(row.clean()),
                        Png.dataUri(row.perturbation()),
                        Png.dataUri(row.attacked())),
                row.clean().getWidth() < SIDE,
                Caption.of(row.before(), SIDE),
                "amplified × " + row.factor(),
                size(row),
                Caption.of(row.after(), SIDE));
    }

    private static String size(Row row) {
        return String.format(Locale.ROOT, "linf %.1f/255, l2 %.2f", 255 * row.linf(), row.l2());
    }

    private String description() {
        StringBuilder text = new StringBuilder();
        for (Row row : sheet.rows()) {
            text.append(String.format(
                    "%s%s: %s, %s; perturbation %s; then %s, %s. ",
                    row.name(),
                    row.trueClass() == null ? "" : ", true class " + row.trueClass(),
                    row.before().className(),
                    row.before().judged(),
                    size(row),
                    row.after().className(),
                    row.after().judged()));
        }
        return text.toString().strip();
    }
}
