package io.github.remoe.weights;

import com.sun.management.ThreadMXBean;

import java.lang.management.ManagementFactory;

/** What this thread takes from the heap, garbage included. */
final class Allocated {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Allocated() {}

    static long bytes(Runnable work) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        work.run();
        return THREADS.getCurrentThreadAllocatedBytes() - before;
    }
}
