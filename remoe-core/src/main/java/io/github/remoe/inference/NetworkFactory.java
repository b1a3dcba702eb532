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
     * @param arguments the model loading arguments; with {@link ClassificationTranslatorFactory} for
     *     {@code translatorFactory}, the names of the classes are checked too
     * @return a {@link VisionTransformer}, not yet initialised
     * @throws IOException if the folder lacks the description, the weights or the names, they cannot be
     *     read, or do not fit each other; the message says what is wrong
     */
    @Override
    public Block newBlock(Model model, Path modelPath, Map<String, ?> arguments)
            throws IOException {
        ModelFolder.checkParameters(modelPath, model.getName());
        VisionTransformer vit = ModelFolder.createNetwork(modelPath);
        if (ClassificationTranslatorFactory.class
                .getName()
                .equals(arguments.get(ModelFolder.TRANSLATOR_FACTORY))) {
            // The translator comes after the weights, and DJL would not let go of them again.
            ModelFolder.checkClassNames(modelPath, vit);
        }
        return vit;
    }
}
