/**
 * Vision transformers (ViT, DeiT) that train in DJL.
 *
 * <p>The network reads top to bottom as in timm's {@code vision_transformer.py}, whose names it
 * uses: {@link io.github.remoe.vit.VisionTransformer} normalises the pixels, cuts them into patches
 * ({@link io.github.remoe.vit.PatchEmbedding}), adds the prefix tokens and the position embedding,
 * runs the {@link io.github.remoe.vit.EncoderBlock}s and classifies the class token.
 *
 * <p>Shapes are written with B images, T = P + N tokens (P prefix tokens, N patches), width D and H
 * heads. The feed-forward network of an encoder block is a slot: any DJL block that maps tokens
 * (B,T,D) to tokens (B,T,D) fits, and what it returns beyond the tokens is handed on to the caller.
 * {@link io.github.remoe.vit.Presets} holds the named sizes.
 *
 * <pre>{@code
 * VisionTransformer vit = Presets.builder("deit_tiny_patch16_224").optNumClasses(10).build();
 * vit.initialize(manager, DataType.FLOAT32, vit.inputShape(1));
 * NDArray logits = vit.forward(parameterStore, new NDList(images), false).head(); // (B,10)
 * }</pre>
 *
 * <p>Images are pixels in [0,1]; the network normalises them itself, so attacks and people speak of the
 * same pixels.
 */
package io.github.remoe.vit;
