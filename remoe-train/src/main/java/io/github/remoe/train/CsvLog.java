package io.github.remoe.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;
import ai.djl.training.Trainer;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.evaluator.Evaluator;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.AbstractCompositeLoss;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Writes a CSV file with one line a training step: the loss, its parts if it has any, and the
 * accuracy on the images that the step predicts first (clean ones if the loss looks at both clean and
 * adversarial images).
 */
public final class CsvLog extends TrainingListenerAdapter {

    private final Path file;
    private List<Evaluator> evaluators;
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
        evaluators = new ArrayList<>(List.of(trainer.getLoss()));
        if (trainer.getLoss() instanceof AbstractCompositeLoss composite) {
            evaluators.addAll(composite.getComponents());
        }
        evaluators.add(new Accuracy());
        try {
            writer = Files.newBufferedWriter(file);
            writer.write("step,epoch," + join(evaluators.stream().map(Evaluator::getName).toList()));
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
            List<String> values =
                    evaluators.stream()
                            .map(evaluator -> mean(evaluator, labels, predictions))
                            .toList();
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

    private static String mean(Evaluator evaluator, NDList labels, NDList predictions) {
        float value =
                evaluator
                        .evaluate(labels, predictions)
                        .toType(DataType.FLOAT32, false)
                        .mean()
                        .getFloat();
        return String.format(Locale.ROOT, "%.6g", value);
    }

    private static String join(List<String> values) {
        return values.stream().collect(Collectors.joining(",", "", System.lineSeparator()));
    }

    private UncheckedIOException failed(IOException e) {
        return new UncheckedIOException(
                String.format("The log %s cannot be written: %s", file, e.getMessage()), e);
    }
}
