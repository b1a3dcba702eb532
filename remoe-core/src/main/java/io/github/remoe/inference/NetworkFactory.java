package io.github.remoe.inference;

import ai.djl.Model;
import ai.djl.nn.Block;
import ai.djl.nn.BlockFactory;

import io.github.remoe.vit.VisionTransformer;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Builds the network of a {@link ModelFolder} for DJL, which finds this class by its name in the
 * folder's {@code serving.properties}.
 */
public final class NetworkFactory implements BlockFactory {

    private static final long serialVersionUID = 1L;

    /**
     * Builds the network of {@code network.json}.
     *
     * @param model the model that gets it; its name must be that of weights in the folder
     * @param modelPath the folder
     * @param arguments the model loading arguments, which are not looked at
     * @return a {@link VisionTransformer}, not yet initialised
     * @throws IOException if the folder lacks the description or the weights, or they cannot be read;
     *     the message says what is wrong
     */
    @Override
    public Block newBlock(Model model, Path modelPath, Map<String, ?> arguments)
            throws IOException {
        ModelFolder.checkParameters(modelPath, model.getName());
        return ModelFolder.readNetwork(modelPath).createNetwork();
    }
}
