package io.github.remoe.moe;

/** The gates of the paper's comparison (table "Gating strategy comparison"). */
public enum GateType {
    /** Attention-guided expert activation, {@link AeaGate}. */
    AEA,
    /** A learned scorer, {@link MlpGate}. */
    MLP,
    /** Every region alike, {@link UniformGate}. */
    UNIFORM;

    Gate create(RegionGrid grid, int prefixTokens, float bottleneckRatio) {
        return switch (this) {
            case AEA -> new AeaGate(grid, prefixTokens);
            case MLP -> new MlpGate(grid, prefixTokens, bottleneckRatio);
            case UNIFORM -> new UniformGate(grid);
        };
    }
}
