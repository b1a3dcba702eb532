package io.github.remoe.train;

import io.github.remoe.ReMoE;
import io.github.remoe.attack.ThreatModel;
import io.github.remoe.loss.RegionLosses;
import io.github.remoe.vit.Presets;
import io.github.remoe.vit.VisionTransformer;

import java.util.List;

/**
 * Everything that decides how a run comes out: the content of {@code config.json}.
 *
 * @param model a name of {@link Presets}
 * @param classes the names of the classes, in the order of the labels
 * @param remoe the settings of the ReMoE blocks, or null for a plain vision transformer
 * @param data {@code synthetic}, or the path of a dataset
 * @param samples how many training images are used; 0 means all
 * @param augment whether images are randomly cropped and flipped
 * @param scheme natural training or PGD adversarial training
 * @param regionLosses whether the loss is L_rob + lambda_align L_align, or plain cross-entropy
 * @param beta the weight of the clean term in L_rob where no region weight moves
 * @param lambdaAlign the weight of the alignment loss
 * @param epsilon the training attack's l-infinity radius, in pixel values of [0,1]
 * @param stepSize the length of its steps
 * @param attackSteps the number of its steps
 * @param epochs the passes over the training data
 * @param warmUpEpochs how many of them the learning rate rises
 * @param batchSize the images of a step
 * @param optimizer the optimizer
 * @param learningRate the learning rate after the warm-up
 * @param momentum the momentum of SGD; AdamW has its usual coefficients
 * @param weightDecay the weight decay
 * @param clipNorm the global norm that gradients are clipped to
 * @param milestones after which epochs the learning rate falls to a tenth
 * @param seed what initial weights, order, augmentation and attacks come from
 */
public record RunConfig(
        String model,
        List<String> classes,
        ReMoE remoe,
        String data,
        int samples,
        boolean augment,
        SchemeType scheme,
        boolean regionLosses,
        float beta,
        float lambdaAlign,
        float epsilon,
        float stepSize,
        int attackSteps,
        int epochs,
        int warmUpEpochs,
        int batchSize,
        OptimizerType optimizer,
        float learningRate,
        float momentum,
        float weightDecay,
        float clipNorm,
        List<Integer> milestones,
        long seed) {

    /** The training schemes. */
    public enum SchemeType {
        /** Natural training, {@link Nat}. */
        NAT,
        /** PGD adversarial training, {@link Sat}. */
        SAT
    }

    /** The optimizers. */
    public enum OptimizerType {
        /** The paper's, {@link TorchSgd}. */
        SGD,
        /** DJL's {@link ai.djl.training.optimizer.AdamW}, which learns faster in short runs. */
        ADAMW
    }

    /**
     * Checks what no part checks by itself when it is built.
     *
     * @throws IllegalArgumentException if a setting is missing, out of range or does not fit
     *     another
     */
    public RunConfig {
        requirePresent("model", model);
        requirePresent("classes", classes);
        requirePresent("data", data);
        requirePresent("scheme", scheme);
        requirePresent("optimizer", optimizer);
        requirePresent("milestones", milestones);
        require(epochs >= 1, "epochs must be at least 1, got %s.", epochs);
        require(batchSize >= 1, "batchSize must be at least 1, got %s.", batchSize);
        require(samples >= 0, "samples cannot be negative, got %s.", samples);
        require(
                warmUpEpochs >= 0 && warmUpEpochs <= epochs,
                "warmUpEpochs must be 0 to the %2$s epochs, got %1$s.",
                warmUpEpochs,
                epochs);
        require(
                learningRate > 0 && Float.isFinite(learningRate),
                "learningRate must be greater than 0, got %s.",
                learningRate);
        require(weightDecay >= 0, "weightDecay cannot be negative, got %s.", weightDecay);
        for (int milestone : milestones) {
            require(milestone >= 1, "A milestone comes after epoch 1 or later, got %s.", milestone);
        }
        require(clipNorm > 0, "clipNorm must be greater than 0, got %s.", clipNorm);
        require(
                !regionLosses || remoe != null && scheme == SchemeType.SAT,
                "The region losses need ReMoE blocks and the scheme SAT.");
    }

    /**
     * Builds the network.
     *
     * @return the network, not yet initialised
     */
    public VisionTransformer createModel() {
        VisionTransformer vit =
                Presets.builder(model).optNumClasses(classes.size()).build();
        if (remoe != null) {
            remoe.insertInto(vit);
        }
        return vit;
    }

    /**
     * Builds the training scheme.
     *
     * @return the scheme
     */
    public TrainingScheme createScheme() {
        if (scheme == SchemeType.NAT) {
            return new Nat();
        }
        return new Sat(
                Sat.attack(ThreatModel.linf(epsilon), stepSize, attackSteps),
                regionLosses ? new RegionLosses(true, beta, lambdaAlign) : RegionLosses.NONE);
    }

    private static void requirePresent(String name, Object value) {
        require(value != null, "%s is missing or unknown.", name);
    }

    private static void require(boolean condition, String message, Object... values) {
        if (!condition) {
            throw new IllegalArgumentException(String.format(message, values));
        }
    }
}
