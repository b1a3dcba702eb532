package io.github.remoe.experiment;

import java.util.List;
import java.util.Map;

/**
 * A row of a table of the paper.
 *
 * @param label what the table calls it
 * @param cell the name of the cell that measures it, null if only the paper has it; rows of the same
 *     cell and network are the same runs, in whichever experiment they are
 * @param backbone the network, or null for the experiment's
 * @param changes the cell's settings in which it differs from others; {@code layers} are those of 12
 * @param paper the paper's figures
 */
public record Row(
        String label,
        String cell,
        Backbone backbone,
        Map<String, Object> changes,
        PaperFigures paper) {

    /** Copies the changes. */
    public Row {
        changes = Map.copyOf(changes);
    }

    /** A network with plain feed-forward networks, trained by a scheme. */
    static Row plain(String label, String cell, String scheme) {
        return new Row(label, cell, null, Map.of("scheme", scheme), PaperFigures.NONE);
    }

    /** A network with ReMoE blocks, trained by a scheme. */
    static Row remoe(String label, String cell, String scheme) {
        return new Row(
                label, cell, null, Map.of("scheme", scheme, "remoe", true), PaperFigures.NONE);
    }

    /** The full method: ReMoE blocks and both region losses, trained by SAT. */
    static Row full(String label) {
        return remoe(label, Experiment.FULL, "SAT");
    }

    /** The full method with one setting changed. */
    static Row full(String label, String cell, String setting, Object value) {
        return new Row(
                label,
                cell,
                null,
                Map.of("scheme", "SAT", "remoe", true, setting, value),
                PaperFigures.NONE);
    }

    /** The full method with its blocks in other layers, of 12. */
    static Row layers(String label, String cell, Integer... layers) {
        return full(label, cell, "layers", List.of(layers));
    }

    /** A row that only the paper has. */
    static Row paperOnly(String label) {
        return new Row(label, null, null, Map.of(), PaperFigures.NONE);
    }

    /** The same row on a network of its own. */
    Row on(Backbone other) {
        return new Row(other.label() + ", " + label, cell, other, changes, paper);
    }

    /** The same row with the paper's figures. */
    Row paper(double clean, double pgd20, double cw20, double autoAttack) {
        return new Row(
                label, cell, backbone, changes, PaperFigures.of(clean, pgd20, cw20, autoAttack));
    }

    /** The same row with what the paper says of its cost. */
    Row cost(double parameters, double macs) {
        return new Row(label, cell, backbone, changes, paper.cost(parameters, macs));
    }
}
