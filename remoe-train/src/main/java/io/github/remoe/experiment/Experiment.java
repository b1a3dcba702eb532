package io.github.remoe.experiment;

import static io.github.remoe.experiment.PaperFigures.NOT_GIVEN;

import java.util.List;

/**
 * The experiments: which networks are trained how to make each of the paper's tables.
 *
 * <p>Rows that the paper gives no figures for are those that its text speaks of without a table
 * (where to insert, how to cut, how sensitive it is to its coefficients).
 */
public enum Experiment {

    /** Adversarial training with and without ReMoE. */
    MAIN(
            "Comparison on CIFAR-10/100 (DeiT-S backbone), CIFAR-10",
            Backbone.DEIT_S,
            "sat",
            false,
            Row.plain("SAT", "sat", "SAT").paper(79.84, 48.00, NOT_GIVEN, 44.90),
            Row.plain("TRADES", "trades", "TRADES").paper(78.70, 48.56, NOT_GIVEN, 46.25),
            Row.paperOnly("ReiT (CVPR 2024)").paper(86.22, 52.02, NOT_GIVEN, 47.31),
            Row.paperOnly("PIAT (TIFS 2025)").paper(82.30, 52.10, NOT_GIVEN, 45.98),
            // Which scheme the paper's row is of it does not say; its ablation starts from SAT.
            Row.full("ReMoE with SAT").paper(86.58, 53.54, NOT_GIVEN, 50.16),
            Row.remoe("ReMoE with TRADES", "remoe-trades", "TRADES")),

    /** The three networks. */
    BACKBONES(
            "Generalization across backbones (CIFAR-10); DeiT-S from the comparison on CIFAR-10/100",
            Backbone.DEIT_T,
            "sat",
            false,
            Row.plain("SAT", "sat", "SAT")
                    .on(Backbone.VIT_S)
                    .paper(NOT_GIVEN, 50.73, NOT_GIVEN, 47.65),
            Row.full("ReMoE").on(Backbone.VIT_S).paper(NOT_GIVEN, 52.20, NOT_GIVEN, 49.03),
            Row.plain("SAT", "sat", "SAT")
                    .on(Backbone.DEIT_S)
                    .paper(79.84, 48.00, NOT_GIVEN, 44.90),
            Row.full("ReMoE").on(Backbone.DEIT_S).paper(86.58, 53.54, NOT_GIVEN, 50.16),
            Row.plain("SAT", "sat", "SAT")
                    .on(Backbone.DEIT_T)
                    .paper(NOT_GIVEN, 47.71, NOT_GIVEN, 44.90),
            Row.full("ReMoE").on(Backbone.DEIT_T).paper(NOT_GIVEN, 52.44, NOT_GIVEN, 48.93)),

    /** Without each expert and each region loss. */
    EXPERTS(
            "Expert types and regional losses (DeiT-T, CIFAR-10)",
            Backbone.DEIT_T,
            Experiment.FULL,
            false,
            Row.plain("SAT (no ReMoE)", "sat", "SAT").paper(79.84, 47.90, 47.22, 44.90),
            Row.full("without regional experts", "without-regional", "without", "REGIONAL")
                    .paper(80.95, 50.82, 48.49, 46.78),
            Row.full("without centre expert", "without-center", "without", "CENTER")
                    .paper(80.36, 51.09, 48.73, 46.91),
            Row.full("without global expert", "without-global", "without", "GLOBAL")
                    .paper(80.36, 51.30, 49.10, 47.19),
            Row.full("without L_rob", "without-rob", "regionAdaptive", false)
                    .paper(82.47, 51.68, 49.91, 46.88),
            Row.full("without L_align", "without-align", "lambdaAlign", 0)
                    .paper(84.21, 50.32, 48.47, 47.19),
            Row.full("ReMoE (full)").paper(83.52, 52.65, 50.94, 48.93)),

    /** The gates and what they cost. */
    GATES(
            "Gating strategy comparison (DeiT-T, CIFAR-10)",
            Backbone.DEIT_T,
            Experiment.FULL,
            true,
            Row.full("uniform", "gate-uniform", "gate", "UNIFORM")
                    .paper(80.17, 50.79, NOT_GIVEN, 46.73)
                    .cost(5.63, 0.35),
            Row.full("MLP", "gate-mlp", "gate", "MLP")
                    .paper(80.73, 50.99, NOT_GIVEN, 46.84)
                    .cost(5.66, 0.37),
            Row.full("AEA").paper(83.52, 52.65, NOT_GIVEN, 48.93).cost(5.63, 0.37)),

