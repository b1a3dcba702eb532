package io.github.remoe.experiment;

import io.github.remoe.evaluate.EvaluationSettings.NamedAttack;
import io.github.remoe.evaluate.Results;
import io.github.remoe.run.RunConfig;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A table of the paper with our figures beside the paper's: mean and sample standard deviation over
 * the seeds that are done so far.
 *
 * <p>A second table has each row's difference from the experiment's reference. Differences are taken
 * run by run, since runs of one seed are evaluated on the same images, and averaged then.
 */
public final class ResultTable {

    /** The name of the accuracy without attack, beside the attacks' names. */
    public static final String CLEAN = "clean";

    private static final List<String> PAPER_COLUMNS =
            List.of(CLEAN, "pgd-20", "cw-20", "autoattack");
    private static final String NOTHING = "–";

    private final Grid grid;
    private final List<Measured> rows;
    private final List<String> columns;

    /** A row and the results of those of its runs that are done, by seed. */
    private record Measured(Grid.Line line, Map<Long, Results> results) {

        /** The accuracies of the runs in per cent, by seed. */
        Map<Long, Double> accuracies(String column) {
            Map<Long, Double> accuracies = new LinkedHashMap<>();
            results.forEach((seed, run) ->
                    accuracy(column, run).ifPresent(accuracy -> accuracies.put(seed, accuracy)));
            return accuracies;
        }

        private Optional<Double> accuracy(String column, Results run) {
            if (column.equals(CLEAN)) {
                return Optional.of(100 * run.clean().value());
            }
            float epsilon = line.cells().get(0).config().epsilon();
            return run.robust().stream()
                    .filter(robust -> robust.attack().equals(column) && robust.epsilon() == epsilon)
                    .map(robust -> 100 * robust.accuracy().value())
                    .findFirst();
        }

        Spread spread(String column) {
            return Spread.of(List.copyOf(accuracies(column).values()));
        }

        /** How much higher this row is than another, over the seeds that both have. */
        Spread above(Measured other, String column) {
            Map<Long, Double> theirs = other.accuracies(column);
            return Spread.of(accuracies(column).entrySet().stream()
                    .filter(entry -> theirs.containsKey(entry.getKey()))
                    .map(entry -> entry.getValue() - theirs.get(entry.getKey()))
                    .toList());
        }

        Optional<Results.Model> model() {
            return results.values().stream().map(Results::model).findFirst();
        }
    }

    private ResultTable(Grid grid, List<Measured> rows) {
        this.grid = grid;
        this.rows = rows;
        Set<String> attacks = new LinkedHashSet<>();
        attacks.add(CLEAN);
        results().forEach(run -> run.attacks().forEach(attack -> attacks.add(attack.name())));
        columns = List.copyOf(attacks);
    }

    /**
     * Reads the results of all runs that are done.
     *
     * @param grid the runs
     * @return the table
     * @throws IOException if results cannot be read, or are of a run with other settings
     */
    public static ResultTable of(Grid grid) throws IOException {
        List<Measured> rows = new ArrayList<>();
        for (Grid.Line line : grid.rows()) {
            Map<Long, Results> results = new LinkedHashMap<>();
            for (Cell cell : line.cells()) {
                if (cell.state(List.of(), 0) == Cell.State.DONE) {
                    results.put(cell.config().seed(), cell.results().orElseThrow());
                }
            }
            rows.add(new Measured(line, results));
        }
        return new ResultTable(grid, rows);
    }

    /**
     * Returns the table, and that of the differences, in Markdown that reads well as it is.
     *
     * @return lines
     */
    public String tables() {
        List<List<String>> table = new ArrayList<>();
        List<String> paperColumns = paperColumns();
        boolean cost = grid.experiment().showsCost();
        List<String> head = new ArrayList<>(List.of("", "cell", "runs"));
        columns.forEach(column -> head.add(title(column)));
        paperColumns.forEach(column -> head.add("paper " + title(column)));
        if (cost) {
            head.addAll(List.of("parameters", "multiply-adds"));
            head.addAll(List.of("paper parameters", "paper multiply-adds"));
        }
        table.add(head);
        for (Measured row : rows) {
            PaperFigures paper = row.line().row().paper();
            List<String> cells = new ArrayList<>(List.of(
                    row.line().row().label(),
                    row.line().name(),
                    row.line().cells().isEmpty()
                            ? ""
                            : row.results().size() + "/" + row.line().cells().size()));
            columns.forEach(column -> cells.add(text(row.spread(column), Spread::toString)));
            paperColumns.forEach(column -> cells.add(text(paper.accuracy(column), "%.2f")));
            if (cost) {
                cells.add(row.model()
                        .map(model -> text(model.parameters() / 1e6, "%.3f M"))
                        .orElse(NOTHING));
                cells.add(row.model()
                        .filter(model -> model.macs() != null)
                        .map(model -> text(model.macs() / 1e9, "%.4f G"))
                        .orElse(NOTHING));
                cells.add(text(paper.parameters(), "%.2f M"));
                cells.add(text(paper.macs(), "%.2f G"));
            }
            table.add(cells);
        }
        return markdown(table) + String.format("%n%s", differences(paperColumns));
    }

