package io.github.remoe.metrics;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The lines of a {@link CsvFile}, read one after the other and thinned out where they get many. */
final class CsvLines {

    private static final int BLOCK = 1 << 16;
    private static final int SHOWN = 40;

    private final Path path;
    private final int most;
    private final List<Measurement> kept = new ArrayList<>();
    private List<String> columns;
    private String last;
    private long lines;
    private long stride = 1;

    private CsvLines(Path path, int most) {
        this.path = path;
        this.most = most;
    }

    /**
     * Reads what a file holds so far; a training may be writing on.
     *
     * @param path the file
     * @param most how many measurements are kept at most, 2 or more
     * @return its measurements, NaN where a cell is empty; none if there is no file
     * @throws IOException if it cannot be read, or a line that is kept is no measurement
     */
    static List<Measurement> read(Path path, int most) throws IOException {
        if (most < 2) {
            throw new IllegalArgumentException(String.format(
                    "At most %d measurements cannot be kept, 2 or more can: the first and the last.",
                    most));
        }
        return new CsvLines(path, most).read();
    }

    private List<Measurement> read() throws IOException {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] block = new byte[BLOCK];
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int length = in.read(block); length >= 0; length = in.read(block)) {
                int start = 0;
                for (int i = 0; i < length; i++) {
                    if (block[i] == '\n') {
                        line.write(block, start, i - start);
                        add(line.toString(StandardCharsets.UTF_8));
                        line.reset();
                        start = i + 1;
                    }
                }
                line.write(block, start, length - start);
            }
            // What comes behind the last line break was cut off, or is being written.
        } catch (NoSuchFileException e) {
            return List.of();
        }
        if (lines > 1 && !isKept(lines - 1)) {
            if (kept.size() == most) {
                thinOut();
            }
            kept.add(measurement(last, lines));
        }
        return kept;
    }

    private void add(String text) throws IOException {
        lines++;
        // A file that came by Windows has a carriage return too.
        last = text.endsWith("\r") ? text.substring(0, text.length() - 1) : text;
        if (lines == 1) {
            columns = columns(last);
        } else if (isKept(lines - 1)) {
            if (kept.size() == most) {
                thinOut();
            }
            if (isKept(lines - 1)) {
                kept.add(measurement(last, lines));
            }
        }
    }

    private boolean isKept(long number) {
        return (number - 1) % stride == 0;
    }

    private void thinOut() {
        List<Measurement> everySecond = IntStream.range(0, kept.size())
                .filter(i -> i % 2 == 0)
                .mapToObj(kept::get)
                .collect(Collectors.toList());
        kept.clear();
        kept.addAll(everySecond);
        stride *= 2;
    }

    private List<String> columns(String header) throws IOException {
        if (!(header + ",").startsWith(CsvFile.FIXED + ",")) {
            throw new IOException(String.format(
                    "%s, line 1: a log of a training starts with '%s', this file with '%s'. Restore"
                            + " it from a copy, or delete it.",
                    path, CsvFile.FIXED, shortened(header)));
        }
        return CsvFile.columns(header);
    }

    private Measurement measurement(String line, long number) throws IOException {
        try {
            String[] cells = line.split(",", -1);
            if (cells.length != CsvFile.FIXED_COLUMNS + columns.size()) {
                throw new IllegalArgumentException(cells.length + " cells");
            }
            Map<String, Double> values = new LinkedHashMap<>();
            for (int i = 0; i < columns.size(); i++) {
                String cell = cells[CsvFile.FIXED_COLUMNS + i];
                values.put(columns.get(i), cell.isEmpty() ? Double.NaN : Double.parseDouble(cell));
            }
            return new Measurement(
                    Long.parseLong(cells[CsvFile.Line.STEP.ordinal()]),
                    Integer.parseInt(cells[CsvFile.Line.EPOCH.ordinal()]),
                    values);
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    String.format(
                            "%s, line %d: expected %d numbers with commas between them, got '%s'."
                                    + " Restore the file from a copy, or delete the line.",
                            path, number, CsvFile.FIXED_COLUMNS + columns.size(), shortened(line)),
                    e);
        }
    }

    private static String shortened(String line) {
        return line.length() > SHOWN ? line.substring(0, SHOWN) + "..." : line;
    }
}
