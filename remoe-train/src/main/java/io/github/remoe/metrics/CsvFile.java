package io.github.remoe.metrics;

import io.github.remoe.file.AtomicFile;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Lines of numbers in the order of their steps or epochs, written; {@link CsvLines} reads them. */
final class CsvFile extends MetricsFile {

    /** What a line is of; each has its number in the file, in the order here. */
    enum Line {
        STEP,
        EPOCH
    }

    static final String FIXED = "step,epoch";
    static final int FIXED_COLUMNS = Line.values().length;

    private final Line kind;
    private List<String> columns = List.of();

    CsvFile(Path path, Line kind) {
        super(path);
        this.kind = kind;
    }

    /** The names behind the fixed ones. */
    static List<String> columns(String header) {
        List<String> cells = List.of(header.split(",", -1));
        return cells.subList(Math.min(FIXED_COLUMNS, cells.size()), cells.size());
    }

    @Override
    long number(Measurement measurement) {
        return kind == Line.STEP ? measurement.step() : measurement.epoch();
    }

    @Override
    void startAt(long number) {
        super.startAt(number);
        if (Files.exists(path())) {
            attempt(this::openAtNext);
        }
    }

    @Override
    void append(Measurement measurement) {
        Set<String> names = measurement.values().keySet();
        if (!columns.isEmpty() && !columns.containsAll(names)) {
            attempt(() -> addColumns(names));
        }
        super.append(measurement);
    }

    /** Not all names are known before a step has predicted something. */
    private void addColumns(Set<String> names) throws IOException {
        openAtNext();
        close();
        List<String> wider = new ArrayList<>(columns);
        names.stream().filter(name -> !columns.contains(name)).forEach(wider::add);
        String empty = ",".repeat(wider.size() - columns.size()) + "\n";
        AtomicFile.write(path(), beside -> {
            try (BufferedReader in = Files.newBufferedReader(path());
                    Writer out = Files.newBufferedWriter(beside)) {
                in.readLine();
                out.write(line(FIXED, wider));
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    out.write(line + empty);
                }
            }
        });
    }

    @Override
    RandomAccessFile open(Path path, long number) throws IOException {
        long end = Files.exists(path) ? endOfLinesBefore(number) : 0;
        RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw");
        try {
            file.setLength(end);
            file.seek(end);
        } catch (IOException e) {
            file.close();
            throw e;
        }
        return file;
    }

    private long endOfLinesBefore(long number) throws IOException {
        long end = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(path()))) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int next = in.read(); next >= 0; next = in.read()) {
                if (next != '\n') {
                    bytes.write(next);
                    continue;
                }
                // A file that came by Windows has a carriage return too.
                String line = bytes.toString(StandardCharsets.UTF_8).stripTrailing();
                if (end == 0) {
                    columns = columns(line);
                } else if (!isBefore(line, number)) {
                    break;
                }
                end += bytes.size() + 1;
                bytes.reset();
            }
        }
        return end;
    }

    /** A line that is not one, as a crash of the machine may leave it, is as good as cut off. */
    private boolean isBefore(String line, long number) {
        String[] cells = line.split(",", FIXED_COLUMNS + 1);
        try {
            return cells.length > FIXED_COLUMNS && Long.parseLong(cells[kind.ordinal()]) < number;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    @Override
    byte[] header(Measurement first, long number) {
        columns = List.copyOf(first.values().keySet());
        return line(FIXED, columns).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    byte[] record(Measurement measurement) {
        return line(
                        measurement.step() + "," + measurement.epoch(),
                        columns.stream()
                                .map(name -> cell(measurement.get(name)))
                                .toList())
                .getBytes(StandardCharsets.UTF_8);
    }

    private static String line(String first, List<String> cells) {
        StringBuilder line = new StringBuilder(first);
        cells.forEach(cell -> line.append(',').append(cell));
        return line.append('\n').toString();
    }

    private static String cell(double value) {
        return Double.isNaN(value) ? "" : Float.toString((float) value);
    }
}
