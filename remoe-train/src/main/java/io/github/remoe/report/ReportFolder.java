package io.github.remoe.report;

import io.github.remoe.file.AtomicFile;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a page and the files of its figures lie. */
final class ReportFolder {

    // As the page's template writes them.
    private static final Pattern FIGURE = Pattern.compile("<figure id=\"([\\w.-]+)\">");

    private final Path folder;
    private final Path page;
    private final Path figures;

    ReportFolder(Path folder) {
        this.folder = folder;
        page = folder.resolve("report.html");
        figures = folder.resolve("figures");
    }

    /** Checks that the folder can be written, without making it. */
    void checkWritable() throws IOException {
        for (Path path : new Path[] {folder, figures}) {
            Path there = path.toAbsolutePath().normalize();
            while (!Files.exists(there) && there.getParent() != null) {
                there = there.getParent();
            }
            if (!Files.isDirectory(there)) {
                throw refused(there + " is no folder", null);
            }
            if (!Files.isWritable(there)) {
                throw refused(there + " cannot be written", null);
            }
        }
        if (Files.isDirectory(page)) {
            throw refused(page + " is a folder", null);
        }
    }

    private IOException refused(String reason, IOException cause) {
        return new IOException(
                String.format(
                        "The report cannot be written to %s: %s. Name a folder that can be written,"
                                + " new or not, on the command line with --out.",
                        folder, reason),
                cause);
    }

    /** Makes the folder of the figures. */
    Path createFigures() throws IOException {
        try {
            return Files.createDirectories(figures);
        } catch (IOException e) {
            throw refused(figures + " cannot be made", e);
        }
    }

    /** Removes the figures of the page that is there so far, but for some. */
    void removeFiguresBut(Set<String> names) throws IOException {
        if (!Files.exists(page)) {
            return;
        }
        // Every file is text in this encoding, and names of figures are ASCII.
        Matcher earlier = FIGURE.matcher(Files.readString(page, StandardCharsets.ISO_8859_1));
        while (earlier.find()) {
            String name = earlier.group(1);
            if (!names.contains(name)) {
                Files.deleteIfExists(figures.resolve(name + ".svg"));
                Files.deleteIfExists(figures.resolve(name + ".png"));
            }
        }
    }

    /** Writes the page, which replaces an earlier one. */
    Path writePage(String html) throws IOException {
        AtomicFile.write(page, html);
        return page;
    }
}
