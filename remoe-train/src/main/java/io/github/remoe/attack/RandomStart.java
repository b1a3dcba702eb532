package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

import java.util.SplittableRandom;

/** Random perturbations to start from, drawn from one seed an image. */
final class RandomStart {

    private RandomStart() {}

    /**
     * Returns images moved by uniform noise from the l-infinity ball.
     *
     * @param images (B,3,h,w)
     * @param epsilon the radius of the ball
     * @param seeds one seed an image
     * @param restart the number of the restart, which changes the noise
     * @return (B,3,h,w), not yet clipped to [0,1]
     */
    static NDArray uniform(NDArray images, float epsilon, long[] seeds, int restart) {
        Shape shape = images.getShape();
        int size = Math.toIntExact(shape.size() / shape.get(0));
        float[] noise = new float[size * seeds.length];
        for (int i = 0; i < seeds.length; i++) {
            SplittableRandom random = new SplittableRandom(seeds[i]);
            for (int skipped = 0; skipped < restart; skipped++) {
                random = random.split();
            }
            for (int j = 0; j < size; j++) {
                noise[i * size + j] = (float) (epsilon * (2 * random.nextDouble() - 1));
            }
        }
        return images.getManager().create(noise, shape).addi(images);
    }
}
