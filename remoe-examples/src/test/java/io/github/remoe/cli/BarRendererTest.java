package io.github.remoe.cli;

import static org.assertj.core.api.Assertions.assertThat;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarConsumer;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

class BarRendererTest {

    private static final String NUMBERS = " epoch 13 loss 1.235 clean 52% robust 25% rate 0.013";

    /** The last line of a bar of 1000 images, 100 of which were done before. */
    private static String line(int columns, int images, Duration pause) throws Exception {
        List<String> lines = new ArrayList<>();
        ProgressBarConsumer consumer = new ProgressBarConsumer() {
            @Override
            public int getMaxRenderedLength() {
                return columns;
            }

            @Override
            public void accept(String line) {
                lines.add(line);
            }

            @Override
            public void close() {}
        };
        try (ProgressBar bar = new ProgressBarBuilder()
                .setTaskName("train run")
                .setInitialMax(1000)
                .startsFrom(100, Duration.ZERO)
                .setRenderer(new BarRenderer("img"))
                .setConsumer(consumer)
                .setUpdateIntervalMillis(60_000)
                .build()) {
            bar.setExtraMessage(NUMBERS);
            bar.stepBy(images);
            Thread.sleep(pause.toMillis());
        }
        return lines.get(lines.size() - 1);
    }

    @Test
    void aWideTerminalHasItAll() throws Exception {
        assertThat(line(120, 400, Duration.ofMillis(200)))
                .matches("train run  50% \\[=+ +]" + NUMBERS + " \\d+ img/s 0:00:00 left")
                .hasSize(120);
    }

    @Test
    void aNarrowTerminalKeepsTheNumbers() throws Exception {
        assertThat(line(80, 9, Duration.ofMillis(100)))
                .matches(" 10%" + NUMBERS + " \\d+ img/s 0:00:\\d\\d left");
    }

    @Test
    void nothingIsLongerThanTheTerminal() throws Exception {
        assertThat(line(40, 9, Duration.ofMillis(100)))
                .isEqualTo((" 10%" + NUMBERS).substring(0, 40));
    }

    @Test
    void withoutAnImageThereIsNoSpeed() throws Exception {
        assertThat(line(80, 0, Duration.ofMillis(10)))
                .isEqualTo("train run  10% [=          ]" + NUMBERS);
    }
}
