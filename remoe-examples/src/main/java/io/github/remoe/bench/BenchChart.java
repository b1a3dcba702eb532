package io.github.remoe.bench;

import io.github.remoe.figure.DotPlot;
import io.github.remoe.figure.Figure;

import java.util.List;

/** How many times as fast as the peer each row of a network is, beside 1. */
final class BenchChart {

    private BenchChart() {}

    /**
     * Draws the rows of one network.
     *
     * @param model its name
     * @param results its rows that were compared with the peer, at least one
     * @return the chart
     */
    static Figure of(String model, List<BenchResult> results) {
        DotPlot.Builder chart = DotPlot.builder(
                        "bench-" + model, model + ": how many times as fast as PyTorch in Python")
                .setX("their time / our time")
                .optRange(0, 2)
                .addSeries("PyTorch in Python")
                .addSeries("ours");
        results.stream()
                .sorted((a, b) -> a.kind().compareTo(b.kind()))
                .forEach(result -> chart.addRow(result.row(), 1, result.ratio().median()));
        return chart.build();
    }
}
