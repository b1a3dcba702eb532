package io.github.remoe;

import ai.djl.nn.Block;
import ai.djl.nn.Parameter;

import io.github.remoe.moe.ReMoEBlock;
import io.github.remoe.vit.EncoderBlock;
import io.github.remoe.vit.VisionTransformer;

import java.util.ArrayList;
import java.util.List;

/**
 * The parameters and multiply-adds of a {@link VisionTransformer}, part by part.
 *
 * <p>Multiply-adds are those of one image: every product of a weight with an activation, and the two
 * attention products. Biases, norms, activation functions and softmax are not counted, as usual;
 * neither is the moving of tokens by P2R and R2P, nor the averaging in a gate. Regional experts count
 * in full whatever top-k is, since they all run. So do the patches of the last layer, as the
 * literature counts them, though a network with a class token does not compute them: see {@link
 * #unreadMacs}.
 *
 * @param parameters the trainable parameters
 * @param macs the multiply-adds of one image
 * @param parts the parts in the order in which they run
 */
public record ModelSummary(long parameters, long macs, List<Part> parts) {

    /**
     * One part of a network.
     *
     * @param name what it is
     * @param parameters its trainable parameters
     * @param macs its multiply-adds for one image
     */
    public record Part(String name, long parameters, long macs) {}

    /**
     * Counts a network.
     *
     * @param vit an initialised network
     * @return the counts
     */
    public static ModelSummary of(VisionTransformer vit) {
        long patches = (long) vit.getGridSize() * vit.getGridSize();
        long tokens = vit.getPrefixTokens() + patches;
        List<Part> parts = new ArrayList<>();
        parts.add(new Part(
                "embedding",
                count(vit.getDirectParameters().values())
                        + count(vit.getPatchEmbed().getParameters().values()),
                weights(vit.getPatchEmbed()) * patches));
        int layer = 0;
        for (EncoderBlock block : vit.getBlocks()) {
            layer++;
            Block feedForward = block.getFeedForward();
            long attention = 2 * tokens * tokens * vit.getEmbedDim();
            long macs = weights(block.getSelfAttention()) * tokens + attention;
            macs += feedForwardMacs(feedForward, tokens);
            String name = "layer " + layer + (feedForward instanceof ReMoEBlock ? ", ReMoE" : "");
            parts.add(new Part(name, count(block.getParameters().values()), macs));
        }
        long counted = parts.stream().mapToLong(Part::parameters).sum();
        long all = count(vit.getParameters().values());
        long headMacs =
                (long) vit.getEmbedDim() * vit.getNumClasses() * Math.max(1, vit.getPrefixTokens());
        parts.add(new Part("norm and head", all - counted, headMacs));
        return new ModelSummary(
                all, parts.stream().mapToLong(Part::macs).sum(), List.copyOf(parts));
    }

    /**
     * Counts the multiply-adds of {@link #macs()} that are not done. Nothing reads the patches of a
     * last layer without ReMoE block if there is a class token: they give keys and values, but do not
     * attend, and go through neither the projection behind the attention nor the feed-forward network.
     *
     * @param vit an initialised network
     * @return the multiply-adds of one image; 0 if all that is counted is done
     */
    public static long unreadMacs(VisionTransformer vit) {
        Block feedForward = vit.getBlocks().get(vit.getBlocks().size() - 1).getFeedForward();
        if (!vit.hasClassToken() || feedForward instanceof ReMoEBlock) {
            return 0;
        }
        long patches = (long) vit.getGridSize() * vit.getGridSize();
        long tokens = vit.getPrefixTokens() + patches;
        long width = vit.getEmbedDim();
        long attention = 2 * tokens * width;
        return patches * (attention + width * width + weights(feedForward));
    }

    private static long feedForwardMacs(Block feedForward, long tokens) {
        if (!(feedForward instanceof ReMoEBlock remoe)) {
            return feedForward == null ? 0 : weights(feedForward) * tokens;
        }
        long macs = feedForwardMacs(remoe.getGlobalExpert(), tokens);
        // A gate with weights of its own sees one descriptor a region.
        macs += weights(remoe.getGate()) * remoe.getGrid().size();
        if (remoe.getCenterExpert() != null) {
            macs += weights(remoe.getCenterExpert()) * remoe.getGrid().center().size();
        }
        if (remoe.getRegionalExperts() != null) {
            // Each patch goes through one of the K stacked experts.
            macs += weights(remoe.getRegionalExperts())
                    / remoe.getGrid().size()
                    * remoe.getGrid().patches();
        }
        return macs;
    }

    private static long weights(Block block) {
        return block.getParameters().values().stream()
                .filter(parameter -> parameter.getType() == Parameter.Type.WEIGHT)
                .mapToLong(parameter -> parameter.getShape().size())
                .sum();
    }

    private static long count(List<Parameter> parameters) {
        return parameters.stream()
                .filter(Parameter::requiresGradient)
                .mapToLong(parameter -> parameter.getShape().size())
                .sum();
    }
}
