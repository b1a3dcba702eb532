package io.github.remoe.weights;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/** Finds the name that somebody may have meant. */
final class Nearest {

    // The time goes with the product of the lengths, and a file may have any number of long names.
    private static final int MOST_CANDIDATES = 1_000;
    private static final int MOST_ADDED = 20;

    private Nearest() {}

    /**
     * The known name that takes the fewest changes of a letter (Levenshtein), among the first thousand
     * that are at most 20 letters longer or shorter.
     */
    static Optional<String> to(String name, Collection<String> known) {
        return known.stream()
                .filter(candidate -> Math.abs(candidate.length() - name.length()) <= MOST_ADDED)
                .limit(MOST_CANDIDATES)
                .min(Comparator.comparingInt(candidate -> changes(name, candidate)));
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
