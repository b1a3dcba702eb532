package io.github.remoe.weights;

import java.util.Collection;
import java.util.Comparator;

/** Finds the name that somebody may have meant. */
final class Nearest {

    private Nearest() {}

    /** The known name that takes the fewest changes of a letter (Levenshtein), or "none". */
    static String to(String name, Collection<String> known) {
        return known.stream()
                .min(Comparator.comparingInt(candidate -> changes(name, candidate)))
                .orElse("none");
    }

    private static int changes(String from, String to) {
        int[] before = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            before[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int[] now = new int[to.length() + 1];
            now[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = before[j - 1] + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                now[j] = Math.min(replaced, 1 + Math.min(before[j], now[j - 1]));
            }
            before = now;
        }
        return before[to.length()];
    }
}
