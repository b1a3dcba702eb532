package io.github.remoe.benchmark;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;

import java.io.Reader;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The operations of a trace that PyTorch's profiler wrote, in Chrome's trace event format.
 *
 * <p>Operations call others: on one thread, what begins and ends within another is part of it. The
 * time of an operation itself is its duration without its parts.
 *
 * @param operations by the time of themselves, the longest first
 * @param seconds how long any operation was running, on whatever thread
 */
record OperationTrace(List<Operation> operations, double seconds) {

    /**
     * All calls of one operation.
     *
     * @param name PyTorch's name
     * @param calls how many there were
     * @param selfSeconds the sum of their times without the operations that they call
     */
    record Operation(String name, int calls, double selfSeconds) {}

    /** The fields are those of the format: microseconds. */
    private record Event(String name, String ph, double ts, double dur, String tid) {

        double end() {
            return ts + dur;
        }
    }

    /**
     * Reads a trace.
     *
     * @param json a list of events; those that are no complete ones (phase X) are passed over
     * @return its operations
     * @throws JsonParseException if it is something else
     */
    static OperationTrace read(Reader json) {
        Event[] events = new Gson().fromJson(json, Event[].class);
        Map<String, List<Event>> threads = new TreeMap<>();
        // What contains others comes before them.
        Arrays.stream(events)
                .filter(event -> event.ph().equals("X"))
                .sorted(Comparator.comparingDouble(Event::ts)
                        .thenComparing(Comparator.comparingDouble(Event::dur).reversed()))
                .forEach(event -> threads.computeIfAbsent(event.tid(), tid -> new ArrayList<>())
                        .add(event));
        Map<String, Operation> operations = new HashMap<>();
        List<Event> outermost = new ArrayList<>();
        threads.values().forEach(thread -> outermost.addAll(addOperations(thread, operations)));
        return new OperationTrace(
                operations.values().stream()
                        .sorted(Comparator.comparingDouble(Operation::selfSeconds)
                                .reversed()
                                .thenComparing(Operation::name))
                        .toList(),
                union(outermost));
    }

    /** Adds up one thread and returns what no other operation called. */
    private static List<Event> addOperations(
            List<Event> events, Map<String, Operation> operations) {
        List<Event> outermost = new ArrayList<>();
        Deque<Event> running = new ArrayDeque<>();
        for (Event event : events) {
            while (!running.isEmpty() && running.peek().end() <= event.ts()) {
                running.pop();
            }
            Event caller = running.peek();
            if (caller == null) {
                outermost.add(event);
            } else {
                double within = Math.min(event.end(), caller.end()) - event.ts();
                add(operations, new Operation(caller.name(), 0, -within / 1e6));
            }
            add(operations, new Operation(event.name(), 1, event.dur() / 1e6));
            running.push(event);
        }
        return outermost;
    }

    private static void add(Map<String, Operation> operations, Operation operation) {
        operations.merge(
                operation.name(),
                operation,
                (a, b) -> new Operation(
                        a.name(), a.calls() + b.calls(), a.selfSeconds() + b.selfSeconds()));
    }

    /** What several threads do at once counts once. */
    private static double union(List<Event> events) {
        double microseconds = 0;
        double end = Double.NEGATIVE_INFINITY;
        for (Event event :
                events.stream().sorted(Comparator.comparingDouble(Event::ts)).toList()) {
            microseconds += Math.max(0, event.end() - Math.max(end, event.ts()));
            end = Math.max(end, event.end());
        }
        return microseconds / 1e6;
    }
}
