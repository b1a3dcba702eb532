/**
 * Weights in the formats and under the names that the Python world uses: {@link
 * io.github.remoe.weights.TimmNames} translates parameter names into timm's, {@link
 * io.github.remoe.weights.SafeTensors} reads and writes files of arrays, and {@link
 * io.github.remoe.weights.ParameterChecksum} names a network's parameters for good.
 */
package io.github.remoe.weights;
