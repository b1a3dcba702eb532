package io.github.remoe.report;

/** Is told how far the writing of a {@link RunReport} has come. */
@FunctionalInterface
public interface ReportListener {

    /**
     * A figure has been written.
     *
     * @param written how many there are by now
     * @param all how many there will be
     */
    void onFigureWritten(int written, int all);
}
