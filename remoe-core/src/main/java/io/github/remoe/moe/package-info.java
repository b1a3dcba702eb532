/**
 * Region-mixture experts (ReMoE): a drop-in for the feed-forward network of a vision transformer.
 *
 * <p>A {@link io.github.remoe.moe.ReMoEBlock} does, in order, what section "Method" of the paper
 * does: patch-to-region (P2R) gathers the tokens of each region, a {@link io.github.remoe.moe.Gate}
 * weighs the regions, a global, a centre and K regional experts process their tokens,
 * region-to-patch (R2P) scatters the results back and unified region integration (URI) adds them up:
 *
 * <pre>Z = Z_global + lambda_1 Z_center + lambda_2 W (.) Z_region</pre>
 *
 * <p>{@link io.github.remoe.moe.RegionGrid} is the geometry, without any tensors. Shapes are written
 * with B images, T = P + N tokens (P prefix tokens, N patches), width D, H heads and K regions.
 *
 * <p>A fresh block computes what its global expert computes: the other experts start at zero. So it can be
 * put into a trained network. A gate of one's own extends {@link io.github.remoe.moe.Gate}, with {@link
 * io.github.remoe.moe.RegionTransform} for P2R.
 */
package io.github.remoe.moe;
