package io.github.remoe.weights;

import com.sun.management.ThreadMXBean;

import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;

/**
 * What this thread takes from the heap, garbage included, and what direct memory there is more of
 * afterwards. What the engine takes for its arrays is not seen.
 */
final class Allocated {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final BufferPoolMXBean DIRECT =
            ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                    .filter(pool -> pool.getName().equals("direct"))
                    .findAny()
                    .orElseThrow();

    private Allocated() {}

    static long bytes(Runnable work) {
        long direct = DIRECT.getMemoryUsed();
        long heap = THREADS.getCurrentThreadAllocatedBytes();
        work.run();
        return THREADS.getCurrentThreadAllocatedBytes()
                - heap
                + Math.max(0, DIRECT.getMemoryUsed() - direct);
    }
}
