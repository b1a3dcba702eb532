package io.github.remoe.bench;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Whether both sides compute the same; otherwise it would mean nothing that one is faster.
 *
 * @param network what messages call the network
 */
record Agreement(String network) {

    // Of the largest value: both sum float32 numbers, in another order.
    private static final double TOLERANCE = 1e-4;

    private static final List<String> COMPARED =
            List.of("logits", "regionWeights", "loss", "gradientNorm");

    /** Compares two answers to the same check. */
    void check(JsonObject ours, JsonObject theirs) throws IOException {
        for (String name : COMPARED) {
            List<Double> here = new ArrayList<>();
            List<Double> there = new ArrayList<>();
            collect(ours.get(name), here);
            collect(theirs.get(name), there);
            if (here.size() != there.size()) {
                throw new IOException(String.format(
                        "The %s of %s are %d numbers on our side and %d on the peer's.",
                        name, network, here.size(), there.size()));
            }
            check(name, here, there);
        }
    }

    private void check(String name, List<Double> here, List<Double> there) throws IOException {
        double largest = there.stream().mapToDouble(Math::abs).max().orElse(0);
        for (int i = 0; i < here.size(); i++) {
            // Not a number is no agreement either.
            if (!(Math.abs(here.get(i) - there.get(i)) <= TOLERANCE * largest)) {
                throw new IOException(String.format(
                        Locale.ROOT,
                        "Both sides should compute the same, but the %s of %s differ: number %d is"
                                + " %.6g here and %.6g there, and may differ by %.2g. Nothing is"
                                + " measured before that is put right.",
                        name,
                        network,
                        i + 1,
                        here.get(i),
                        there.get(i),
                        TOLERANCE * largest));
            }
        }
    }

    /** All numbers in a value, from the first to the last. */
    private static void collect(JsonElement element, List<Double> numbers) {
        if (element == null || element.isJsonNull()) {
            return;
        }
        if (element.isJsonArray()) {
            element.getAsJsonArray().forEach(part -> collect(part, numbers));
        } else {
            numbers.add(element.getAsDouble());
        }
    }
}
