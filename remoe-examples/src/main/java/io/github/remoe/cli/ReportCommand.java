package io.github.remoe.cli;

import io.github.remoe.report.ReportListener;
import io.github.remoe.report.RunReport;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;

/** Writes a page about runs. */
@Command(
        name = "report",
        description = {
            "Writes a page about one run or several: accuracies beside each other and beside the"
                    + " paper's, curves, confusion matrices, what the experts look at, and the images"
                    + " most and least fragile.",
            "The page is one HTML file that needs nothing else; its figures are written as SVG and PNG"
                    + " too. Adversarial images are shown of evaluations with --save-adversarial."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class ReportCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--run",
            paramLabel = "DIR",
            required = true,
            description =
                    "A run folder, or one that 'evaluate --out' wrote; give several to compare"
                            + " them, the one to compare with first.")
    private List<Path> runs;

    @Option(
            names = "--out",
            paramLabel = "DIR",
            description =
                    "Where report.html and the folder figures go. Default: report in the first"
                            + " run folder.")
    private Path out;

    @Mixin
    private DeviceOption deviceOption;

    @Override
    public Integer call() throws IOException {
        Path folder = out != null ? out : runs.get(0).resolve("report");
        RunReport.Builder report = RunReport.builder()
                .optDevice(deviceOption.device())
                .optCommand(Evaluation.commandLine(spec));
        runs.forEach(report::addRun);
        Path page;
        try (FigureProgress progress = new FigureProgress()) {
            page = report.optListener(progress).build().write(folder);
        }
        spec.commandLine().getOut().printf("Report: %s%n", page);
        spec.commandLine().getOut().flush();
        return 0;
    }

    /** A bar as soon as it is known how many figures there are. */
    private static final class FigureProgress implements ReportListener, AutoCloseable {

        private Progress bar;

        @Override
        public void onFigureWritten(int written, int all) {
            if (bar == null) {
                bar = new Progress("report", all, 0, "figures");
            }
            bar.step();
        }

        @Override
        public void close() {
            if (bar != null) {
                bar.close();
            }
        }
    }
}
