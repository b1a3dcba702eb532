package io.github.remoe.inference;

import io.github.remoe.moe.RegionGrid;

import java.util.ArrayList;
import java.util.List;

/**
 * The region weights W of an image in one ReMoE layer: how much each regional expert counts.
 *
 * @param layer the layer, counted from 1
 * @param rows how many regions lie below each other
 * @param columns how many regions lie beside each other
 * @param weights the weights of the rows x columns regions, row by row; dense, mean 1
 */
public record RegionWeights(int layer, int rows, int columns, List<Float> weights) {

    /**
     * Checks the number of weights.
     *
     * @throws IllegalArgumentException if there is not one for each region
     */
    public RegionWeights {
        weights = List.copyOf(weights);
        if (weights.size() != rows * columns) {
            throw new IllegalArgumentException(String.format(
                    "There are %d weights for %d x %d regions.", weights.size(), rows, columns));
        }
    }

    static RegionWeights of(int layer, RegionGrid grid, float[] weights) {
        List<Float> list = new ArrayList<>();
        for (float weight : weights) {
            list.add(weight);
        }
        return new RegionWeights(layer, grid.rows(), grid.columns(), list);
    }

    /**
     * Returns the weight of a region.
     *
     * @param row from the top, counted from 0
     * @param column from the left, counted from 0
     * @return its weight
     */
    public float weight(int row, int column) {
        return weights.get(row * columns + column);
    }

    /**
     * Returns the angle between these weights and others of the same regions, as vectors: how far an
     * attack has turned the routing.
     *
     * @param other other weights
     * @return 0 to 90 degrees
     * @throws IllegalArgumentException if the others are of other regions
     */
    public double angle(RegionWeights other) {
        if (other.rows != rows || other.columns != columns) {
            throw new IllegalArgumentException(String.format(
                    "Weights of %d x %d regions cannot be compared with those of %d x %d.",
                    rows, columns, other.rows, other.columns));
        }
        double product = 0;
        double square = 0;
        double otherSquare = 0;
        for (int i = 0; i < weights.size(); i++) {
            product += (double) weights.get(i) * other.weights.get(i);
            square += (double) weights.get(i) * weights.get(i);
            otherSquare += (double) other.weights.get(i) * other.weights.get(i);
        }
        return Math.toDegrees(Math.acos(Math.min(1, product / Math.sqrt(square * otherSquare))));
    }
}
