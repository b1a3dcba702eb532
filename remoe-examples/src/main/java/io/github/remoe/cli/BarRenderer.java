package io.github.remoe.cli;

import me.tongfei.progressbar.ProgressBarRenderer;
import me.tongfei.progressbar.ProgressState;

import java.time.Duration;
import java.util.Locale;

/**
 * A line such as {@code train run  4% [=>   ] epoch 3 loss 1.235 87.0 img/s 0:31:15 left}. Where it is
 * too long, the bar goes first and then the name, since the numbers are what matters.
 */
final class BarRenderer implements ProgressBarRenderer {

    private static final int SHORTEST_BAR = 5;
    private static final double MILLIS = 1000;

    private final String unit;

    /** For work that is counted in a unit, such as {@code img}. */
    BarRenderer(String unit) {
        this.unit = unit;
    }

    @Override
    public String render(ProgressState progress, int maxLength) {
        double done = progress.getNormalizedProgress();
        String name = progress.getTaskName() + " ";
        String percent = String.format(Locale.ROOT, "%3.0f%%", Math.floor(100 * done));
        String numbers = progress.getExtraMessage() + speed(progress);
        int room = maxLength - name.length() - percent.length() - numbers.length();
        String bar = bar(done, room - " []".length());
        String line = (room < 0 ? "" : name) + percent + bar + numbers;
        return line.substring(0, Math.min(line.length(), maxLength));
    }

    private static String bar(double done, int length) {
        if (length < SHORTEST_BAR) {
            return "";
        }
        int filled = (int) (done * length);
        return " [" + "=".repeat(filled) + " ".repeat(length - filled) + "]";
    }

    /** Since the work started here; what was done before took time of its own. */
    private String speed(ProgressState progress) {
        double seconds = progress.getElapsedAfterStart().toMillis() / MILLIS;
        double speed = (progress.getCurrent() - progress.getStart()) / seconds;
        if (!(speed > 0 && Double.isFinite(speed))) {
            return "";
        }
        Duration left =
                Duration.ofSeconds((long) ((progress.getMax() - progress.getCurrent()) / speed));
        return String.format(
                Locale.ROOT,
                speed < 10 ? " %.2f %s/s %d:%02d:%02d left" : " %.0f %s/s %d:%02d:%02d left",
                speed,
                unit,
                left.toHours(),
                left.toMinutesPart(),
                left.toSecondsPart());
    }
}
