package io.github.remoe.experiment;

/** The paper's networks, at CIFAR's size. */
public enum Backbone {
    /** ViT-S. */
    VIT_S("ViT-S", "vit_small_patch4_32"),
    /** DeiT-S. */
    DEIT_S("DeiT-S", "deit_small_patch4_32"),
    /** DeiT-T. */
    DEIT_T("DeiT-T", "deit_tiny_patch4_32");

    private final String label;
    private final String model;

    Backbone(String label, String model) {
        this.label = label;
        this.model = model;
    }

    /**
     * Returns the paper's name.
     *
     * @return the name, such as {@code DeiT-S}
     */
    public String label() {
        return label;
    }

    /**
     * Returns the name of the preset.
     *
     * @return one of {@link io.github.remoe.vit.Presets#names()}
     */
    public String model() {
        return model;
    }
}
