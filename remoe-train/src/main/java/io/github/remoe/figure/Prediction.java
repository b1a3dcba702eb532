package io.github.remoe.figure;

import java.util.Locale;

/**
 * What a model takes a picture for.
 *
 * @param className the name of the class with the highest probability
 * @param confidence that probability, 0 to 1
 * @param verdict how good an answer that is
 */
public record Prediction(String className, float confidence, Verdict verdict) {

    /** How good an answer is. */
    public enum Verdict {
        /** The true class. */
        RIGHT("right", true),
        /** Another class. */
        WRONG("wrong", false),
        /** The class that the image had without the attack, be it true or not. */
        UNCHANGED("unchanged", true),
        /** Another class than the image had without the attack. */
        CHANGED("changed", false),
        /** Nobody knows: the true class was not told. */
        OPEN("", true);

        private final String word;
        private final boolean good;

        Verdict(String word, boolean good) {
            this.word = word;
            this.good = good;
        }

        /**
         * Judges an answer by the true class.
         *
         * @param right whether it is that
         * @return {@link #RIGHT} or {@link #WRONG}
         */
        public static Verdict of(boolean right) {
            return right ? RIGHT : WRONG;
        }

        /**
         * Judges an answer under attack whose true class is not known.
         *
         * @param changed whether it is another than without the attack
         * @return {@link #CHANGED} or {@link #UNCHANGED}
         */
        public static Verdict ofChange(boolean changed) {
            return changed ? CHANGED : UNCHANGED;
        }

        /**
         * Returns the verdict in a word.
         *
         * @return the word, empty if it is open
         */
        public String word() {
            return word;
        }

        /** The class of its text in a drawing. */
        String style() {
            return this == OPEN ? "t-text" : good ? "t-right" : "t-wrong";
        }
    }

    /** Returns class and percentage, such as {@code tench 93 %}. */
    @Override
    public String toString() {
        return className + " " + percent();
    }

    /** The second line of a caption: how sure, and how good. */
    String judged() {
        return verdict == Verdict.OPEN ? percent() : percent() + ", " + verdict.word();
    }

    private String percent() {
        return String.format(Locale.ROOT, "%.0f %%", 100 * confidence);
    }
}
