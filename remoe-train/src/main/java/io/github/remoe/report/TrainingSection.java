package io.github.remoe.report;

import io.github.remoe.figure.Figure;
import io.github.remoe.figure.LineChart;
import io.github.remoe.metrics.Measurement;
import io.github.remoe.metrics.Measurement.ExpertLoad;
import io.github.remoe.report.Page.Cell;
import io.github.remoe.report.Page.Section;
import io.github.remoe.report.Page.Table;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** How a run was trained: what its logs hold, as curves. */
final class TrainingSection {

    // Below, a curve over epochs has too few points to show how training went.
    private static final int EPOCHS_OF_A_CURVE = 3;

    private final ReportedRun run;
    private final List<Measurement> points;
    private final boolean byEpoch;

    private TrainingSection(ReportedRun run) {
        this.run = run;
        byEpoch = isCurve(run.epochs()) || run.steps().isEmpty();
        points = byEpoch ? run.epochs() : run.steps();
    }

    /** Whether epochs are enough to show how training went; if not, steps are drawn. */
    static boolean isCurve(List<Measurement> epochs) {
        return epochs.size() >= EPOCHS_OF_A_CURVE;
    }

    /** The section of a run. */
    static Section of(ReportedRun run) {
        Section section = new Section(run.id() + "-training", 3, "Training");
        if (run.config() == null) {
            return section.missing(run.why(
                    ReportedRun.CONFIG,
                    "This folder holds an evaluation alone, so nothing is known of a training."));
        }
        if (run.epochs().isEmpty() && run.steps().isEmpty()) {
            return section.missing(
                    "There is no training log: neither epochs.csv nor log.csv is in the"
                            + " run folder. Every training writes both.");
        }
        return new TrainingSection(run).fill(section);
    }

    private Section fill(Section section) {
        int done = run.epochs().isEmpty()
                ? 0
                : run.epochs().get(run.epochs().size() - 1).epoch();
        section.text(String.format("%d of %d epochs. ", done, run.config().epochs())
                + (byEpoch
                        ? "Means over the steps of each epoch; validation after it."
                        : "Values by step: there are no " + EPOCHS_OF_A_CURVE
                                + " epochs to draw means of."));
        List<Figure> figures = Stream.of(
                        losses(),
                        accuracy(),
                        chart("rate", "Learning rate", "learning rate")
                                .add("learning rate", Measurement.LEARNING_RATE)
                                .figure(),
                        chart("weights", "Weights of the region-adaptive loss", "weight")
                                .add("γ", Measurement.GAMMA)
                                .add("β̃ (clean term)", Measurement.CLEAN_WEIGHT)
                                .range(0, 1)
                                .figure(),
                        chart("angle", "Angle between clean and attacked W", "angle, degrees")
                                .add("mean over layers and images", Measurement.ANGLE)
                                .figure(),
                        entropy(),
                        chart("gradient", "Gradient norm before clipping", "l2 norm")
                                .add("gradient norm", Measurement.GRADIENT_NORM)
                                .figure(),
                        chart("speed", "Training speed", "images a second")
                                .add("images a second", Measurement.SPEED)
                                .figure())
                .flatMap(Optional::stream)
                .toList();
        section.figures(figures);
        section.figures(expertLoads());
        if (!run.epochs().isEmpty()) {
            section.folded(epochs());
        }
        return section;
    }

    private Optional<Figure> losses() {
        Chart chart = chart("loss", "Loss and its parts", "loss");
        chart.add("total", Measurement.LOSS);
        names().filter(name -> name.startsWith(Measurement.LOSS_PART))
                .filter(name -> !List.of(
                                Measurement.LOSS, Measurement.GAMMA, Measurement.CLEAN_WEIGHT)
                        .contains(name))
                .forEach(name ->
                        chart.add(words(name.substring(Measurement.LOSS_PART.length())), name));
        return chart.figure();
    }

