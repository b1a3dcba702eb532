package io.github.remoe.figure;

/**
 * What an axis is labelled with: a quantity, or a quantity, a comma and its unit.
 *
 * @param text all of it
 */
record AxisLabel(String text) {

    /**
     * Writes a value in words.
     *
     * @param value the value
     * @return {@code epoch 3} or, where there is a unit, {@code 41.2 %}
     */
    String of(double value) {
        int comma = text.lastIndexOf(", ");
        return comma < 0
                ? text + " " + Numbers.text(value)
                : Numbers.text(value) + " " + text.substring(comma + 2);
    }
}
