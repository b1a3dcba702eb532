package io.github.remoe.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;

/**
 * A worker that computes nothing: its times are given.
 *
 * <p>Arguments: its name; a file, to which it writes its name and what it is asked; the seconds of its
 * runs one after the other, the last for all others; the one logit of its network; and what goes wrong:
 * {@code error}, {@code exit} or {@code chatter} when it is asked to run. The version of its library is
 * Java's property {@code version}, otherwise 1.
 */
final class FakeWorker {

    private FakeWorker() {}

    static List<String> command(
            String name, Path log, String seconds, double logit, String... wrong) {
        List<String> command = new ArrayList<>(WorkerProcess.ours());
        command.set(command.size() - 1, FakeWorker.class.getName());
        // It does little, so it should start quickly.
        command.addAll(1, List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        command.addAll(List.of(name, log.toString(), seconds, String.valueOf(logit)));
        command.addAll(Arrays.asList(wrong));
        return command;
    }

    public static void main(String[] args) throws IOException {
        Deque<String> seconds = new ArrayDeque<>(List.of(args[2].split(",")));
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            String kind = request.get("do").getAsString();
            Files.writeString(
                    Path.of(args[1]),
                    log(args[0], kind, request) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
            if (kind.equals("quit")) {
                return;
            }
            if (kind.equals("run") && args.length > 4) {
                goWrong(args[4]);
                continue;
            }
            System.out.println(
                    switch (kind) {
                        case "load" ->
                            "{\"versions\":{\"fake\":\"" + System.getProperty("version", "1")
                                    + "\"},\"device\":\"cpu\"}";
                        case "check" -> check(Double.parseDouble(args[3]));
                        case "memory" -> "{\"peakBytes\":2097152}";
                        default -> run(request, seconds);
                    });
        }
    }

    private static String log(String name, String kind, JsonObject request) {
        StringBuilder entry = new StringBuilder(name).append(' ').append(kind);
        for (String member : List.of("as", "row", "of", "regionLosses")) {
            if (request.has(member)) {
                entry.append(' ').append(request.get(member).getAsString());
            }
        }
        return entry.toString();
    }

    private static void goWrong(String what) {
        System.err.println("the last words");
        switch (what) {
            case "error" -> System.out.println("{\"error\":\"no such thing\"}");
            case "chatter" -> System.out.println("Downloading...");
            default -> System.exit(7);
        }
    }

    private static String check(double logit) {
        JsonArray logits = new JsonArray();
        logits.add(logit);
        JsonObject answer = new JsonObject();
        answer.add("logits", logits);
        answer.add("regionWeights", new JsonArray());
        answer.addProperty("loss", 2);
        answer.addProperty("gradientNorm", 3);
        return answer.toString();
    }

    private static String run(JsonObject request, Deque<String> seconds) {
        if (request.get("row").getAsString().equals("matmul")) {
            return "{\"seconds\":1,\"result\":{\"flopsPerSecond\":1e9}}";
        }
        String next = seconds.size() > 1 ? seconds.remove() : seconds.element();
        return "{\"seconds\":" + next
                + ",\"result\":{\"cleanAccuracy\":0.75,\"robustAccuracy\":0.5}}";
    }
}
