package io.github.remoe.weights;

/** How the kernel of a patch embedding becomes one for another patch size. */
public enum PatchResize {
    /**
     * FlexiViT's (Beyer et al. 2023): multiplied by the pseudo-inverse of the bicubic resize, so that
     * the token of a patch changes as little as it can when patch and kernel are resized together.
     * What timm does when it loads weights ({@code resample_patch_embed}).
     */
    PSEUDO_INVERSE,
    /** Like an image: bicubic with antialiasing. */
    BICUBIC
}
