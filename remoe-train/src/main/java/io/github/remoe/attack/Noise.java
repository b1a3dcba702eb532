package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;

import io.github.remoe.data.Seeds;

import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Random numbers for images, drawn from one seed an image, so that an image's numbers depend neither
 * on its batch nor on the device.
 */
final class Noise {

    private Noise() {}

    /**
     * Returns the generator of one image.
     *
     * @param seed the image's seed
     * @param restart the number of the restart, each of which has numbers of its own
     * @return the generator
     */
    static SplittableRandom random(long seed, int restart) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int skipped = 0; skipped < restart; skipped++) {
            random = random.split();
        }
        return random;
    }

    /**
     * Returns numbers spread evenly over -1 to 1.
     *
     * @param images (B,C,h,w), which gives shape, type and manager
     * @param seeds one seed an image
     * @param restart the number of the restart
     * @return (B,C,h,w)
     */
    static NDArray uniform(NDArray images, long[] seeds, int restart) {
        return draw(images, seeds, restart, random -> 2 * random.nextDouble() - 1);
    }

    /**
     * Returns standard normal numbers.
     *
     * @param images (B,C,h,w), which gives shape, type and manager
     * @param seeds one seed an image
     * @param restart the number of the restart
     * @return (B,C,h,w)
     */
    static NDArray gaussian(NDArray images, long[] seeds, int restart) {
        return draw(images, seeds, restart, Noise::nextGaussian);
    }

    /**
     * Returns a point drawn evenly from each image's ball, clipped to the pixel range.
     *
     * @param threat the balls
     * @param images their centres (B,C,h,w)
     * @param seeds one seed an image
     * @param restart the number of the restart
     * @return (B,C,h,w)
     */
    static NDArray inBall(ThreatModel threat, NDArray images, long[] seeds, int restart) {
        NDArray offset = switch (threat.norm()) {
            case LINF -> uniform(images, seeds, restart).muli(threat.epsilon());
            case L2 -> {
                NDArray direction = gaussian(images, seeds, restart);
                direction.divi(threat.norm().perPixel(direction));
                yield direction.muli(radii(threat, images, seeds, restart));
            }
        };
        return threat.clip(offset.addi(images));
    }

    /** The volume within radius r grows with the power of the number of pixel values. */
    private static NDArray radii(ThreatModel threat, NDArray images, long[] seeds, int restart) {
        double size = images.getShape().slice(1).size();
        float[] radii = new float[seeds.length];
        for (int i = 0; i < seeds.length; i++) {
            // Numbers of their own: they must tell nothing of the direction, here or in a restart.
            double volume =
                    new SplittableRandom(Seeds.of("radius", seeds[i], restart)).nextDouble();
            radii[i] = (float) (threat.epsilon() * StrictMath.pow(volume, 1 / size));
        }
        return images.getManager()
                .create(radii, new Shape(seeds.length, 1, 1, 1))
                .toType(images.getDataType(), false);
    }

    private static NDArray draw(
            NDArray images,
            long[] seeds,
            int restart,
            ToDoubleFunction<SplittableRandom> distribution) {
        Shape shape = images.getShape();
        int size = Math.toIntExact(shape.slice(1).size());
        float[] noise = new float[size * seeds.length];
        // In parallel: Gaussian numbers for a batch of 224 x 224 pixels take most of a second.
        IntStream.range(0, seeds.length).parallel().forEach(i -> {
            SplittableRandom random = random(seeds[i], restart);
            for (int j = 0; j < size; j++) {
                noise[i * size + j] = (float) distribution.applyAsDouble(random);
            }
        });
        return images.getManager().create(noise, shape).toType(images.getDataType(), false);
    }

    /** By Box and Muller: Java's own nextGaussian may change from version to version. */
    private static double nextGaussian(SplittableRandom random) {
        double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - random.nextDouble()));
        return radius * StrictMath.cos(2 * Math.PI * random.nextDouble());
    }
}
