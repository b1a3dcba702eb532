package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.inference.Predictor;
import ai.djl.modality.Classifications.Classification;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;

import io.github.remoe.inference.RegionClassifications;
import io.github.remoe.inference.RegionWeights;
import io.github.remoe.run.RunFolder;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** Classifies pictures. */
@Command(
        name = "predict",
        description = "Classifies pictures by a trained network, and tells how much each region of"
                + " them counted.",
        mixinStandardHelpOptions = true,
        sortOptions = false)
final class PredictCommand implements Callable<Integer> {

    /** What {@code --run} is, of all commands that take an exported network too. */
    static final String RUN = "A run folder, or a folder that 'export --format djl' wrote.";

    @Spec
    private CommandSpec spec;

    @Option(names = "--run", paramLabel = "DIR", required = true, description = RUN)
    private Path run;

    @Option(names = "--weights", paramLabel = "WEIGHTS", description = TargetOptions.WEIGHTS)
    private RunFolder.Weights weights;

    @Option(
            names = "--top-k",
            paramLabel = "N",
            defaultValue = "5",
            description = "How many classes to print, the likeliest first. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int topK;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Mixin
    private DeviceOption deviceOption;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "JPEG or PNG files.")
    private List<Path> files;

    @Override
    public Integer call() throws Exception {
        if (topK < 1) {
            throw new ParameterException(spec.commandLine(), "--top-k must be at least 1.");
        }
        Map<Path, RegionClassifications> predictions = new LinkedHashMap<>();
        try (ZooModel<Path, RegionClassifications> model = criteria(
                                run,
                                weights,
                                deviceOption.device(),
                                Path.class,
                                RegionClassifications.class)
                        .optArgument("topK", topK)
                        .build()
                        .loadModel();
                Predictor<Path, RegionClassifications> predictor = model.newPredictor()) {
            for (Path file : files) {
                predictions.put(file, predict(predictor, file));
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(json(predictions));
        } else {
            predictions.forEach((file, prediction) -> print(out, file, prediction));
        }
        out.flush();
        return 0;
    }

    /** Whether a folder holds a network as DJL loads it, be it a run or not. */
    static boolean takes(Path folder) {
        return Files.exists(folder.resolve("serving.properties"));
    }

    /** How DJL loads the network of a folder. */
    static <I, O> Criteria.Builder<I, O> criteria(
            Path folder, RunFolder.Weights weights, Device device, Class<I> input, Class<O> output)
            throws IOException {
        if (!takes(folder)) {
            throw new IOException(folder + " is no folder of a trained network: it has no"
                    + " serving.properties. Name a run that has saved its weights, or what 'export"
                    + " --format djl' wrote.");
        }
        Criteria.Builder<I, O> builder =
                Criteria.builder().setTypes(input, output).optModelPath(folder).optDevice(device);
        return weights == null ? builder : builder.optModelName(weights.toString());
    }

    private static RegionClassifications predict(
            Predictor<Path, RegionClassifications> predictor, Path file)
            throws IOException, TranslateException {
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        try {
            return predictor.predict(file);
        } catch (TranslateException e) {
            // What is wrong with a picture, DJL wraps.
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw e;
        }
    }

    private static void print(PrintWriter out, Path file, RegionClassifications prediction) {
        out.println(file);
        for (Classification best : prediction.<Classification>topK()) {
            out.printf(
                    Locale.ROOT,
                    "  %6.2f %%  %s%n",
                    100 * best.getProbability(),
                    best.getClassName());
        }
        for (RegionWeights layer : prediction.getRegionWeights()) {
            out.printf("  regions of layer %d:", layer.layer());
            for (int row = 0; row < layer.rows(); row++) {
                int first = row * layer.columns();
                out.print(layer.weights().subList(first, first + layer.columns()).stream()
                        .map(weight -> String.format(Locale.ROOT, " %.2f", weight))
                        .collect(Collectors.joining("", row == 0 ? "" : " |", "")));
            }
            out.println();
        }
    }

    private static String json(Map<Path, RegionClassifications> predictions) {
        Gson gson = new GsonBuilder().setPrettyPrinting().create();
        JsonArray array = new JsonArray();
        predictions.forEach((file, prediction) -> {
            JsonObject object = new JsonObject();
            object.addProperty("file", file.toString());
            prediction
                    .serialize()
                    .getAsJsonObject()
                    .entrySet()
                    .forEach(entry -> object.add(entry.getKey(), entry.getValue()));
            array.add(object);
        });
        return gson.toJson(array);
    }
}