    private String differences(List<String> paperColumns) {
        List<List<String>> table = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("", "than"));
        columns.forEach(column -> head.add(title(column)));
        paperColumns.forEach(column -> head.add("paper " + title(column)));
        table.add(head);
        for (Measured row : rows) {
            Optional<Measured> reference = reference(row);
            if (reference.isEmpty()) {
                continue;
            }
            Measured other = reference.get();
            List<String> cells = new ArrayList<>(
                    List.of(row.line().row().label(), other.line().row().label()));
            columns.forEach(column -> cells.add(text(row.above(other, column), Spread::signed)));
            paperColumns.forEach(column -> cells.add(text(
                    row.line().row().paper().accuracy(column)
                            - other.line().row().paper().accuracy(column),
                    "%+.2f")));
            table.add(cells);
        }
        return String.format(
                        "How many points higher, run by run with the same seed and images:%n%n")
                + markdown(table);
    }

    /** The row on the same network that a row is compared with. */
    private Optional<Measured> reference(Measured row) {
        String name = row.line().name();
        String cell = row.line().row().cell();
        if (cell == null || row.line().isStart()) {
            return Optional.empty();
        }
        String reference = name.substring(0, name.length() - cell.length())
                + grid.experiment().reference();
        return rows.stream()
                .filter(other -> other != row && other.line().name().equals(reference))
                .findFirst();
    }

    /**
     * Returns the whole page: what was run how, and the tables.
     *
     * @param version the version of the program
     * @param command the command line that made it
     * @return Markdown
     */
    public String toMarkdown(String version, String command) {
        StringBuilder page = new StringBuilder();
        page.append(String.format(
                "# Experiment %s, scale %s%n%n",
                grid.experiment().name().toLowerCase(Locale.ROOT), grid.scale().name()));
        page.append(String.format(
                "Accuracies on test images in per cent, mean ± sample standard deviation over runs"
                        + " that differ in the seed alone. The paper's figures are those of its"
                        + " table \"%s\".%n%n",
                grid.experiment().table()));
        item(page, "network", distinct(run -> run.model().name()));
        item(page, "data", distinct(run -> run.dataset().name()));
        item(
                page,
                "test images of a run, chosen by its seed",
                distinct(run -> String.format(Locale.ROOT, "%,d", run.dataset().images())));
        item(page, "seeds", seeds());
        item(page, "settings that differ from the defaults", list(grid.commonSettings()));
        for (Measured row : rows) {
            if (row.line().isStart()) {
                RunConfig config = row.line().cells().get(0).config();
                item(
                        page,
                        row.line().name(),
                        list(config.toMap(), RunConfig.defaults().toMap()));
            }
        }
        for (String attack : columns.subList(1, columns.size())) {
            item(
                    page,
                    title(attack),
                    results()
                            .flatMap(run -> run.attacks().stream())
                            .filter(named -> named.name().equals(attack))
                            .map(NamedAttack::settings)
                            .flatMap(List::stream)
                            .distinct()
                            .collect(Collectors.joining("; ")));
        }
        item(
                page,
                "made on",
                distinct(run -> String.format(
                        "%s %s, DJL %s, %s",
                        run.environment().engine(),
                        run.environment().engineVersion(),
                        run.environment().djl(),
                        run.environment().device())));
        item(page, "version", version);
        page.append(String.format("%n```%n%s%n```%n%n%s", command, tables()));
        warnings(page);
        return page.toString();
    }

    private void warnings(StringBuilder page) {
        for (Measured row : rows) {
            row.results()
                    .forEach((seed, run) -> run.warnings()
                            .forEach(warning -> page.append(String.format(
                                    "%nWarning of %s, seed %d: %s%n",
                                    row.line().name(), seed, warning))));
        }
    }

    /**
     * Returns the figures as comma-separated values: a line for each row of the table.
     *
     * @return the lines, the first with the names of the columns
     */
    public String toCsv() {
        List<String> head = new ArrayList<>(
                List.of("experiment", "scale", "label", "cell", "runs", "parameters", "macs"));
        for (String column : columns) {
            head.addAll(List.of(column + "_mean", column + "_deviation"));
        }
        PAPER_COLUMNS.forEach(column -> head.add("paper_" + column));
        head.addAll(List.of("paper_parameters", "paper_macs"));
        StringBuilder csv = new StringBuilder(line(head));
        for (Measured row : rows) {
            List<String> values = new ArrayList<>(List.of(
                    grid.experiment().name().toLowerCase(Locale.ROOT),
                    grid.scale().name(),
                    row.line().row().label(),
                    row.line().name(),
                    String.valueOf(row.results().size()),
                    row.model().map(model -> String.valueOf(model.parameters())).orElse(""),
                    row.model().map(Results.Model::macs).map(String::valueOf).orElse("")));
            for (String column : columns) {
                Spread spread = row.spread(column);
                values.add(number(spread.mean()));
                values.add(number(spread.deviation()));
            }
            PaperFigures paper = row.line().row().paper();
            PAPER_COLUMNS.forEach(column -> values.add(number(paper.accuracy(column))));
            values.add(number(1e6 * paper.parameters()));
            values.add(number(1e9 * paper.macs()));
            csv.append(line(values));
        }
        return csv.toString();
    }

    private static String number(double value) {
        return Double.isNaN(value)
                ? ""
                : String.format(Locale.ROOT, "%.10g", value)
                        .replaceAll("(\\.\\d*?)0+$", "$1")
                        .replaceAll("\\.$", "");
    }

    private static String line(List<String> values) {
        return values.stream()
                        .map(value -> value.matches("[^,\"\n]*")
                                ? value
                                : '"' + value.replace("\"", "\"\"") + '"')
                        .collect(Collectors.joining(","))
                + System.lineSeparator();
    }

    private List<String> paperColumns() {
        return PAPER_COLUMNS.stream()
                .filter(column -> grid.rows().stream()
                        .anyMatch(line -> !Double.isNaN(line.row().paper().accuracy(column))))
                .toList();
    }

    private Stream<Results> results() {
        return rows.stream().flatMap(row -> row.results().values().stream());
    }

    private String distinct(Function<Results, String> property) {
        return results().map(property).distinct().collect(Collectors.joining("; "));
    }

    private String seeds() {
        return grid.cells().stream()
                .filter(cell -> !cell.isStart())
                .map(cell -> String.valueOf(cell.config().seed()))
                .distinct()
                .collect(Collectors.joining(", "));
    }

    private static void item(StringBuilder page, String name, String value) {
        if (!value.isEmpty()) {
            page.append(String.format("- %s: %s%n", name, value));
        }
    }

    private static String list(Map<String, Object> settings) {
        return settings.entrySet().stream()
                .map(entry -> entry.getKey() + " " + entry.getValue())
                .collect(Collectors.joining(", "));
    }

    private static String list(Map<String, Object> settings, Map<String, Object> defaults) {
        Map<String, Object> different = new LinkedHashMap<>(settings);
        different
                .entrySet()
                .removeIf(entry -> entry.getValue().equals(defaults.get(entry.getKey())));
        return list(different);
    }

    private static String title(String column) {
        return switch (column) {
            case CLEAN -> "Nat";
            case "autoattack" -> "AA";
            default ->
                column.startsWith("cw-") && !column.equals("cw-l2")
                        ? "C&W-" + column.substring("cw-".length())
                        : column.toUpperCase(Locale.ROOT);
        };
    }

    private static String text(Spread spread, Function<Spread, String> write) {
        return spread.count() == 0 ? NOTHING : write.apply(spread);
    }

    private static String text(double value, String format) {
        return Double.isNaN(value) ? NOTHING : String.format(Locale.ROOT, format, value);
    }

    /** The first row is the head; all columns are padded to one width, numbers to the right. */
    private static String markdown(List<List<String>> table) {
        int[] widths = new int[table.get(0).size()];
        for (List<String> row : table) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], row.get(i).length());
            }
        }
        StringBuilder text = new StringBuilder();
        for (int r = 0; r < table.size(); r++) {
            for (int i = 0; i < widths.length; i++) {
                String sign = i < 2 ? "-" : "";
                text.append(String.format(
                        "| %" + sign + Math.max(1, widths[i]) + "s ",
                        table.get(r).get(i)));
            }
            text.append(String.format("|%n"));
            if (r == 0) {
                for (int i = 0; i < widths.length; i++) {
                    text.append("|").append("-".repeat(widths[i] + 1)).append(i < 2 ? "-" : ":");
                }
                text.append(String.format("|%n"));
            }
        }
        return text.toString();
    }
}