    private Optional<Figure> accuracy() {
        return chart("accuracy", "Accuracy while training", "accuracy, %")
                .percent("training, clean", Measurement.CLEAN_ACCURACY)
                .percent("training, robust", Measurement.ROBUST_ACCURACY)
                .percent("validation, clean", Measurement.VALIDATION_CLEAN)
                .percent("validation, robust", Measurement.VALIDATION_ROBUST)
                .range(0, 100)
                .figure();
    }

    private Optional<Figure> entropy() {
        Chart chart = chart("entropy", "Entropy of the region weights", "entropy, nats")
                .add("mean over layers and images", Measurement.ENTROPY);
        if (run.config().remoe()) {
            long regions = Arrays.stream(run.config().regions().split("x"))
                    .mapToLong(Long::parseLong)
                    .reduce(1, Math::multiplyExact);
            chart.builder.optReference("log " + regions + ": all regions alike", Math.log(regions));
        }
        return chart.figure();
    }

    /** One chart for each layer, one line for each region. */
    private List<Figure> expertLoads() {
        SortedMap<Integer, Chart> layers = new TreeMap<>();
        names().forEach(name -> ExpertLoad.parse(name)
                .ifPresent(expert -> layers.computeIfAbsent(
                                expert.layer(),
                                layer -> chart(
                                                "load-layer-" + layer,
                                                "Expert load, layer " + layer,
                                                "images switched on, %")
                                        .range(0, 100))
                        .percent("region " + expert.region(), name)));
        return layers.values().stream()
                .map(Chart::figure)
                .flatMap(Optional::stream)
                .toList();
    }

    private Table epochs() {
        List<String> names = run.epochs().stream()
                .flatMap(epoch -> epoch.values().keySet().stream())
                .distinct()
                .toList();
        List<String> columns = new ArrayList<>(List.of("epoch"));
        columns.addAll(names);
        Table table = new Table(run.id() + "-epochs", "Numbers by epoch", true, columns);
        for (Measurement epoch : run.epochs()) {
            List<Cell> cells = new ArrayList<>(List.of(Cell.of((long) epoch.epoch())));
            names.forEach(name -> cells.add(number(epoch.get(name))));
            table.rows().add(cells);
        }
        return table;
    }

    private static Cell number(double value) {
        return Double.isNaN(value)
                ? Cell.NOTHING
                : new Cell(
                        String.format(Locale.ROOT, "%.4g", value),
                        null,
                        String.valueOf(value),
                        Map.of());
    }

    private Stream<String> names() {
        return points.stream()
                .flatMap(point -> point.values().keySet().stream())
                .distinct();
    }

    /** {@code adversarialCrossEntropy} as words. */
    private static String words(String name) {
        return name.replaceAll("(?<=[a-z])(?=[A-Z])", " ").toLowerCase(Locale.ROOT);
    }

    private Chart chart(String name, String title, String y) {
        return new Chart(run.id() + "-" + name, title, y);
    }

    /** A chart of those values that were measured. */
    private final class Chart {

        private final LineChart.Builder builder;
        private boolean empty = true;

        Chart(String name, String title, String y) {
            builder = LineChart.builder(name, title)
                    .setX(byEpoch ? "epoch" : "step")
                    .setY(y)
                    .optIntegerX();
        }

        Chart range(double min, double max) {
            builder.optYRange(min, max);
            return this;
        }

        Chart add(String label, String name) {
            return add(label, name, 1);
        }

        Chart percent(String label, String name) {
            return add(label, name, 100);
        }

        private Chart add(String label, String name, double factor) {
            double[] y = points.stream()
                    .mapToDouble(point -> factor * point.get(name))
                    .toArray();
            if (Arrays.stream(y).anyMatch(Double::isFinite)) {
                double[] x = points.stream()
                        .mapToDouble(point -> byEpoch ? point.epoch() : point.step())
                        .toArray();
                builder.addSeries(label, x, y);
                empty = false;
            }
            return this;
        }

        Optional<Figure> figure() {
            return empty ? Optional.empty() : Optional.of(builder.build());
        }
    }
}
