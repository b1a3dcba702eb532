package io.github.remoe.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A worker in a process of its own, which is asked and answers. */
final class WorkerProcess implements AutoCloseable {

    // For both sides alike, as in bin/remoe: the C library on Linux keeps what is freed, and so an
    // array does not get new pages, at a microsecond and more each, where an old one was.
    private static final Map<String, String> ALLOCATOR = Map.of(
            "MALLOC_ARENA_MAX", "1",
            "MALLOC_MMAP_THRESHOLD_", "33554432",
            "MALLOC_TRIM_THRESHOLD_", "8589934592",
            "GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");

    private static final int KEPT_LINES = 20;
    private static final int SECONDS_TO_END = 10;

    private final String name;
    private final Process process;
    private final BufferedWriter requests;
    private final BufferedReader answers;
    private final Thread reader;
    private final Deque<String> lastLines = new ArrayDeque<>();

    /**
     * Starts a worker.
     *
     * @param name what messages call it
     * @param command the program and its arguments
     * @param threads the threads of its native libraries
     */
    WorkerProcess(String name, List<String> command, int threads) throws IOException {
        this.name = name;
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("OMP_NUM_THREADS", String.valueOf(threads));
        builder.environment().put("MKL_NUM_THREADS", String.valueOf(threads));
        ALLOCATOR.forEach(builder.environment()::putIfAbsent);
        process = builder.start();
        requests = process.outputWriter(StandardCharsets.UTF_8);
        answers = process.inputReader(StandardCharsets.UTF_8);
        reader = new Thread(this::readMessages, name + "-messages");
        reader.setDaemon(true);
        reader.start();
    }

    /** The command of a {@link Worker} on this Java and class path. */
    static List<String> ours() {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        return List.of(
                java,
                "--enable-native-access=ALL-UNNAMED",
                // As in .mvn/jvm.config: Java's own heap is small, and all cores are PyTorch's.
                "-XX:+UseSerialGC",
                "-Xmn32m",
                "-cp",
                classPath(),
                Worker.class.getName());
    }

    /** Within Maven, a class loader has the class path; otherwise Java itself. */
    private static String classPath() {
        if (!(Worker.class.getClassLoader() instanceof URLClassLoader loader)) {
            return System.getProperty("java.class.path");
        }
        List<String> entries = new ArrayList<>();
        for (URL url : loader.getURLs()) {
            try {
                entries.add(Path.of(url.toURI()).toString());
            } catch (URISyntaxException e) {
                throw new IllegalStateException("The class path has no path in " + url, e);
            }
        }
        return String.join(File.pathSeparator, entries);
    }

    private void readMessages() {
        InputStream messages = process.getErrorStream();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(messages, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (lastLines) {
                    lastLines.add(line);
                    if (lastLines.size() > KEPT_LINES) {
                        lastLines.remove();
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Asks and waits for the answer.
     *
     * @param kind what is to be done
     * @param details a record of {@link Requests}
     * @return the answer
     * @throws IOException if the worker answers with an error, with something else than JSON, or has
     *     ended
     */
    JsonObject ask(String kind, Object details) throws IOException {
        JsonObject request = new JsonObject();
        request.addProperty("do", kind);
        Requests.GSON
                .toJsonTree(details)
                .getAsJsonObject()
                .asMap()
                .forEach((key, value) -> add(request, key, value));
        String line;
        try {
            requests.write(Requests.GSON.toJson(request));
            requests.newLine();
            requests.flush();
            line = answers.readLine();
        } catch (IOException e) {
            throw ended(request, e);
        }
        if (line == null) {
            throw ended(request, null);
        }
        return parse(request, line);
    }

    private static void add(JsonObject request, String key, JsonElement value) {
        // Names of networks are for our own workers, and only where there are several.
        if (!value.isJsonNull()) {
            request.add(key, value);
        }
    }

    private JsonObject parse(JsonObject request, String line) throws IOException {
        JsonObject answer;
        try {
            answer = JsonParser.parseString(line).getAsJsonObject();
        } catch (JsonParseException | IllegalStateException e) {
            throw new IOException(
                    String.format(
                            "%s answered '%s' to %s, which is no JSON object: whatever else it"
                                    + " prints must go to stderr.",
                            name, line, request),
                    e);
        }
        if (answer.has("error")) {
            // Nobody asks it again, and once it has ended its last message is in. destroy() of the
            // process itself would close the stream of messages.
            process.toHandle().destroy();
            joinReader();
            throw new IOException(String.format(
                    "%s could not do %s: %s%s",
                    name, request, answer.get("error").getAsString(), lastLines()));
        }
        return answer;
    }

    private IOException ended(JsonObject request, IOException cause) {
        String state = "is still there";
        try {
            if (process.waitFor(SECONDS_TO_END, TimeUnit.SECONDS)) {
                state = "ended with exit code " + process.exitValue();
                joinReader();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new IOException(
                String.format(
                        "%s gave no answer to %s and %s.%s", name, request, state, lastLines()),
                cause);
    }

    private void joinReader() {
        try {
            reader.join(TimeUnit.SECONDS.toMillis(SECONDS_TO_END));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String lastLines() {
        synchronized (lastLines) {
            return lastLines.isEmpty()
                    ? ""
                    : String.format(
                            "%nIts last messages:%n  %s",
                            String.join(System.lineSeparator() + "  ", lastLines));
        }
    }

    /** Has the worker end, by force if it does not. */
    @Override
    public void close() {
        try {
            requests.write("{\"do\":\"quit\"}");
            requests.newLine();
            requests.close();
        } catch (IOException e) {
            // It has ended already.
        }
        try {
            if (!process.waitFor(SECONDS_TO_END, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
