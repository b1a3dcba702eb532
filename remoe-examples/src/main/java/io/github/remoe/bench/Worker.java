package io.github.remoe.bench;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.translate.TranslateException;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Our side of a benchmark: a process that does what it is asked and says how long it took. Requests are
 * lines on stdin, answers lines on stdout, both JSON; everything else goes to stderr. {@link Requests}
 * has the requests.
 */
public final class Worker implements AutoCloseable {

    private static final Path STATUS = Path.of("/proc/self/status");

    private final Map<String, Subject> subjects = new HashMap<>();

    Worker() {}

    /**
     * Answers until the end of stdin or {@code {"do":"quit"}}.
     *
     * @param args none
     * @throws IOException if stdin cannot be read
     */
    public static void main(String[] args) throws IOException {
        System.setProperty("ai.djl.offline", "true");
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        try (Worker worker = new Worker()) {
            BufferedReader requests =
                    new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                JsonObject request = JsonParser.parseString(line).getAsJsonObject();
                if (request.get("do").getAsString().equals("quit")) {
                    return;
                }
                answers.println(Requests.GSON.toJson(worker.answer(request)));
            }
        }
    }

    JsonObject answer(JsonObject request) {
        try {
            String kind = request.get("do").getAsString();
            return switch (kind) {
                case "load" -> load(Requests.GSON.fromJson(request, Requests.Load.class));
                case "check" ->
                    subject(null).check(Requests.GSON.fromJson(request, Requests.Check.class));
                case "run" -> run(Requests.GSON.fromJson(request, Requests.Run.class));
                case "memory" -> memory();
                default ->
                    throw new IllegalArgumentException(String.format(
                            "Unknown request '%s': known are load, check, run, memory and quit.",
                            kind));
            };
        } catch (IOException | TranslateException | RuntimeException e) {
            e.printStackTrace();
            JsonObject answer = new JsonObject();
            answer.addProperty("error", e.getMessage() == null ? e.toString() : e.getMessage());
            return answer;
        }
    }

    private JsonObject load(Requests.Load load) throws IOException {
        // Read by DJL when it loads PyTorch.
        System.setProperty("ai.djl.pytorch.num_threads", String.valueOf(load.threads()));
        Subject subject = new Subject(load, device(load.device()));
        Subject before = subjects.put(load.as(), subject);
        if (before != null) {
            before.close();
        }
        Engine engine = Engine.getInstance();
        Map<String, String> versions = new TreeMap<>();
        versions.put("DJL", Engine.getDjlVersion());
        versions.put(engine.getEngineName(), engine.getVersion());
        versions.put("Java", System.getProperty("java.version"));
        JsonObject answer = new JsonObject();
        answer.add("versions", Requests.GSON.toJsonTree(versions));
        answer.addProperty("device", load.device());
        return answer;
    }

    /** The device of PyTorch's name. */
    static Device device(String name) {
        if (name.equals("cpu")) {
            return Device.cpu();
        }
        String[] parts = name.split(":");
        return Device.gpu(parts.length > 1 ? Integer.parseInt(parts[1]) : 0);
    }

    private JsonObject run(Requests.Run run) throws IOException, TranslateException {
        Work.Timing timing = Work.run(subject(run.of()), run);
        JsonObject answer = new JsonObject();
        answer.addProperty("seconds", timing.seconds());
        answer.add("result", Requests.GSON.toJsonTree(timing.result()));
        return answer;
    }

    private Subject subject(String name) {
        Subject subject = subjects.get(name);
        if (subject == null) {
            throw new IllegalStateException("Nothing is loaded yet: ask to load first.");
        }
        return subject;
    }

    private static JsonObject memory() {
        JsonObject answer = new JsonObject();
        answer.add("peakBytes", peakBytes());
        return answer;
    }

    /** The most that this process had resident, null where there is no Linux. */
    private static JsonElement peakBytes() {
        try (Stream<String> lines = Files.lines(STATUS)) {
            Long bytes = lines.filter(line -> line.startsWith("VmHWM:"))
                    .map(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(null);
            return Requests.GSON.toJsonTree(bytes);
        } catch (IOException e) {
            return null;
        }
    }

    /** {@inheritDoc} */
    @Override
    public void close() {
        subjects.values().forEach(Subject::close);
    }
}
