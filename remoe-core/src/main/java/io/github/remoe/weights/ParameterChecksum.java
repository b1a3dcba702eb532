package io.github.remoe.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.nn.Block;
import ai.djl.nn.Parameter;
import ai.djl.util.Pair;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;

/** Names a network's parameters for good: equal networks, and only they, have the same checksum. */
public final class ParameterChecksum {

    private ParameterChecksum() {}

    /**
     * Computes the SHA-256 of the names, types, shapes and bytes of all parameters, in the order in
     * which the block lists them.
     *
     * @param block an initialised block
     * @return 64 hexadecimal digits
     * @throws IllegalArgumentException if the block has no parameters: then there is nothing to tell
     *     it by
     */
    public static String of(Block block) {
        if (block.getParameters().isEmpty()) {
            throw new IllegalArgumentException(
                    "The model has no parameters, so there is no checksum to tell it by. Give it a"
                            + " name of your own.");
        }
        MessageDigest digest = Sha256.start();
        for (Pair<String, Parameter> parameter : block.getParameters()) {
            NDArray array = parameter.getValue().getArray();
            String title = String.format(
                    "%s %s %s\n", parameter.getKey(), array.getDataType(), array.getShape());
            digest.update(title.getBytes(StandardCharsets.UTF_8));
            digest.update(array.toByteBuffer());
        }
        return Sha256.end(digest);
    }
}
