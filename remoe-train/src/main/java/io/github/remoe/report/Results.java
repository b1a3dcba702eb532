package io.github.remoe.report;

import io.github.remoe.evaluate.RobustAccuracy;

import java.util.List;

/**
 * The content of {@code results.json}.
 *
 * @param model the preset
 * @param remoe whether it has ReMoE blocks
 * @param parameters the trainable parameters
 * @param macs the multiply-adds of one image
 * @param data where the test images came from
 * @param epsilon the attacks' l-infinity radius, in pixel values of [0,1]
 * @param seed the seed of the choice of images and of the attacks
 * @param epoch the epoch that the parameters were saved in
 * @param seconds how long the evaluation took
 * @param accuracies clean accuracy, then one for each attack
 */
public record Results(
        String model,
        boolean remoe,
        long parameters,
        long macs,
        String data,
        float epsilon,
        long seed,
        int epoch,
        double seconds,
        List<RobustAccuracy> accuracies) {}
