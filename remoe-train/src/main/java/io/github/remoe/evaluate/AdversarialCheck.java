package io.github.remoe.evaluate;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.attack.ThreatModel;

import java.util.Optional;

/** Checks that adversarial images are what a threat model allows. */
final class AdversarialCheck {

    private AdversarialCheck() {}

    /**
     * Looks for what is not allowed.
     *
     * @param threatModel what is
     * @param adversarial (B,C,h,w)
     * @param images the clean images (B,C,h,w)
     * @param indices the images' indices, for the message
     * @return what is wrong, if anything is
     */
    static Optional<String> violation(
            ThreatModel threatModel, NDArray adversarial, NDArray images, long[] indices) {
        if (!adversarial.getShape().equals(images.getShape())
                || adversarial.getDataType() != images.getDataType()) {
            return Optional.of(String.format(
                    "images %s of %s, expected %s of %s",
                    adversarial.getShape(),
                    adversarial.getDataType(),
                    images.getShape(),
                    images.getDataType()));
        }
        try (NDScope scope = new NDScope()) {
            scope.suppressNotUsedWarning();
            NDArray pixels = adversarial
                    .toType(DataType.FLOAT32, false)
                    .reshape(adversarial.getShape().get(0), -1);
            float[] smallest = pixels.min(new int[] {1}).toFloatArray();
            float[] largest = pixels.max(new int[] {1}).toFloatArray();
            float[] distances = threatModel
                    .distance(adversarial, images)
                    .toType(DataType.FLOAT32, false)
                    .toFloatArray();
            float epsilon = threatModel.epsilon();
            float range = threatModel.pixelMax() - threatModel.pixelMin();
            float tolerance = ThreatModel.TOLERANCE * Math.max(range, epsilon);
            for (int i = 0; i < indices.length; i++) {
                // Turned round, because every comparison with NaN is false.
                if (!(smallest[i] >= threatModel.pixelMin()
                        && largest[i] <= threatModel.pixelMax())) {
                    return Optional.of(String.format(
                            "pixel values from %s to %s for image %d, expected %s to %s",
                            smallest[i],
                            largest[i],
                            indices[i],
                            threatModel.pixelMin(),
                            threatModel.pixelMax()));
                }
                if (!(distances[i] <= epsilon + tolerance)) {
                    return Optional.of(String.format(
                            "an image at %s distance %s from image %d, expected at most %s",
                            threatModel.norm(), distances[i], indices[i], epsilon));
                }
            }
        }
        return Optional.empty();
    }
}
