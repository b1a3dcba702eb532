/**
 * Where the vision transformer and the region experts meet: {@link io.github.remoe.ReMoE} puts
 * {@link io.github.remoe.moe.ReMoEBlock}s into the layers of a {@link
 * io.github.remoe.vit.VisionTransformer}, and {@link io.github.remoe.ModelSummary} counts what the
 * result holds and costs.
 */
package io.github.remoe;
