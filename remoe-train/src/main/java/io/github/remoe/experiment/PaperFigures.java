package io.github.remoe.experiment;

/**
 * What the paper (ReMoE, CVPR 2026) gives for one row of a table: accuracies on CIFAR-10 in per cent,
 * {@link #NOT_GIVEN} where it gives none.
 *
 * @param clean without attack, "Nat"
 * @param pgd20 under PGD-20
 * @param cw20 under C&amp;W-20
 * @param autoAttack under AutoAttack, "AA"
 * @param parameters the parameters in millions
 * @param macs the multiply-adds of one image in thousand millions, the paper's "FLOPs"
 */
public record PaperFigures(
        double clean,
        double pgd20,
        double cw20,
        double autoAttack,
        double parameters,
        double macs) {

    /** Stands for a figure that the paper does not give. */
    public static final double NOT_GIVEN = Double.NaN;

    /** The row of a table that is not in the paper. */
    static final PaperFigures NONE = of(NOT_GIVEN, NOT_GIVEN, NOT_GIVEN, NOT_GIVEN);

    /** A row without parameters and multiply-adds, in the order of the paper's columns. */
    static PaperFigures of(double clean, double pgd20, double cw20, double autoAttack) {
        return new PaperFigures(clean, pgd20, cw20, autoAttack, NOT_GIVEN, NOT_GIVEN);
    }

    /** The same row with what the paper says of its cost. */
    PaperFigures cost(double parameters, double macs) {
        return new PaperFigures(clean, pgd20, cw20, autoAttack, parameters, macs);
    }

    /**
     * Returns the accuracy under an attack.
     *
     * @param attack the attack's name on the command line, or {@link ResultTable#CLEAN}
     * @return per cent, or {@link #NOT_GIVEN}
     */
    public double accuracy(String attack) {
        return switch (attack) {
            case ResultTable.CLEAN -> clean;
            case "pgd-20" -> pgd20;
            case "cw-20" -> cw20;
            case "autoattack" -> autoAttack;
            default -> NOT_GIVEN;
        };
    }
}
