package io.github.remoe.moe;

import java.util.Arrays;

/** The gates of the paper's comparison (table "Gating strategy comparison"). */
public enum GateType {
    /** Attention-guided expert activation, {@link AeaGate}. */
    AEA,
    /** A learned scorer, {@link MlpGate}. */
    MLP,
    /** Every region alike, {@link UniformGate}. */
    UNIFORM;

    /**
     * Returns the type of a gate.
     *
     * @param gate the gate
     * @return its type
     * @throws IllegalArgumentException if it is a gate of the caller's own
     */
    public static GateType of(Gate gate) {
        if (gate instanceof AeaGate) {
            return AEA;
        }
        if (gate instanceof MlpGate) {
            return MLP;
        }
        if (gate instanceof UniformGate) {
            return UNIFORM;
        }
        throw new IllegalArgumentException(String.format(
                "%s is none of the gates that have a type: %s.",
                gate.getClass().getName(), Arrays.toString(values())));
    }

    Gate create(RegionGrid grid, int prefixTokens, float bottleneckRatio) {
        return switch (this) {
            case AEA -> new AeaGate(grid, prefixTokens);
            case MLP -> new MlpGate(grid, prefixTokens, bottleneckRatio);
            case UNIFORM -> new UniformGate(grid);
        };
    }
}
