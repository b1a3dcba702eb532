/**
 * The paper's tables as grids of training runs: {@link io.github.remoe.experiment.Experiment} says
 * which, {@link io.github.remoe.experiment.Scale} how large, {@link io.github.remoe.experiment.Grid}
 * puts both together, and {@link io.github.remoe.experiment.ResultTable} shows what came out beside
 * the paper's figures.
 */
package io.github.remoe.experiment;
