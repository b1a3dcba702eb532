package io.github.remoe.data;

import java.util.SplittableRandom;

/** Makes one random generator out of several numbers. */
final class Seeds {

    private Seeds() {}

    /**
     * Returns a generator that depends on every one of the numbers and on their order.
     *
     * <p>Numbers that count up (epochs, indices) give unrelated generators: each is stirred by the
     * finalizer of MurmurHash3 before the next is added.
     */
    static SplittableRandom random(long... numbers) {
        long state = 0;
        for (long number : numbers) {
            state = stir(state + number + 0x9E3779B97F4A7C15L);
        }
        return new SplittableRandom(state);
    }

    private static long stir(long z) {
        z = (z ^ (z >>> 33)) * 0xFF51AFD7ED558CCDL;
        z = (z ^ (z >>> 33)) * 0xC4CEB9FE1A85EC53L;
        return z ^ (z >>> 33);
    }
}
