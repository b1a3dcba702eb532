package io.github.remoe.examples;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.ReMoE;
import io.github.remoe.inference.NetworkConfig;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;
import io.github.remoe.weights.LoadReport;
import io.github.remoe.weights.Pretrained;
import io.github.remoe.weights.SafeTensors;
import io.github.remoe.weights.TimmTensors;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;

/** Weights of timm's DeiT-T in a ReMoE network for small images, and back in a file. */
public final class LoadWeights {

    private LoadWeights() {}

    /**
     * Loads weights and writes them again.
     *
     * @param args a file or folder of weights of {@code deit_tiny_patch16_224}, and the file to write
     * @throws IOException if the weights cannot be read or do not fit, or the file cannot be written
     */
    public static void main(String[] args) throws IOException {
        if (args.length != 2) {
            System.err.println("Give a file of DeiT-T's weights, and the file to write.");
            return;
        }
        load(Path.of(args[0]), Path.of(args[1]), System.out);
    }

    static void load(Path weights, Path file, PrintStream out) throws IOException {
        try (NDManager manager = NDManager.newBaseManager()) {
            VisionTransformer vit =
                    Presets.builder("deit_tiny_patch4_32").optNumClasses(10).build();
            ReMoE.builder().build().insertInto(vit);
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            LoadReport report = Pretrained.builder().build().load(vit, weights);
            report.summary().forEach(out::println);
            Map<String, String> metadata =
                    Map.of("network", NetworkConfig.of(vit).toJson());
            SafeTensors.save(file, TimmTensors.of(vit, manager), metadata);
        }
    }
}
