package io.github.remoe.cli;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDList;

import com.google.gson.Gson;

import io.github.remoe.inference.ModelFolder;
import io.github.remoe.inference.NetworkConfig;
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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** Writes a run's weights for other programs. */
@Command(
        name = "export",
        description = "Writes a run's network for other programs: its weights as safetensors under"
                + " timm's names, with what the network is made of in the metadata, or a folder that"
                + " any DJL application loads.",
        mixinStandardHelpOptions = true)
final class ExportCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--run", paramLabel = "DIR", required = true, description = "The run folder.")
    private Path run;

    @Option(names = "--weights", paramLabel = "WEIGHTS", description = TargetOptions.WEIGHTS)
    private RunFolder.Weights weights;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            defaultValue = "safetensors",
            description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Format format;

    @Option(
            names = "--out",
            paramLabel = "PATH",
            required = true,
            description = "The file, such as model.safetensors; for djl and with --max-shard-size a"
                    + " folder.")
    private Path out;

    @Option(
            names = "--max-shard-size",
            paramLabel = "BYTES",
            description = "Write safetensors as Hugging Face's libraries do: files of at most so"
                    + " many bytes of tensors, and an index if there are several.")
    private Long maxShardSize;

    /** What is written. */
    private enum Format {
        /** For Python: {@link TimmTensors}. */
        SAFETENSORS,
        /** For DJL: {@link ModelFolder}. */
        DJL;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Override
    public Integer call() throws IOException {
        if (maxShardSize != null && (maxShardSize < 1 || format == Format.DJL)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--max-shard-size takes a number of bytes from 1, and goes with safetensors.");
        }
        RunFolder folder = new RunFolder(run);
        List<String> classes = folder.readInfo().classes();
        RunFolder.Weights chosen = weights == null ? folder.chosenWeights() : weights;
        try (Model model = folder.loadModel(chosen, Device.cpu())) {
            VisionTransformer vit = (VisionTransformer) model.getBlock();
            if (format == Format.SAFETENSORS && maxShardSize == null) {
                SafeTensors.save(out, tensors(model), metadata(vit, classes));
            } else {
                try (NewFolder written = new NewFolder(out)) {
                    if (format == Format.DJL) {
                        ModelFolder.save(written.path(), vit, classes);
                    } else {
                        SafeTensors.saveSharded(
                                written.path(),
                                tensors(model),
                                metadata(vit, classes),
                                maxShardSize);
                    }
                    written.finish();
                }
            }
            spec.commandLine()
                    .getOut()
                    .printf(
                            "%s: %d tensors, the %s weights of %s%n",
                            out, vit.getParameters().size(), chosen, model.getName());
        }
        return 0;
    }

    private static NDList tensors(Model model) {
        return TimmTensors.of((VisionTransformer) model.getBlock(), model.getNDManager());
    }

    /** Hugging Face's libraries look for the format; the rest is what the tensors do not tell. */
    private static Map<String, String> metadata(VisionTransformer vit, List<String> classes) {
        return Map.of(
                "format",
                "pt",
                "network",
                NetworkConfig.of(vit).toJson(),
                "classes",
                new Gson().toJson(classes));
    }
}
