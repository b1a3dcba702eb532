package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;

import com.google.gson.Gson;

import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;

/** Writes a run's weights for other programs. */
@Command(
        name = "export",
        description = "Writes a run's weights as safetensors under timm's names, with what the"
                + " network is made of in the metadata.",
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--run", paramLabel = "DIR", required = true, description = "The run folder.")
    private Path run;

    @Option(
            names = "--weights",
            paramLabel = "best|last|average",
            description = "Which weights of the run. Default: best if the run has validated, else"
                    + " last.")
    private RunFolder.Weights weights;

    @Option(
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The file, such as model.safetensors; with --max-shard-size the folder.")
    private Path out;

    @Option(
            names = "--max-shard-size",
            paramLabel = "BYTES",
            description = "Write a folder as Hugging Face's libraries do: files of at most so many"
                    + " bytes of tensors, and an index if there are several.")
    private Long maxShardSize;

    @Override
    public Integer call() throws IOException {
        if (maxShardSize != null && maxShardSize < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--max-shard-size is " + maxShardSize + ", allowed is 1 up.");
        }
        RunFolder folder = new RunFolder(run);
        RunConfig config = folder.readConfig();
        try (Model model = weights == null
                ? folder.loadModel(Device.cpu())
                : folder.loadModel(weights, Device.cpu())) {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            NDList tensors = TimmTensors.of(vit, model.getNDManager());
            String about =
                    new Gson().toJson(about(vit, config, folder.readInfo().classes()));
            // Hugging Face's libraries look for the format.
            Map<String, String> metadata = Map.of("config", about, "format", "pt");
            Path written = out;
            if (maxShardSize == null) {
                SafeTensors.save(out, tensors, metadata);
            } else {
                written = SafeTensors.saveSharded(out, tensors, metadata, maxShardSize);
            }
            spec.commandLine()
                    .getOut()
                    .printf("%s: %d tensors, %s%n", written, tensors.size(), config.model());
        }
        return 0;
    }

    private static Map<String, Object> about(
            VisionTransformer vit, RunConfig config, List<String> classes) {
        Map<String, Object> about = new LinkedHashMap<>();
        about.put("model", config.model());
        about.put("classes", classes);
        about.put("mean", vit.getMean());
        about.put("std", vit.getStd());
        about.put("imageSize", vit.getImageSize());
        about.put("patchSize", vit.getPatchSize());
        about.put("numHeads", vit.getNumHeads());
        about.put("remoe", config.createReMoE());
        return about;
    }
}
