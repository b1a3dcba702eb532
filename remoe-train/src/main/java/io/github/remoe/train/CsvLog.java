package io.github.remoe.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.training.Trainer;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.evaluator.Evaluator;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.AbstractCompositeLoss;
import ai.djl.training.loss.Loss;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Writes a CSV file with one line a training step: the loss, its parts if it has any, and the
 * accuracy on the images that the step predicts first (clean ones if the loss looks at both clean and
 * adversarial images).
 */
public final class CsvLog extends TrainingListenerAdapter {

    private static final String KEY = "log";

    private final Path file;
    private List<Evaluator> updated;
    private List<Evaluator> columns;
    private BufferedWriter writer;
    private long step;
    private int epoch = 1;

    /**
     * Creates the log.
     *
     * @param file the file to write, which is replaced
     */
    public CsvLog(Path file) {
        this.file = file;
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBegin(Trainer trainer) {
        Loss loss = trainer.getLoss();
        updated = List.of(loss, new Accuracy());
        updated.forEach(evaluator -> evaluator.addAccumulator(KEY));
        columns = new ArrayList<>(updated);
        if (loss instanceof AbstractCompositeLoss composite) {
            columns.addAll(1, composite.getComponents());
        }
        try {
            writer = Files.newBufferedWriter(file);
            writer.write("step,epoch," + join(columns.stream().map(Evaluator::getName)));
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        NDList labels = batchData.getLabels().values().iterator().next();
        NDList predictions = batchData.getPredictions().values().iterator().next();
        step++;
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            for (Evaluator evaluator : updated) {
                evaluator.resetAccumulator(KEY);
                evaluator.updateAccumulators(new String[] {KEY}, labels, predictions);
            }
            Stream<String> values = columns.stream()
                    .map(column -> column.getAccumulator(KEY))
                    .map(value -> String.format(Locale.ROOT, "%.6g", value));
            writer.write(step + "," + epoch + "," + join(values));
            writer.flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void onEpoch(Trainer trainer) {
        epoch++;
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingEnd(Trainer trainer) {
        try {
            writer.close();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private static String join(Stream<String> values) {
        return values.collect(Collectors.joining(",", "", System.lineSeparator()));
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(
                String.format("The log %s cannot be written: %s", file, e.getMessage()), e);
    }
}
