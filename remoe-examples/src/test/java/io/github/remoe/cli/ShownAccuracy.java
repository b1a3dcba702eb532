package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An accuracy on a page.
 *
 * @param attack the attack's name, {@code clean} or {@code worst case}
 * @param epsilon the radius as {@code results.json} writes it; empty if clean
 * @param value the accuracy, 0 to 1, that the page's scripts take
 * @param text what is shown
 */
record ShownAccuracy(String attack, String epsilon, double value, String text) {

    private static final Pattern NUMBER = Pattern.compile("\\d+(\\.\\d+)?");

    /** An accuracy that a file has. */
    private record Expected(String attack, String epsilon, double value) {}

    /** Each accuracy of a run's results is on the page, and what is shown is that number. */
    static void check(List<ShownAccuracy> shown, Path run) throws IOException {
        for (Expected expected : expected(run)) {
            List<ShownAccuracy> found = shown.stream()
                    .filter(cell -> cell.attack.equals(expected.attack)
                            && cell.epsilon.equals(expected.epsilon))
                    .toList();
            assertThat(found).as(expected.toString()).isNotEmpty().allSatisfy(cell -> {
                assertThat(cell.value).as(expected.toString()).isEqualTo(expected.value);
                Matcher number = NUMBER.matcher(cell.text);
                assertThat(number.find()).as(cell.text).isTrue();
                assertThat(Double.parseDouble(number.group()))
                        .isCloseTo(100 * expected.value, within(0.0501));
            });
        }
    }

    private static List<Expected> expected(Path run) throws IOException {
        JsonObject results = JsonParser.parseString(Files.readString(run.resolve("results.json")))
                .getAsJsonObject();
        List<Expected> expected = new ArrayList<>();
        expected.add(new Expected("clean", "", value(results.get("clean"))));
        results.getAsJsonArray("robust")
                .forEach(entry -> expected.add(
                        expected(entry.getAsJsonObject().get("attack").getAsString(), entry)));
        results.getAsJsonArray("worstCase")
                .forEach(entry -> expected.add(expected("worst case", entry)));
        assertThat(expected).hasSizeGreaterThan(3);
        return expected;
    }

    private static Expected expected(String attack, JsonElement entry) {
        JsonObject object = entry.getAsJsonObject();
        return new Expected(
                attack, object.get("epsilon").getAsString(), value(object.get("accuracy")));
    }

    private static double value(JsonElement accuracy) {
        return accuracy.getAsJsonObject().get("value").getAsDouble();
    }
}
