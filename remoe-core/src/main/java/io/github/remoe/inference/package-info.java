/**
 * Trained networks in any DJL application: {@link io.github.remoe.inference.ModelFolder} writes what
 * {@link ai.djl.repository.zoo.Criteria} and DJL Serving load, {@link
 * io.github.remoe.inference.ClassificationTranslator} takes images of any size, and {@link
 * io.github.remoe.inference.RegionClassifications} tells how the regions were weighed; {@link
 * io.github.remoe.inference.RegionInspector} also tells what the weights were made of, and which
 * regions were switched off.
 */
package io.github.remoe.inference;
