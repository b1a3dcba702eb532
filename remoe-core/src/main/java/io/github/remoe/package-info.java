/**
 * Where the vision transformer and the region experts meet: {@link io.github.remoe.ReMoE} puts
 * {@link io.github.remoe.moe.ReMoEBlock}s into the layers of a {@link
 * io.github.remoe.vit.VisionTransformer}, and {@link io.github.remoe.ModelSummary} counts what the
 * result holds and costs.
 *
 * <pre>{@code
 * VisionTransformer vit = Presets.builder("deit_tiny_patch4_32").optNumClasses(10).build();
 * ReMoE.builder().build().insertInto(vit); // layers 6 and 10; no logit changes
 * }</pre>
 *
 * <p>The network's outputs are then the logits (B,C), followed by the region weights W (B,K) of each of
 * these layers, which the region losses compare. A {@code ReMoE} also goes into networks of DJL's own
 * blocks.
 */
package io.github.remoe;
