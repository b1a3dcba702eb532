package io.github.remoe.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonParseException;

import io.github.remoe.benchmark.OperationTrace.Operation;

import org.junit.jupiter.api.Test;

import java.io.StringReader;
import java.util.List;
import java.util.Locale;

class OperationTraceTest {

    @Test
    void operationsHaveTheTimeThatTheirPartsDoNotTake() {
        // linear 0 ... 100 calls t 0 ... 10 and addmm 10 ... 90, which calls copy_ 20 ... 50.
        OperationTrace trace = read(
                event("copy_", 1, 20, 30),
                event("t", 1, 0, 10),
                event("addmm", 1, 10, 80),
                event("linear", 1, 0, 100),
                event("t", 1, 100, 5));

        assertThat(trace.operations())
                .extracting(Operation::name)
                .containsExactly("addmm", "copy_", "t", "linear");
        assertThat(trace.operations()).extracting(Operation::calls).containsExactly(1, 1, 2, 1);
        assertThat(micros(trace)).containsExactly(50L, 30L, 15L, 10L);
        assertThat(trace.seconds()).isCloseTo(105e-6, within(1e-12));
    }

    @Test
    void anOperationMayCallItself() {
        OperationTrace trace = read(event("to", 1, 0, 10), event("to", 1, 2, 4));

        assertThat(trace.operations())
                .singleElement()
                .extracting(Operation::calls)
                .isEqualTo(2);
        assertThat(micros(trace)).containsExactly(10L);
    }

    @Test
    void gapsAreNotCountedAndSeveralThreadsCountOnce() {
        // 0 ... 10 and 30 ... 40 on one thread, 5 ... 20 on another: 30 of 40 microseconds.
        OperationTrace trace =
                read(event("a", 1, 30, 10), event("a", 1, 0, 10), event("b", 2, 5, 15));

        assertThat(trace.seconds()).isCloseTo(30e-6, within(1e-12));
        assertThat(micros(trace)).containsExactly(20L, 15L);
    }

    @Test
    void otherEventsArePassedOver() {
        OperationTrace trace = read(
                event("a", 1, 0, 10),
                "{\"name\":\"a\",\"ph\":\"s\",\"ts\":1.0,\"tid\":1,\"id\":3}",
                "{\"name\":\"process_name\",\"ph\":\"M\",\"args\":{\"name\":\"cpu\"}}");

        assertThat(trace.operations())
                .singleElement()
                .extracting(Operation::calls)
                .isEqualTo(1);
    }

    @Test
    void whatIsNoTraceIsRefused() {
        assertThatThrownBy(() -> OperationTrace.read(new StringReader("{\"traceEvents\":1}")))
                .isInstanceOf(JsonParseException.class);
    }

    private static List<Long> micros(OperationTrace trace) {
        return trace.operations().stream()
                .map(operation -> Math.round(operation.selfSeconds() * 1e6))
                .toList();
    }

    private static OperationTrace read(String... events) {
        return OperationTrace.read(new StringReader("[" + String.join(",", events) + "]"));
    }

    private static String event(String name, int thread, double start, double duration) {
        return String.format(
                Locale.ROOT,
                "{\"name\":\"%s\",\"ph\":\"X\",\"ts\":%f,\"dur\":%f,\"tid\":%d,"
                        + "\"pid\":\"CPU Functions\",\"shape\":[],\"args\":{}}",
                name,
                start,
                duration,
                thread);
    }
}