    /** Where blocks are inserted: even layers, so that networks of 6 layers have the same places. */
    LAYERS(
            "Key findings: insertion at (6, 10) is optimal; no figures",
            Backbone.DEIT_T,
            Experiment.FULL,
            true,
            Row.layers("layer 2 of 12", "layers-2", 2),
            Row.layers("layer 4 of 12", "layers-4", 4),
            Row.layers("layer 6 of 12", "layers-6", 6),
            Row.layers("layer 8 of 12", "layers-8", 8),
            Row.layers("layer 10 of 12", "layers-10", 10),
            Row.layers("layers 2 and 6 of 12", "layers-2-6", 2, 6),
            Row.layers("layers 4 and 8 of 12", "layers-4-8", 4, 8),
            Row.layers("layers 8 and 10 of 12", "layers-8-10", 8, 10),
            Row.full("layers 6 and 10 of 12 (default)")),

    /** How the patch grid is cut, how many regions stay on, how large the centre is. */
    REGIONS(
            "No table; the paper's limitations name the fixed grid",
            Backbone.DEIT_T,
            Experiment.FULL,
            true,
            Row.full("1 x 1 regions", "regions-1x1", "regions", "1x1"),
            Row.full("3 x 3 regions", "regions-3x3", "regions", "3x3"),
            Row.full("4 x 4 regions", "regions-4x4", "regions", "4x4"),
            Row.full("top-1 of 4", "top-1", "topK", 1),
            Row.full("top-3 of 4", "top-3", "topK", 3),
            Row.full("all 4 of 4", "top-4", "topK", 4),
            Row.full("centre of a quarter of each side", "center-0.25", "centerRatio", 0.25),
            Row.full("centre of three quarters", "center-0.75", "centerRatio", 0.75),
            Row.full("centre as large as the grid", "center-1", "centerRatio", 1),
            Row.full("2 x 2 regions, top-2, centre of half of each side (default)")),

    /** The coefficients, one at a time. */
    SENSITIVITY(
            "No table; the paper's limitations name the coefficients",
            Backbone.DEIT_T,
            Experiment.FULL,
            false,
            Row.full("lambda_1 = 0.1", "lambda1-0.1", "lambda1", 0.1),
            Row.full("lambda_1 = 0.5", "lambda1-0.5", "lambda1", 0.5),
            Row.full("lambda_1 = 2", "lambda1-2", "lambda1", 2),
            Row.full("lambda_2 = 0.1", "lambda2-0.1", "lambda2", 0.1),
            Row.full("lambda_2 = 0.5", "lambda2-0.5", "lambda2", 0.5),
            Row.full("lambda_2 = 2", "lambda2-2", "lambda2", 2),
            Row.full("lambda_align = 0.1", "align-0.1", "lambdaAlign", 0.1),
            Row.full("lambda_align = 0.5", "align-0.5", "lambdaAlign", 0.5),
            Row.full("lambda_align = 2", "align-2", "lambdaAlign", 2),
            Row.full("lambda_align = 5", "align-5", "lambdaAlign", 5),
            Row.full("beta = 0.1", "beta-0.1", "beta", 0.1),
            Row.full("beta = 0.3", "beta-0.3", "beta", 0.3),
            Row.full("beta = 0.7", "beta-0.7", "beta", 0.7),
            Row.full("beta = 0.9", "beta-0.9", "beta", 0.9),
            Row.full("lambda_1 = lambda_2 = lambda_align = 1, beta = 0.5 (default)"));

    /** The cell of the full method: ReMoE blocks and both region losses, trained by SAT. */
    static final String FULL = "remoe";

    private final String table;
    private final Backbone backbone;
    private final String reference;
    private final boolean showsCost;
    private final List<Row> rows;

    Experiment(String table, Backbone backbone, String reference, boolean showsCost, Row... rows) {
        this.table = table;
        this.backbone = backbone;
        this.reference = reference;
        this.showsCost = showsCost;
        this.rows = List.of(rows);
    }

    /**
     * Returns the caption of the paper's table.
     *
     * @return the caption
     */
    public String table() {
        return table;
    }

    /**
     * Returns the network that the paper's table is about.
     *
     * @return the network
     */
    public Backbone backbone() {
        return backbone;
    }

    /**
     * Returns the cell that the others of the same network are compared with.
     *
     * @return the cell's name
     */
    public String reference() {
        return reference;
    }

    /**
     * Returns whether the table shows parameters and multiply-adds.
     *
     * @return true if the networks differ in them
     */
    public boolean showsCost() {
        return showsCost;
    }

    /**
     * Returns the rows of the table.
     *
     * @return the rows in their order
     */
    public List<Row> rows() {
        return rows;
    }
}
