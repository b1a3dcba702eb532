package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;

import com.google.gson.Gson;

import io.github.remoe.run.RunConfig;
import io.github.remoe.run.RunFolder;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmNames;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
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
            names = "--out",
            paramLabel = "FILE",
            required = true,
            description = "The file, such as model.safetensors.")
    private Path out;

    @Override
    public Integer call() throws IOException {
        RunFolder folder = new RunFolder(run);
        RunConfig config = folder.readConfig();
        try (Model model = folder.loadModel(Device.cpu())) {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            NDList weights = new NDList();
            vit.getParameters().forEach(parameter -> {
                NDArray array = parameter.getValue().getArray();
                array.setName(TimmNames.of(parameter.getKey()));
                weights.add(array);
            });
            SafeTensors.save(
                    out,
                    weights,
                    Map.of(
                            "config",
                            new Gson()
                                    .toJson(about(vit, config, folder.readInfo().classes()))));
            spec.commandLine()
                    .getOut()
                    .printf("%s: %d tensors, %s%n", out, weights.size(), config.model());
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
