package io.github.remoe.attack;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;

import io.github.remoe.data.Seeds;
import io.github.remoe.loss.CrossEntropy;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** Targets that are found among the classes other than the true one. */
public enum OtherClass implements TargetClass {

    /** Any of them, each as likely, by the image's seed. */
    RANDOM {
        @Override
        int choose(float[] logits, int label, long seed) {
            int other = new SplittableRandom(Seeds.of("target", seed)).nextInt(logits.length - 1);
            return other < label ? other : other + 1;
        }
    },

    /** The one with the smallest logit on the clean image (Kurakin et al. 2017). */
    LEAST_LIKELY {
        @Override
        int choose(float[] logits, int label, long seed) {
            int least = label == 0 ? 1 : 0;
            for (int i = 0; i < logits.length; i++) {
                if (i != label && logits[i] < logits[least]) {
                    least = i;
                }
            }
            return least;
        }
    },

    /** The one with the largest logit on the clean image. */
    MOST_LIKELY {
        @Override
        int choose(float[] logits, int label, long seed) {
            int most = label == 0 ? 1 : 0;
            for (int i = 0; i < logits.length; i++) {
                if (i != label && logits[i] > logits[most]) {
                    most = i;
                }
            }
            return most;
        }
    };

    /** Chooses for one image; among equal logits the first class. */
    abstract int choose(float[] logits, int label, long seed);

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if there is but one class, or a label is no class
     */
    @Override
    public NDArray choose(NDArray logits, NDArray labels, long[] seeds) {
        int classes = Math.toIntExact(logits.getShape().get(1));
        if (classes < 2) {
            throw new IllegalArgumentException(
                    "The model has one class, so there is no other to reach.");
        }
        long[] truth = CrossEntropy.classes(logits, labels).toLongArray();
        float[] values = logits.toType(DataType.FLOAT32, false).toFloatArray();
        long[] targets = new long[truth.length];
        for (int i = 0; i < targets.length; i++) {
            float[] own = Arrays.copyOfRange(values, i * classes, (i + 1) * classes);
            targets[i] = choose(own, Math.toIntExact(truth[i]), seeds[i]);
        }
        return logits.getManager().create(targets);
    }

    /** Returns the name that command lines use. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
