package io.github.remoe.cli;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;

import com.google.gson.GsonBuilder;

import io.github.remoe.ModelSummary;
import io.github.remoe.ReMoE;
import io.github.remoe.run.RunConfig;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.PrintWriter;
import java.util.concurrent.Callable;

/** Prints what a network holds and costs. */
@Command(
        name = "info",
        description = "Prints layers, parameters, multiply-adds and the region map of a network.",
        mixinStandardHelpOptions = true)
final class InfoCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--classes",
            paramLabel = "N",
            description = "The number of classes. Default: the preset's, 1000.")
    private Integer classes;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
        RunConfig config = RunConfig.defaults().with(SettingOptions.given(spec));
        VisionTransformer.Builder builder = Presets.builder(config.model());
        if (classes != null) {
            builder.optNumClasses(classes);
        }
        VisionTransformer vit = builder.build();
        ReMoE remoe = config.createReMoE();
        if (remoe != null) {
            remoe.insertInto(vit);
        }
        try (NDManager manager = NDManager.newBaseManager()) {
            vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
            print(config.model(), vit, remoe, ModelSummary.of(vit));
        }
        return 0;
    }

    private void print(String model, VisionTransformer vit, ReMoE remoe, ModelSummary summary) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(summary));
            return;
        }
        out.printf(
                "%s: %d x %d images, %d x %d patches of %d x %d, width %d, %d heads, %d classes%n%n",
                model,
                vit.getImageSize(),
                vit.getImageSize(),
                vit.getGridSize(),
                vit.getGridSize(),
                vit.getPatchSize(),
                vit.getPatchSize(),
                vit.getEmbedDim(),
                vit.getNumHeads(),
                vit.getNumClasses());
        String row = "%-18s %,14d %,18d%n";
        out.printf("%-18s %14s %18s%n", "", "parameters", "multiply-adds");
        for (ModelSummary.Part part : summary.parts()) {
            out.printf(row, part.name(), part.parameters(), part.macs());
        }
        out.printf(row, "total", summary.parameters(), summary.macs());
        out.printf(
                "%n%.2f M parameters, %.2f G multiply-adds an image%n",
                summary.parameters() / 1e6, summary.macs() / 1e9);
        if (remoe != null) {
            out.printf(
                    "%nRegions over the patch grid, * is the centre region:%n%s",
                    remoe.grid(vit).draw());
        }
        out.flush();
    }
}
