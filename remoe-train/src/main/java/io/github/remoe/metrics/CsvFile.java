package io.github.remoe.metrics;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Lines of numbers in the order of their steps. */
final class CsvFile extends MetricsFile {

    private static final String FIXED = "step,epoch";
    private static final int FIXED_COLUMNS = 2;

    private List<String> columns;

    CsvFile(Path path) {
        super(path);
    }

    @Override
    void startAt(long step) {
        super.startAt(step);
        if (Files.exists(path())) {
            attempt(this::openAtNextStep);
        }
    }

    @Override
    RandomAccessFile open(Path path, long step) throws IOException {
        long end = Files.exists(path) ? endOfLinesBefore(step) : 0;
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

    private long endOfLinesBefore(long step) throws IOException {
        long end = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(path()))) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int next = in.read(); next >= 0; next = in.read()) {
                if (next != '\n') {
                    bytes.write(next);
                    continue;
                }
                String line = bytes.toString(StandardCharsets.UTF_8);
                if (end == 0) {
                    List<String> cells = List.of(line.split(",", -1));
                    columns = cells.subList(Math.min(FIXED_COLUMNS, cells.size()), cells.size());
                } else if (!isBefore(line, step)) {
                    break;
                }
                end += bytes.size() + 1;
                bytes.reset();
            }
        }
        return end;
    }

    /** A line that is not one, as a crash of the machine may leave it, is as good as cut off. */
    private static boolean isBefore(String line, long step) {
        try {
            return Long.parseLong(line.split(",", 2)[0]) < step;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    @Override
    byte[] header(Measurement first, long step) {
        columns = List.copyOf(first.values().keySet());
        return line(FIXED, columns);
    }

    @Override
    byte[] record(Measurement measurement) {
        return line(
                measurement.step() + "," + measurement.epoch(),
                columns.stream().map(name -> cell(measurement.get(name))).toList());
    }

    private static byte[] line(String first, List<String> cells) {
        StringBuilder line = new StringBuilder(first);
        cells.forEach(cell -> line.append(',').append(cell));
        return line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String cell(double value) {
        return Double.isNaN(value) ? "" : Float.toString((float) value);
    }
}
