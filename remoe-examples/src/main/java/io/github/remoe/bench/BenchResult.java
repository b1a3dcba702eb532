package io.github.remoe.bench;

import java.util.List;
import java.util.Map;

/**
 * One measured row.
 *
 * @param model the network's name, empty where there is none
 * @param row the row's name
 * @param batch how many images at a time
 * @param images how many images in all
 * @param repeat how often the work was repeated for one time
 * @param epsilon the radius of the attack in pixel values; 0 without one
 * @param date when it was measured, ISO 8601
 * @param commandLine the command that measured it
 * @param ours our times; with ReMoE blocks, where they are compared with the plain network
 * @param theirs the peer's times, of the same rounds; null if there was no peer
 * @param plain the plain network's times, of the same rounds; null if it is not compared with it
 * @param flops the floating-point operations that the work cannot do without; 0 if they are not
 *     counted
 * @param flopsPerSecond the rate of matrix products measured in our process right afterwards
 */
record BenchResult(
        String model,
        String row,
        int batch,
        int images,
        int repeat,
        float epsilon,
        String date,
        String commandLine,
        Side ours,
        Side theirs,
        Side plain,
        double flops,
        double flopsPerSecond) {

    /** What ReMoE blocks may cost, as a multiple of the plain network's time. */
    static final double MOST_OVERHEAD = 1.05;

    /** What our memory may be, as a multiple of the peer's. */
    static final double MOST_MEMORY = 1;

    /**
     * What one side took.
     *
     * @param seconds the time of each round
     * @param result what the work found, such as accuracies, in the last round
     * @param peakBytes the most memory that its process had in use; null if that is not known
     * @param environment what it ran on
     */
    record Side(
            List<Double> seconds,
            Map<String, Double> result,
            Long peakBytes,
            Requests.Environment environment) {

        double median() {
            return MedianRange.of(seconds).median();
        }
    }

    Row kind() {
        return Row.of(row);
    }

    /** How many times as fast as the peer our side is, round by round. */
    MedianRange ratio() {
        return MedianRange.ofRatios(theirs.seconds(), ours.seconds());
    }

    /** How many times the plain network's time the one with ReMoE blocks takes. */
    MedianRange overhead() {
        return MedianRange.ofRatios(ours.seconds(), plain.seconds());
    }

    /** How many times the peer's memory ours is; NaN if one is not known. */
    double memoryRatio() {
        return theirs == null || theirs.peakBytes() == null || ours.peakBytes() == null
                ? Double.NaN
                : (double) ours.peakBytes() / theirs.peakBytes();
    }

    /** The share of the machine's rate of matrix products; NaN if operations are not counted. */
    double shareOfLimit() {
        return flops == 0 || flopsPerSecond == 0
                ? Double.NaN
                : flops / ours.median() / flopsPerSecond;
    }

    boolean isFastEnough() {
        return plain != null
                ? asShown(overhead().median()) <= MOST_OVERHEAD
                : asShown(ratio().median()) >= kind().leastRatio();
    }

    boolean isSmallEnough() {
        return !(asShown(memoryRatio()) > MOST_MEMORY);
    }

    /** To a tenth of a percent, so that no mark is missed by 0.0 %. */
    private static double asShown(double ratio) {
        return Math.rint(1000 * ratio) / 1000;
    }
}
