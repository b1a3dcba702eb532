package io.github.remoe.bench;

/** Is told how a benchmark goes on. */
public interface BenchListener {

    /**
     * Is told how much there is to do, before the first row.
     *
     * @param runs how many measurements there will be
     */
    default void onStart(int runs) {}

    /**
     * Is told that a row is begun.
     *
     * @param row the model and the row
     */
    default void onRow(String row) {}

    /** Is told that one side was measured once. */
    default void onRun() {}
}
