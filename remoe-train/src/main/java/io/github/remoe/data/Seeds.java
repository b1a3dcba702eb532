package io.github.remoe.data;

import java.util.SplittableRandom;

/** Makes one random seed out of several numbers. */
public final class Seeds {

    private Seeds() {}

    /**
     * Returns a seed for one purpose, unrelated to those for others from the same numbers.
     *
     * @param purpose what the random choices are for
     * @param numbers the numbers, as for {@link #of(long...)}
     * @return the seed
     */
    public static long of(String purpose, long... numbers) {
        return stir(of(numbers) + purpose.hashCode());
    }

    /**
     * Returns a seed that depends on every one of the numbers and on their order.
     *
     * <p>Numbers that count up (epochs, indices) give unrelated seeds: each is stirred by the
     * finalizer of MurmurHash3 before the next is added.
     *
     * @param numbers the numbers, such as a run's seed, an epoch and an image's index
     * @return the seed
     */
    public static long of(long... numbers) {
        long state = 0;
        for (long number : numbers) {
            state = stir(state + number + 0x9E3779B97F4A7C15L);
        }
        return state;
    }

    /** Returns a generator with the seed of these numbers. */
    static SplittableRandom random(long... numbers) {
        return new SplittableRandom(of(numbers));
    }

    private static long stir(long z) {
        z = (z ^ (z >>> 33)) * 0xFF51AFD7ED558CCDL;
        z = (z ^ (z >>> 33)) * 0xC4CEB9FE1A85EC53L;
        return z ^ (z >>> 33);
    }
}
