package io.github.remoe.cli;

import io.github.remoe.ReMoE;
import io.github.remoe.moe.GateType;
import io.github.remoe.vit.Presets;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The options that choose a network. */
final class ModelOptions {

    private static final Pattern REGIONS = Pattern.compile("(\\d+)x(\\d+)");

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "NAME",
            defaultValue = "vit_micro_patch4_32",
            description = "A preset, with timm's name. Default: ${DEFAULT-VALUE}.")
    String model;

    @Option(
            names = "--remoe",
            description = "Put ReMoE blocks into the network; the options below imply it.")
    private boolean remoe;

    @Option(
            names = "--layers",
            split = ",",
            paramLabel = "N",
            description =
                    "Layers with a ReMoE block, counted from 1. Default: 6,10 of 12 layers, and the"
                            + " same relative places of other depths.")
    private Integer[] layers;

    @Option(
            names = "--regions",
            paramLabel = "ROWSxCOLUMNS",
            description = "How the patch grid is cut. Default: 2x2.")
    private String regions;

    @Option(
            names = "--gate",
            paramLabel = "GATE",
            description = "${COMPLETION-CANDIDATES}. Default: AEA.")
    private GateType gate;

    @Option(
            names = "--top-k",
            paramLabel = "K",
            description = "Regions that stay switched on in an image. Default: 2.")
    private Integer topK;

    @Option(
            names = "--without",
            split = ",",
            paramLabel = "EXPERT",
            description = "Experts to leave out: ${COMPLETION-CANDIDATES}.")
    private Expert[] without;

    /** The branches that an ablation leaves out. */
    enum Expert {
        GLOBAL,
        CENTER,
        REGIONAL
    }

    /** The settings, or null for a plain vision transformer. */
    ReMoE remoe() {
        boolean asked = remoe
                || layers != null
                || regions != null
                || gate != null
                || topK != null
                || without != null;
        return asked ? build() : null;
    }

    private ReMoE build() {
        ReMoE.Builder builder = ReMoE.builder();
        int depth = Presets.builder(model).build().getBlocks().size();
        builder.optLayers(
                layers != null ? layers : ReMoE.defaultLayers(depth).toArray(new Integer[0]));
        if (regions != null) {
            Matcher matcher = REGIONS.matcher(regions);
            if (!matcher.matches()) {
                throw new ParameterException(
                        spec.commandLine(),
                        String.format(
                                "--regions takes ROWSxCOLUMNS, such as 2x2, got '%s'.", regions));
            }
            builder.optRegions(
                    Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
        }
        if (gate != null) {
            builder.optGate(gate);
        }
        if (topK != null) {
            builder.optTopK(topK);
        }
        for (Expert expert : without == null ? new Expert[0] : without) {
            switch (expert) {
                case GLOBAL -> builder.optGlobalExpert(false);
                case CENTER -> builder.optCenterExpert(false);
                case REGIONAL -> builder.optRegionalExperts(false);
            }
        }
        return builder.build();
    }
}
