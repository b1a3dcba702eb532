package io.github.remoe.report;

import ai.djl.Device;

import io.github.remoe.figure.Figure;
import io.github.remoe.figure.Template;
import io.github.remoe.report.Page.Section;
import io.github.remoe.run.ShellCommand;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A page about runs: what they are, how robust they are, how they were trained, what their experts
 * look at and what attacks do to images.
 *
 * <p>The page is one HTML file that needs nothing else, no network either. What a run folder does not
 * hold the page names, with the command that makes it.
 *
 * <pre>{@code
 * RunReport.builder().addRun(Path.of("runs/remoe")).addRun(Path.of("runs/plain")).build()
 *         .write(Path.of("report"));
 * }</pre>
 *
 * <p>Images are shown from the run's own test data, and the adversarial ones from what the evaluation
 * has saved ({@link io.github.remoe.evaluate.RobustEvaluator.Builder#optAdversarialFolder}), so they are those that
 * the figures are about.
 */
public final class RunReport {

    private final List<Path> runs;
    private final Device device;
    private final boolean live;
    private final String command;
    private final ReportListener listener;

    private RunReport(Builder builder) {
        runs = List.copyOf(builder.runs);
        device = builder.device;
        live = builder.live;
        command = builder.command;
        listener = builder.listener;
    }

    /**
     * Creates a builder.
     *
     * @return a new builder
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Makes the page.
     *
     * @return HTML
     * @throws IOException if a folder holds no run
     */
    public String toHtml() throws IOException {
        return html(page());
    }

    /**
     * Writes the page as {@code report.html}, and its figures as SVG and PNG into the folder {@code
     * figures} beside it.
     *
     * <p>Of an earlier page in the same folder, those figures are removed that this one does not have;
     * other files are left alone.
     *
     * @param folder the folder; it is made if need be, and files of the same names are replaced
     * @return the page's file
     * @throws IOException if a folder holds no run, or a file cannot be written
     */
    public Path write(Path folder) throws IOException {
        ReportFolder target = new ReportFolder(folder);
        // The page may take a while.
        target.checkWritable();
        Page page = page();
        Path figures = target.createFigures();
        List<Figure> drawn = page.sections().stream()
                .flatMap(section -> section.parts().stream())
                .flatMap(part -> part.figures().stream())
                .toList();
        for (int i = 0; i < drawn.size(); i++) {
            drawn.get(i).write(figures);
            listener.onFigureWritten(i + 1, drawn.size());
        }
        // While the earlier page says which they are.
        target.removeFiguresBut(drawn.stream().map(Figure::name).collect(Collectors.toSet()));
        return target.writePage(html(page));
    }

    private Page page() throws IOException {
        List<String> names = names(runs);
        List<ReportedRun> read = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            read.add(ReportedRun.read(i + 1, names.get(i), runs.get(i)));
        }
        List<Section> sections = new ArrayList<>();
        sections.add(SummarySection.of(read));
        for (ReportedRun run : read) {
            Section head = new Section(run.id(), 2, run.name());
            head.text("From " + run.path() + ".");
            run.unreadable().values().forEach(head::missing);
            sections.add(head);
            if (live && run.results() == null) {
                // There is nothing else so far.
                sections.add(TrainingSection.of(run));
                sections.add(ReproduceSection.of(run));
                continue;
            }
            sections.add(RobustnessSection.of(run));
            if (!live) {
                sections.addAll(ImagesSections.of(run, runs.size(), device));
            }
            sections.add(ClassesSection.of(run));
            sections.add(TrainingSection.of(run));
            sections.add(MaskingSection.of(run));
            sections.add(ReproduceSection.of(run));
        }
        return new Page("Robustness of " + String.join(", ", names), sections);
    }

    /** The ends of the paths, as long as it takes to tell them apart. */
    static List<String> names(List<Path> paths) {
        List<Path> whole =
                paths.stream().map(path -> path.toAbsolutePath().normalize()).toList();
        int longest = whole.stream().mapToInt(Path::getNameCount).max().orElse(1);
        for (int length = 1; length <= longest; length++) {
            int parts = length;
            List<String> names =
                    whole.stream().map(path -> end(path, parts)).distinct().toList();
            if (names.size() == paths.size()) {
                return names;
            }
        }
        return IntStream.range(0, paths.size())
                .mapToObj(i -> end(whole.get(i), longest) + " (" + (i + 1) + ")")
                .toList();
    }

    private static String end(Path path, int parts) {
        int names = path.getNameCount();
        return names == 0
                ? path.toString()
                : path.subpath(Math.max(0, names - parts), names).toString();
    }

    private String html(Page page) {
        String script = resource("report.js") + (live ? LiveReport.script() : "");
        return new Template(RunReport.class, "report.ftlh")
                .fill(Map.of(
                        "title",
                        page.title(),
                        "sections",
                        page.sections(),
                        "live",
                        live,
                        "script",
                        script,
                        "scriptHash",
                        hash(script),
                        "footer",
                        "Made by: " + command()));
    }

    private String command() {
        if (command != null) {
            return command;
        }
        List<String> words = new ArrayList<>(List.of("report"));
        runs.forEach(run -> words.addAll(List.of("--run", run.toString())));
        return ShellCommand.of(words);
    }

    private static String resource(String name) {
        try (InputStream in = RunReport.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What lets this script run and no other one, in the words of a Content-Security-Policy. */
    private static String hash(String script) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest(script.getBytes(StandardCharsets.UTF_8));
            return "sha256-" + Base64.getEncoder().encodeToString(digest);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256.", e);
        }
    }

    /** The Builder to construct a {@link RunReport}. */
    public static final class Builder {

        private final List<Path> runs = new ArrayList<>();
        private Device device = Device.cpu();
        private boolean live;
        private String command;
        private ReportListener listener = (written, all) -> {};

        private Builder() {}

        /**
         * Adds a run.
         *
         * @param folder a run folder, or one that holds an evaluation alone
         * @return this builder
         */
        public Builder addRun(Path folder) {
            runs.add(folder);
            return this;
        }

        /**
         * Sets where the network looks at the images that are shown; default is the CPU.
         *
         * @param device the device
         * @return this builder
         */
        public Builder optDevice(Device device) {
            this.device = device;
            return this;
        }

        /**
         * Sets whether the page is of a run that goes on: it then refreshes itself from where it came
         * from, and leaves out what takes a network; default false.
         *
         * @param live true for a page that is served
         * @return this builder
         */
        public Builder optLive(boolean live) {
            this.live = live;
            return this;
        }

        /**
         * Sets the command that the page names as the one which makes it again; default is that of the
         * command line, for these runs.
         *
         * @param command the command, as {@link ShellCommand#of} writes it
         * @return this builder
         */
        public Builder optCommand(String command) {
            this.command = command;
            return this;
        }

        /**
         * Sets what is told how far {@link RunReport#write} has come; default is nothing.
         *
         * @param listener the listener
         * @return this builder
         */
        public Builder optListener(ReportListener listener) {
            this.listener = listener;
            return this;
        }

        /**
         * Builds the report.
         *
         * @return the report
         * @throws IllegalArgumentException if there is no run
         */
        public RunReport build() {
            if (runs.isEmpty()) {
                throw new IllegalArgumentException("A report is about one run at least: addRun.");
            }
            return new RunReport(this);
        }
    }
}
