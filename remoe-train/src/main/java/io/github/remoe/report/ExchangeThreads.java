package io.github.remoe.report;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * A few threads in which the JDK's HTTP server reads requests and answers them. One that takes too long
 * is interrupted, which closes its connection: who sends half a request, or does not read the answer,
 * does not keep others waiting for ever.
 *
 * <p>The server has time limits of its own, but only as system properties for all servers of a process.
 */
final class ExchangeThreads implements Executor, AutoCloseable {

    private static final Logger LOGGER = LoggerFactory.getLogger(ExchangeThreads.class);

    private static final int THREADS = 16;
    // A thread is only given a request whose first bytes have come.
    private static final Duration READ = Duration.ofSeconds(2);
    private static final long CHECK_MILLIS = 100;

    private final Map<Thread, Long> deadlines = new ConcurrentHashMap<>();
    // What waits are connections, of which the system allows so many.
    private final ExecutorService threads =
            Executors.newFixedThreadPool(THREADS, daemons("live report"));
    private final ScheduledExecutorService clock =
            Executors.newSingleThreadScheduledExecutor(daemons("live report, time limits"));

    ExchangeThreads() {
        clock.scheduleWithFixedDelay(
                this::interruptSlowOnes, CHECK_MILLIS, CHECK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static ThreadFactory daemons(String name) {
        return work -> {
            Thread thread = new Thread(work, name);
            thread.setDaemon(true);
            return thread;
        };
    }

    @Override
    public void execute(Runnable exchange) {
        threads.execute(() -> {
            limit(READ);
            try {
                exchange.run();
            } catch (Throwable e) {
                // The server itself catches exceptions only.
                LOGGER.debug("A request cannot be answered", e);
            } finally {
                deadlines.remove(Thread.currentThread());
            }
        });
    }

    /** Gives the exchange of this thread so much time from now on. */
    void limit(Duration time) {
        deadlines.put(Thread.currentThread(), System.nanoTime() + time.toNanos());
    }

    private void interruptSlowOnes() {
        for (Thread slow : deadlines.keySet()) {
            // In one step with the look, so that it is not the thread's next exchange that is met.
            deadlines.computeIfPresent(slow, (thread, deadline) -> {
                if (System.nanoTime() - deadline > 0) {
                    thread.interrupt();
                }
                return deadline;
            });
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
        clock.shutdownNow();
    }
}
