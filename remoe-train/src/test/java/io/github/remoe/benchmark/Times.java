package io.github.remoe.benchmark;

import java.util.Collection;
import java.util.List;

/** How long work takes. */
final class Times {

    private Times() {}

    /** A piece of work that may fail. */
    @FunctionalInterface
    interface Work {

        void run() throws Exception;
    }

    static double seconds(Work work) throws Exception {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }

    static double median(Collection<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int last = sorted.size() - 1;
        return (sorted.get(last / 2) + sorted.get((last + 1) / 2)) / 2;
    }
}
