package io.github.remoe.examples;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.attack.Attack;
import io.github.remoe.attack.Rows;
import io.github.remoe.attack.TargetModel;
import io.github.remoe.attack.ThreatModel;

import java.util.SplittableRandom;

/**
 * An attack of one's own, which needs no gradients: random corners of the ball, the latest that is
 * misclassified.
 *
 * @param threatModel what it may do to an image
 * @param tries how many corners it tries
 */
public record RandomSigns(ThreatModel threatModel, int tries) implements Attack {

    /** {@inheritDoc} */
    @Override
    public NDArray perturb(TargetModel model, NDArray images, NDArray labels, long[] seeds) {
        NDArray adversarial = images.duplicate();
        for (int i = 0; i < tries; i++) {
            NDArray better;
            try (NDScope scope = new NDScope()) { // closes what a try makes
                scope.suppressNotUsedWarning();
                NDArray candidate =
                        threatModel.project(images.add(signs(images, seeds, i)), images);
                NDArray wrong = model.predict(candidate)
                        .head()
                        .argMax(1)
                        .neq(labels.toType(DataType.INT64, false));
                better = Rows.where(wrong, candidate, adversarial);
                NDScope.unregister(better);
            }
            NDScope.register(better);
            adversarial.close();
            adversarial = better;
        }
        return adversarial;
    }

    /** Plus or minus epsilon for each pixel value, from an image's own seed. */
    private NDArray signs(NDArray images, long[] seeds, int number) {
        int size = (int) images.getShape().slice(1).size();
        float[] signs = new float[seeds.length * size];
        for (int row = 0; row < seeds.length; row++) {
            SplittableRandom random = new SplittableRandom(seeds[row] + number);
            for (int i = 0; i < size; i++) {
                signs[row * size + i] =
                        random.nextBoolean() ? threatModel.epsilon() : -threatModel.epsilon();
            }
        }
        return images.getManager().create(signs, images.getShape());
    }
}
