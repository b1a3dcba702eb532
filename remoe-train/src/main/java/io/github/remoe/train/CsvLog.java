package io.github.remoe.train;

import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.training.Trainer;
import ai.djl.training.evaluator.Accuracy;
import ai.djl.training.listener.TrainingListenerAdapter;
import ai.djl.training.loss.Loss;

import io.github.remoe.loss.TrainingLoss;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
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
    private Accuracy accuracy;
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
        accuracy = new Accuracy();
        accuracy.addAccumulator(KEY);
        try {
            writer = Files.newBufferedWriter(file);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /** {@inheritDoc} */
    @Override
    public void onTrainingBatch(Trainer trainer, BatchData batchData) {
        NDList labels = batchData.getLabels().values().iterator().next();
        NDList predictions = batchData.getPredictions().values().iterator().next();
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            Map<String, Float> values = new LinkedHashMap<>();
            Loss loss = trainer.getLoss();
            values.put("loss", loss.evaluate(labels, predictions).getFloat());
            if (loss instanceof TrainingLoss training) {
                training.parts(labels, predictions)
                        .forEach((name, part) -> values.put(name, part.getFloat()));
            }
            accuracy.resetAccumulator(KEY);
            accuracy.updateAccumulators(new String[] {KEY}, labels, predictions);
            values.put("accuracy", accuracy.getAccumulator(KEY));
            if (step == 0) {
                writer.write("step,epoch," + join(values.keySet().stream()));
            }
            step++;
            writer.write(step + "," + epoch + ","
                    + join(values.values().stream()
                            .map(value -> String.format(Locale.ROOT, "%.6g", value))));
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
