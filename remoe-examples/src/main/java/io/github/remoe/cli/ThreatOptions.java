package io.github.remoe.cli;

import io.github.remoe.attack.Norm;
import io.github.remoe.attack.ThreatModel;

import picocli.CommandLine.Option;

import java.util.List;

/** The options that say what attacks may do to an image. */
final class ThreatOptions {

    private static final float LINF_EPSILON = 8 / 255f;
    private static final float L2_EPSILON = 0.5f;

    @Option(
            names = "--norm",
            paramLabel = "NORM",
            defaultValue = "linf",
            description = "Norm of the perturbation: ${COMPLETION-CANDIDATES}. Default:"
                    + " ${DEFAULT-VALUE}.")
    private Norm norm;

    @Option(
            names = "--epsilon",
            split = ",",
            paramLabel = "EPSILON",
            converter = PixelValue.class,
            description = "Its largest size, in pixel values of [0,1]; several in ascending order."
                    + " Default: 8/255 in linf, 0.5 in l2.")
    private List<Float> epsilons;

    @Option(
            names = "--step-size",
            converter = PixelValue.class,
            description =
                    "Step size of bim, mifgsm, pgd, cw, routing and regions. Default: the attack's"
                            + " own.")
    Float stepSize;

    List<Float> epsilons() {
        return epsilons != null ? epsilons : List.of(norm == Norm.LINF ? LINF_EPSILON : L2_EPSILON);
    }

    /** What the attacks may do at the largest epsilon. */
    ThreatModel threatModel() {
        return new ThreatModel(norm, epsilons().get(epsilons().size() - 1), 0, 1);
    }
}
