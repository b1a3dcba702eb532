/**
 * Weights in the formats and under the names that the Python world uses: {@link
 * io.github.remoe.weights.TimmNames} translates parameter names into timm's.
 */
package io.github.remoe.weights;
